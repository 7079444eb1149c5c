"""Thresholds of the pump chosen on some markets and tried on another, each in its turn.

For each market the rule of GRID with the best F1 on all other markets is taken, of equal ones the
strictest, and what it finds on the market left out is counted. The shipped rule is one of GRID.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import product
from typing import Any

from batch.evaluations.pump_truth import Found, Score, score_of
from batch.terminal import Tell
from spark_jobs.transforms.anomalies.bad_ticks import BadTicks
from spark_jobs.transforms.anomalies.episodes import About
from spark_jobs.transforms.anomalies.pump import Pump, PumpRule

RISES_PCT, DEVIATIONS, VOLUME_TIMES = (5.0, 6.0, 7.0, 8.0), (8.0, 10.0, 12.0), (30.0, 50.0, 100.0)
GRID = tuple(
    PumpRule(rise_pct=rise, deviations=deviations, volume_times=times)
    for rise, deviations, times in product(RISES_PCT, DEVIATIONS, VOLUME_TIMES)
)

Seconds = Mapping[str, Sequence[Mapping[str, Any]]]


def left_out(
    seconds: Seconds,
    events: Sequence[Found],
    failed: Sequence[Found],
    *,
    days: float,
    tell: Tell,
) -> dict[str, Any]:
    """The score over all markets, each by the rule that the others chose."""
    pumps: dict[PumpRule, dict[str, list[Found]]] = {}
    for number, rule in enumerate(GRID, start=1):
        tell("trying rules", f"{number} of {len(GRID)}")
        pumps[rule] = {symbol: pumps_of(symbol, rows, rule) for symbol, rows in seconds.items()}

    def score(rule: PumpRule, symbols: Iterable[str]) -> Score:
        chosen = set(symbols)
        return score_of(
            [one for symbol in chosen for one in pumps[rule][symbol]],
            [one for one in events if one.symbol in chosen],
            [one for one in failed if one.symbol in chosen],
            days=days,
        )

    found: list[Found] = []
    chosen: list[dict[str, Any]] = []
    for symbol in sorted(seconds):
        others = seconds.keys() - {symbol}
        rule = max(GRID, key=lambda one: (score(one, others).f1, _strictness(one)))
        found += pumps[rule][symbol]
        chosen.append({"symbol": symbol, "rule": asdict(rule), **score(rule, [symbol]).report()})
    best = max(score(rule, seconds).f1 for rule in GRID)
    total = score_of(found, events, failed, days=days)
    return {**total.report(), "rules": len(GRID), "best_f1_on_all": best, "symbols": chosen}


def pumps_of(symbol: str, rows: Sequence[Mapping[str, Any]], rule: PumpRule) -> list[Found]:
    """When the detector opens an episode by this rule, over one market's seconds in order."""
    pump, bad_ticks = Pump(rule), BadTicks()
    about = About("file", symbol=symbol)
    return [
        Found(symbol, revision["detected_at_ms"])
        for row in rows
        for passed in bad_ticks.passed(row, row["close"], row["trades"])
        for revision in pump.step(passed, about)
        if revision["phase"] == "opened"
    ]


def _strictness(rule: PumpRule) -> tuple[float, float, float]:
    return rule.rise_pct, rule.deviations, rule.volume_times
