"""Quantiles of a window of measurements. Pure."""

from collections.abc import Sequence


def quantile(ascending: Sequence[float], share: float) -> float | None:
    """The smallest of the numbers that at least `share` of them do not exceed; None of none."""
    if not ascending:
        return None
    rank = -(-len(ascending) * round(share * 1000) // 1000)
    return ascending[max(rank, 1) - 1]
