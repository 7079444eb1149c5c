"""All indicators of one market and interval. Pure."""

from collections.abc import Sequence

from market.intervals import INTERVAL_MS
from market.store.measurements import INDICATOR_FIELDS
from market.store.rows import Bar
from spark_jobs.transforms.indicators import INDICATORS
from spark_jobs.transforms.steppers import Number

YEAR_MS = 365 * INTERVAL_MS["1d"]

# Which indicators are published, with which parameters, and the field of each of their values;
# None where a value is published under another name already.
PUBLISHED: tuple[tuple[str, tuple[Number, ...], tuple[str | None, ...]], ...] = (
    *(("sma", (size,), (f"sma_{size}",)) for size in (5, 10, 20, 50)),
    *(("ema", (size,), (f"ema_{size}",)) for size in (5, 10, 20, 50)),
    ("bollinger", (20, 2), ("bollinger_upper_20", None, "bollinger_lower_20")),
    ("rsi", (14,), ("rsi_14",)),
    ("macd", (12, 26, 9), ("macd", "macd_signal", "macd_histogram")),
    ("atr", (14,), ("atr_14",)),
    ("realised_volatility", (20,), ("realised_volatility_20_pct",)),
    ("momentum", (10,), ("momentum_10_pct",)),
    ("volume_ratio", (20,), ("volume_ratio_20",)),
    ("buy_sell_ratio", (), ("buy_sell_ratio",)),
)
_NAMES = [name for _, _, names in PUBLISHED for name in names]
_PLACES = tuple(_NAMES.index(field) for field in INDICATOR_FIELDS)


class Series:
    """The steppers of one series, and how many bars they have seen."""

    def __init__(self, interval: str) -> None:
        self.bars = 0
        bars_a_year = YEAR_MS / INTERVAL_MS[interval]
        self._steppers = [
            INDICATORS[name].make(
                *params, *((bars_a_year,) if name == "realised_volatility" else ())
            )
            for name, params, _ in PUBLISHED
        ]

    def step(self, bar: Bar) -> list[float | None]:
        """Values in the order of INDICATOR_FIELDS."""
        self.bars += 1
        found = [number for stepper in self._steppers for number in stepper.step(bar)]
        return [found[place] for place in _PLACES]

    def save(self) -> list[float]:
        """The number of bars, then for each stepper the length of its state and the state."""
        floats: list[float] = [self.bars]
        for stepper in self._steppers:
            state = stepper.save()
            floats.append(len(state))
            floats += state
        return floats

    def restore(self, floats: Sequence[float], place: int) -> int:
        """Take over what was saved from `place` on; returns the place after it."""
        self.bars = int(floats[place])
        place += 1
        for stepper in self._steppers:
            end = place + 1 + int(floats[place])
            stepper.restore(floats[place + 1 : end])
            place = end
        return place
