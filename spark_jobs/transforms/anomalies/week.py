"""Sizes of a trailing week as a histogram of their logarithms, so that the state is small. Pure.

A bin is an eighth of a doubling (9 per cent), and a median or quantile is exact to a bin. Kept a
UTC day apart; a day leaves when it is a week old.
"""

from collections.abc import Iterable
from math import floor, log2

DAY_MS = 86_400_000
DAYS = 7
BINS_A_DOUBLING = 8
# 1.4826 x the median absolute deviation is the standard deviation of a normal distribution.
TO_SIGMA = 1.4826


def bin_of(size: float) -> int:
    """The bin of a size above 0."""
    return floor(BINS_A_DOUBLING * log2(size))


def doublings(bin_number: float) -> float:
    """The middle of a bin as a binary logarithm."""
    return (bin_number + 0.5) / BINS_A_DOUBLING


class Week:
    """Counts by day and bin."""

    def __init__(self) -> None:
        self._days: dict[int, dict[int, int]] = {}

    def add(self, at_ms: int, bins: Iterable[int]) -> None:
        """Count further sizes of a moment; moments ascend."""
        day = at_ms // DAY_MS
        held = self._days.get(day)
        if held is None:
            self._days = {old: kept for old, kept in self._days.items() if old > day - DAYS}
            held = self._days[day] = {}
        for one in bins:
            held[one] = held.get(one, 0) + 1

    def counts(self, at_ms: int) -> dict[int, int]:
        """How many of each bin in the week that ends then, bins ascending."""
        oldest = at_ms // DAY_MS - DAYS
        merged: dict[int, int] = {}
        for day, held in self._days.items():
            if day > oldest:
                for one, count in held.items():
                    merged[one] = merged.get(one, 0) + count
        return dict(sorted(merged.items()))

    def save(self) -> list[list[int]]:
        """For each day: the day, then its bins and counts in turn."""
        return [
            [day, *(part for pair in held.items() for part in pair)]
            for day, held in self._days.items()
        ]

    def restore(self, saved: list[list[int]]) -> None:
        """Take over what was saved."""
        self._days = {day: dict(zip(parts[::2], parts[1::2], strict=True)) for day, *parts in saved}


def upper_edge(bin_number: int) -> float:
    """The size that all sizes of a bin are below."""
    return float(2 ** ((bin_number + 1) / BINS_A_DOUBLING))


def quantile(counts: dict[int, int], share: float) -> int:
    """The bin of the smallest size that has this share of all at or below it."""
    left = share * sum(counts.values())
    for one, count in counts.items():
        left -= count
        if left <= 0:
            return one
    return next(reversed(counts))


def median_and_sigma(counts: dict[int, int]) -> tuple[float, float]:
    """Median of the binary logarithms and 1.4826 x their median absolute deviation."""
    middle = quantile(counts, 0.5)
    away: dict[int, int] = {}
    for one, count in counts.items():
        away[abs(one - middle)] = away.get(abs(one - middle), 0) + count
    deviation = quantile(dict(sorted(away.items())), 0.5)
    return doublings(middle), TO_SIGMA * deviation / BINS_A_DOUBLING
