"""The table of indicators, one line each. Pure.

Bars come in ascending order, one series a stepper. A value that is not defined (too few bars, a
division by zero) is None. Seeds are those of Skender's published series; docs/methodology.md has
the formulas. A stepper's whole state goes to plain floats and back, bit for bit, and is bounded by
its window.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from market.store.rows import Bar
from spark_jobs.transforms.steppers import (
    Atr,
    Bollinger,
    BuySellRatio,
    Ema,
    Macd,
    Momentum,
    Number,
    RealisedVolatility,
    Rsi,
    Sma,
    Values,
    VolumeRatio,
)


class Stepper(Protocol):
    """One indicator of one series."""

    def step(self, bar: Bar) -> Values:
        """The values at the close of the next bar, one for each of the indicator's fields."""

    def save(self) -> list[float]:
        """The state; as long as the window is filled."""

    def restore(self, state: Sequence[float]) -> None:
        """Take over a saved state."""


@dataclass(frozen=True, slots=True)
class Indicator:
    """A row of INDICATORS. `make` takes its `params` in order; ValueError where one is wrong."""

    fields: tuple[str, ...]
    params: tuple[tuple[str, Number], ...]
    make: Callable[..., Stepper]


INDICATORS: Mapping[str, Indicator] = {
    "sma": Indicator(("sma",), (("bars", 20),), Sma),
    "ema": Indicator(("ema",), (("bars", 20),), Ema),
    "bollinger": Indicator(
        ("bollinger_upper", "bollinger_middle", "bollinger_lower"),
        (("bars", 20), ("deviations", 2)),
        Bollinger,
    ),
    "rsi": Indicator(("rsi",), (("bars", 14),), Rsi),
    "macd": Indicator(
        ("macd", "macd_signal", "macd_histogram"),
        (("fast_bars", 12), ("slow_bars", 26), ("signal_bars", 9)),
        Macd,
    ),
    "atr": Indicator(("atr",), (("bars", 14),), Atr),
    "realised_volatility": Indicator(
        ("realised_volatility_pct",),
        (("bars", 20), ("bars_a_year", 365)),
        RealisedVolatility,
    ),
    "momentum": Indicator(("momentum_pct",), (("bars", 10),), Momentum),
    "volume_ratio": Indicator(("volume_ratio",), (("bars", 20),), VolumeRatio),
    "buy_sell_ratio": Indicator(("buy_sell_ratio",), (), BuySellRatio),
}
