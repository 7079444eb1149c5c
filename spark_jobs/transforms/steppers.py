"""The steppers behind `indicators.INDICATORS`: one bar in, its values at the bar's close out. Pure.

Windows are summed anew each time, so a sum never carries the rounding of bars that have left it,
and two layers that began at different bars agree as soon as the window is full.
"""

from collections.abc import Sequence
from math import dist, inf, isfinite, log1p, nan, sqrt

from market.store.rows import Bar

Number = int | float
Values = tuple[float | None, ...]


class _Windowed:
    """The state of those that need nothing but the last few numbers, oldest first."""

    def __init__(self, size: Number) -> None:
        self._size = _count(size)
        self._window: list[float] = []

    def save(self) -> list[float]:
        """The numbers of the window."""
        return self._window

    def restore(self, state: Sequence[float]) -> None:
        """Take over a saved window."""
        self._window = list(state)

    def _is_full_with(self, number: float) -> bool:
        window = self._window
        window.append(number)
        if len(window) > self._size:
            del window[0]
        return len(window) == self._size


class Sma(_Windowed):
    """Mean of the last n closes."""

    def step(self, bar: Bar) -> Values:
        """(sma,)."""
        return (sum(self._window) / self._size if self._is_full_with(bar.close) else None,)


class Bollinger(_Windowed):
    """Mean of the last n closes, and `width` population standard deviations around it."""

    def __init__(self, size: Number, width: Number) -> None:
        super().__init__(size)
        self._width = width

    def step(self, bar: Bar) -> Values:
        """(upper, middle, lower)."""
        if not self._is_full_with(bar.close):
            return (None, None, None)
        middle = sum(self._window) / self._size
        reach = self._width * _distance(self._window, middle) / sqrt(self._size)
        return (middle + reach, middle, middle - reach)


class _Smoothed:
    """A mean that forgets: first that of n numbers, then moved by `weight` of each difference."""

    __slots__ = ("mean", "seen", "size", "weight")

    def __init__(self, size: int, weight: float) -> None:
        self.size = size
        self.weight = weight
        self.seen = 0
        self.mean = 0.0

    def add(self, number: float) -> float | None:
        """The mean with this number in it, None before the n-th. Until then `mean` is a sum."""
        if self.seen == self.size:
            self.mean += self.weight * (number - self.mean)
            return self.mean
        self.seen += 1
        self.mean += number
        if self.seen < self.size:
            return None
        self.mean /= self.size
        return self.mean

    def save(self) -> list[float]:
        return [self.seen, self.mean]

    def restore(self, state: Sequence[float]) -> None:
        self.seen, self.mean = int(state[0]), state[1]


def _exponential(size: Number) -> _Smoothed:
    return _Smoothed(_count(size), 2 / (size + 1))


def _wilder(size: Number) -> _Smoothed:
    return _Smoothed(_count(size), 1 / size)


class _Recursive:
    """The state of those that are made of smoothed means, and of the close before where needed."""

    def __init__(self, *means: _Smoothed) -> None:
        self._means = means
        self._close = nan

    def save(self) -> list[float]:
        """The close before, then each mean."""
        return [self._close, *(number for mean in self._means for number in mean.save())]

    def restore(self, state: Sequence[float]) -> None:
        """Take over a saved state."""
        self._close = state[0]
        for position, mean in enumerate(self._means):
            mean.restore(state[1 + 2 * position : 3 + 2 * position])


class Ema(_Recursive):
    """Exponential mean of closes with the weight 2 / (n + 1)."""

    def __init__(self, size: Number) -> None:
        super().__init__(_exponential(size))
        self._add = self._means[0].add

    def step(self, bar: Bar) -> Values:
        """(ema,)."""
        return (self._add(bar.close),)


class Rsi(_Recursive):
    """Wilder's relative strength index, 0 to 100; undefined while the price has never moved."""

    def __init__(self, size: Number) -> None:
        super().__init__(_wilder(size), _wilder(size))

    def step(self, bar: Bar) -> Values:
        """(rsi,)."""
        change = bar.close - self._close
        self._close = bar.close
        if change != change:  # noqa: PLR0124 - NaN: there is no close before the first bar
            return (None,)
        gains, losses = self._means
        gain = gains.add(max(change, 0.0))
        loss = losses.add(max(-change, 0.0))
        if gain is None or loss is None or gain + loss == 0:
            return (None,)
        return (100 - 100 / (1 + gain / loss) if loss > 0 else 100.0,)


class Macd(_Recursive):
    """Fast less slow exponential mean, its own exponential mean (signal), and their difference."""

    def __init__(self, fast: Number, slow: Number, signal: Number) -> None:
        super().__init__(_exponential(fast), _exponential(slow), _exponential(signal))

    def step(self, bar: Bar) -> Values:
        """(macd, signal, histogram)."""
        fast, slow, signal = self._means
        near, far = fast.add(bar.close), slow.add(bar.close)
        if near is None or far is None:
            return (None, None, None)
        macd = near - far
        smooth = signal.add(macd)
        return (macd, smooth, None if smooth is None else macd - smooth)


class Atr(_Recursive):
    """Wilder's mean of true ranges, in the quote currency."""

    def __init__(self, size: Number) -> None:
        super().__init__(_wilder(size))

    def step(self, bar: Bar) -> Values:
        """(atr,)."""
        before, self._close = self._close, bar.close
        if before != before:  # noqa: PLR0124 - NaN: there is no close before the first bar
            return (None,)
        return (self._means[0].add(max(bar.high, before) - min(bar.low, before)),)


class RealisedVolatility(_Windowed):
    """Sample standard deviation of the last n log returns, a year, in percent."""

    def __init__(self, size: Number, bars_a_year: Number) -> None:
        super().__init__(size)
        if self._size < 2 or not bars_a_year > 0:
            raise ValueError("a sample deviation needs 2 bars or more, a year some")
        self._scale = 100 * sqrt(bars_a_year / (self._size - 1))
        self._close = nan

    def step(self, bar: Bar) -> Values:
        """(realised_volatility_pct,)."""
        before, self._close = self._close, bar.close
        if before != before:  # noqa: PLR0124 - NaN: there is no close before the first bar
            return (None,)
        # log1p of the change: the log of a quotient near 1 has lost most of a quiet minute.
        is_defined = before > 0 and bar.close > 0
        if not self._is_full_with(log1p((bar.close - before) / before) if is_defined else nan):
            return (None,)
        mean = sum(self._window) / self._size
        return (_known(self._scale * _distance(self._window, mean)),)

    def save(self) -> list[float]:
        """The close before, then the returns of the window."""
        return [self._close, *self._window]

    def restore(self, state: Sequence[float]) -> None:
        """Take over a saved state."""
        self._close = state[0]
        self._window = list(state[1:])


class Momentum(_Windowed):
    """Change of the close over n bars, in percent."""

    def __init__(self, size: Number) -> None:
        super().__init__(_count(size) + 1)

    def step(self, bar: Bar) -> Values:
        """(momentum_pct,)."""
        if not self._is_full_with(bar.close):
            return (None,)
        before = self._window[0]
        return (100 * (bar.close / before - 1) if before else None,)


class VolumeRatio(_Windowed):
    """Volume over the mean volume of the n bars before it."""

    def step(self, bar: Bar) -> Values:
        """(volume_ratio,)."""
        window = self._window
        before = sum(window) / self._size if len(window) == self._size else 0.0
        self._is_full_with(bar.volume)
        return (bar.volume / before if before > 0 else None,)


class BuySellRatio(_Windowed):
    """Volume whose taker bought over volume whose taker sold, of this bar alone."""

    def __init__(self) -> None:
        super().__init__(1)  # of which nothing is kept

    def step(self, bar: Bar) -> Values:
        """(buy_sell_ratio,)."""
        buy, sell = bar.buy_volume, bar.sell_volume
        return (buy / sell if buy is not None and sell is not None and sell > 0 else None,)


def _count(size: Number) -> int:
    if not isfinite(size) or size != int(size) or size < 1:
        raise ValueError(f"{size} is not a number of bars; give a whole number above 0")
    return int(size)


def _distance(numbers: Sequence[float], mean: float) -> float:
    """Root of the summed squares around the mean."""
    return dist(numbers, [mean] * len(numbers))


def _known(number: float) -> float | None:
    return number if -inf < number < inf else None
