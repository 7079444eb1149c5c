"""Exact decimals as integers of a step, and back to the strings that exchanges send."""

from decimal import Decimal


def decimals_of(number: Decimal) -> int:
    """Digits after the point that `number` needs."""
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int):
        raise ValueError(f"{number} is not a finite number")  # noqa: TRY004 - its value is wrong
    return max(-exponent, 0)


def to_steps(number: Decimal, decimals: int) -> int:
    """`number` as an integer of 10**-decimals; exact, `decimals` is at least what it needs."""
    sign, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int) or exponent + decimals < 0:
        raise ValueError(f"{number} has more than {decimals} decimals")
    steps: int = int("".join(map(str, digits))) * 10 ** (exponent + decimals)
    return -steps if sign else steps


def from_steps(steps: int, decimals: int) -> str:
    """Fixed-point text of a non-negative integer of 10**-decimals."""
    if decimals == 0:
        return str(steps)
    digits = f"{steps:0{decimals + 1}d}"
    return f"{digits[:-decimals]}.{digits[-decimals:]}"


def padded(steps: int, decimals: int, pad: str) -> str:
    """As `from_steps`, with zeros behind: Binance writes eight decimals whatever the step."""
    if decimals == 0:
        return f"{steps}.{pad}"
    digits = f"{steps:0{decimals + 1}d}"
    return f"{digits[:-decimals]}.{digits[-decimals:]}{pad}"
