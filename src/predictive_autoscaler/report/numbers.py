"""Numbers as a person reads them: few digits, thin spaces between thousands."""

from __future__ import annotations

import math

THIN = "\u202f"
"""A narrow space at which no line breaks."""
UNKNOWN = "–"
_LEAST_PERCENT = 0.001


def grouped(value: float, decimals: int = 0) -> str:
    """A number with thin spaces between thousands; a dash where there is none."""
    if not math.isfinite(value):
        return UNKNOWN
    text = f"{value:,.{decimals}f}".replace(",", THIN)
    return text.replace("-", "−") if float(f"{value:.{decimals}f}") else text.lstrip("-")


def hours(value: float) -> str:
    """Instance-hours: a decimal only where it says something."""
    return grouped(value, 1 if abs(value) < 100 else 0)


def percent(share: float) -> str:
    """A share in percent; something that is not nothing is never shown as 0."""
    value = 100 * share
    if not math.isfinite(value):
        return UNKNOWN
    if value == 0:
        return f"0{THIN}%"
    size = abs(value)
    if size < _LEAST_PERCENT:
        return f"<{_LEAST_PERCENT}{THIN}%"
    decimals = 3 if size < 0.01 else 2 if size < 10 else 1
    return f"{grouped(value, decimals)}{THIN}%"


def factor(value: float) -> str:
    """How many times as much."""
    return f"{grouped(value, 2)}×" if math.isfinite(value) else UNKNOWN


def difference(ours: float, theirs: float) -> str:
    """How much more or less ours is, in percent of theirs, with its sign."""
    if not (math.isfinite(ours) and math.isfinite(theirs)) or theirs <= 0:
        return UNKNOWN
    rounded = round(100 * (ours / theirs - 1), 1)
    if rounded == 0:
        return f"±0{THIN}%"
    sign = "+" if rounded > 0 else "−"
    return f"{sign}{grouped(abs(rounded), 0 if abs(rounded) >= 10 else 1)}{THIN}%"


def counted(number: int, one: str) -> str:
    """A number with its noun, which takes an s unless it is one."""
    return f"{grouped(number)} {one}{'' if number == 1 else 's'}"
