"""Numbers as explanations write them."""

from __future__ import annotations

import math
from datetime import datetime, timedelta


def count(value: float) -> str:
    """A number of requests: whole, but with three digits at least."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def percent(share: float) -> str:
    """A share that is not negative."""
    return f"{100 * share:.3g} %" if share < 0.0995 else f"{100 * share:.0f} %"


def change(logarithm: float) -> str:
    """A factor as what it adds or takes: `+18 %`, `−4.6 %`."""
    share = math.expm1(logarithm)
    digits = 0 if abs(share) >= 0.0995 else 1
    return f"{100 * share:+.{digits}f} %".replace("-", "−")


def ago(age: timedelta) -> str:
    """An age in its largest fitting unit: 12 s, 3 min, 2.5 h, 4.0 d."""
    seconds = max(0.0, age.total_seconds())
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 2 * 86400 else f"{seconds / 86400:.1f} d"


def utc_clock(moment: datetime, now: datetime) -> str:
    """A time in UTC, which it names; with its day, where that is another than `now`'s."""
    form = "%H:%M UTC" if moment.date() == now.date() else "%d %b %H:%M UTC"
    return moment.strftime(form)
