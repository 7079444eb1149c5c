"""Holes in trades, told apart from minutes in which nobody traded. Pure.

Trade ids of a market are contiguous. Between two bars they either go on (nobody traded) or jump
(trades are missing). Only final bars are judged: what a later trade may still fill is no gap.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from market.store.rows import Bar, Gap


def id_gaps(bars: Sequence[Bar], final_through_ms: int | None) -> list[Gap]:
    """Gaps within and between bars of trades, which ascend in time."""
    if final_through_ms is None:
        return []
    final = [bar for bar in bars if bar.close_time_ms <= final_through_ms]
    return sorted([*_inside(final), *_between(final)], key=lambda gap: (gap.from_ms, gap.to_ms))


def _inside(bars: Iterable[Bar]) -> Iterator[Gap]:
    for bar in bars:
        if bar.held_ids is None or bar.expected_ids is None:
            continue
        if bar.held_ids < bar.expected_ids:
            missing = bar.expected_ids - bar.held_ids
            yield Gap(from_ms=bar.open_time_ms, to_ms=bar.close_time_ms, missing_trades=missing)


def _between(bars: Iterable[Bar]) -> Iterator[Gap]:
    for earlier, later in pairwise(bars):
        missing = missing_between(earlier, later)
        if missing <= 0:
            continue
        if earlier.close_time_ms < later.open_time_ms:
            from_ms, to_ms = earlier.close_time_ms, later.open_time_ms
        else:  # neighbours: the hole runs over their common border
            from_ms, to_ms = earlier.open_time_ms, later.close_time_ms
        yield Gap(from_ms=from_ms, to_ms=to_ms, missing_trades=missing)


def missing_between(earlier: Bar, later: Bar) -> int:
    """Trades between two bars that are in neither; 0 without ids."""
    if earlier.last_trade_id is None or later.first_trade_id is None:
        return 0
    return max(later.first_trade_id - earlier.last_trade_id - 1, 0)


def suspicious(bars: Sequence[Bar]) -> list[Bar]:
    """Bars in or beside which trades are missing: those to look at minute by minute."""
    found = {bar.open_time_ms: bar for bar in bars if _lacks_trades(bar)}
    for earlier, later in pairwise(bars):
        if missing_between(earlier, later) > 0:
            found[earlier.open_time_ms] = earlier
            found[later.open_time_ms] = later
    return sorted(found.values(), key=lambda bar: bar.open_time_ms)


def _lacks_trades(bar: Bar) -> bool:
    if bar.expected_ids is None:
        return False
    return bar.held_ids is None or bar.held_ids < bar.expected_ids


def uncovered(bars: Iterable[Bar], *, from_ms: int, until_ms: int) -> list[tuple[int, int]]:
    """Stretches of [from_ms, until_ms) that lie in none of the bars, ascending."""
    holes: list[tuple[int, int]] = []
    through_ms = from_ms
    for bar in sorted(bars, key=lambda bar: bar.open_time_ms):
        if through_ms < bar.open_time_ms:
            holes.append((through_ms, min(bar.open_time_ms, until_ms)))
        through_ms = max(through_ms, bar.close_time_ms)
        if through_ms >= until_ms:
            break
    else:
        holes.append((through_ms, until_ms))
    return [(start, end) for start, end in holes if start < end]


def unpublished(published: Sequence[Bar], *, from_ms: int, until_ms: int | None) -> list[Gap]:
    """Stretches of [from_ms, until_ms) that none of an exchange's own bars covers.

    The exchange's history reaches back to `from_ms`, and trades account for what follows
    `until_ms` (None: not known yet). An exchange publishes a bar of volume 0 where nobody traded,
    so what no bar covers is a hole. Ids cannot say how many trades it held.
    """
    if until_ms is None:
        until_ms = max((bar.close_time_ms for bar in published), default=from_ms)
    return [
        Gap(from_ms=start, to_ms=end, missing_trades=None)
        for start, end in uncovered(published, from_ms=from_ms, until_ms=until_ms)
    ]
