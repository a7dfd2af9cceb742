"""What moved a forecast: contributions of single features, gathered into families.

The contribution of a feature to one answer of a tree is the sum of what the mean label changed
by at the nodes on the way that compare it; the forest's is the mean over its trees (Saabas,
"Interpreting random forests", 2014). With the mean of the roots they add up to the answer. Labels
are logarithms of ratios, so each contribution is the logarithm of a factor on the demand.

Features of a kind say nearly the same, and which of them a tree asks is chance: only the sum of
a family means something to a person.
"""

from __future__ import annotations

import calendar
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from predictive_autoscaler.core.features import FeatureTable
from predictive_autoscaler.core.mixture import Answer
from predictive_autoscaler.core.types import FloatArray
from predictive_autoscaler.core.why import Driver, Drivers, short
from predictive_autoscaler.core.words import percent

SHOWN = 5
"""Families that a record keeps; the others are one sum."""
DIGITS = 4
"""Of logarithms: a hundredth of a percent."""
STRAIGHT_LINE = "straight_line"


@dataclass(frozen=True)
class Family:
    """Features that say nearly the same.

    Attributes:
        text: its name for people.
        columns: names of features; one that ends with `*` stands for all that begin so.
        shown: the feature whose value stands for all of them, and the sign to give it.
    """

    text: str
    columns: tuple[str, ...]
    shown: tuple[str, float] | None = None


FAMILIES = {
    "last_week": Family(
        "the same time last week", ("requests_*last_week",), ("requests_growth_last_week", 1.0)
    ),
    "yesterday": Family(
        "the same time yesterday", ("requests_*yesterday",), ("requests_growth_yesterday", 1.0)
    ),
    "last_hours": Family(
        "the last two hours",
        (
            "requests_lag_*",
            *(f"requests_mean_{span}" for span in ("30m", "1h", "2h")),
            *(f"requests_max_{span}" for span in ("30m", "1h", "3h")),
        ),
        ("requests_mean_1h", -1.0),
    ),
    "last_day": Family(
        "the level of the day",
        ("requests_mean_6h", "requests_mean_1d", "requests_max_12h", "requests_max_1d"),
        ("requests_mean_1d", -1.0),
    ),
    "week": Family("the level of the week", ("level_against_week",), ("level_against_week", 1.0)),
    "unrest": Family("how uneven it is", ("requests_spread_*",), ("requests_spread_1h", 1.0)),
    "time_of_day": Family("the time of day", ("hour", "minute_of_hour", "daily_*"), ("hour", 1.0)),
    "weekday": Family("the day of the week", ("weekday", "weekly_*"), ("weekday", 1.0)),
    "response_time": Family("the response time", ("response_time",), ("response_time", 1.0)),
    "cpu": Family("the CPU", ("cpu_utilization",), ("cpu_utilization", 1.0)),
    STRAIGHT_LINE: Family("what a straight-line forecast has missed by before", ()),
}
"""Of features, by the key that records have. Every feature is in exactly one."""


def family_of(column: str) -> str:
    """The family of a feature's column.

    Raises:
        KeyError: it is in none.
    """
    for key, family in FAMILIES.items():
        for pattern in family.columns:
            before, star, after = pattern.partition("*")
            if column == pattern or (star and column.startswith(before) and column.endswith(after)):
                return key
    raise KeyError(column)


def seen(driver: Driver) -> str:
    """What stood behind a family's contribution, for a person; empty where nothing is known."""
    value = driver.observed
    if value is None or driver.family not in _SEEN:
        return ""
    return _SEEN[driver.family](value)


def _then(logarithm: float) -> str:
    share = percent(abs(math.expm1(logarithm)))
    return f"when it {'rose' if logarithm >= 0 else 'fell'} by {share}"


def _against(span: str) -> Callable[[float], str]:
    def told(logarithm: float) -> str:
        side = "above" if logarithm >= 0 else "below"
        return f"now {percent(abs(math.expm1(logarithm)))} {side} the mean of the {span}"

    return told


def _answers(logarithm: float) -> str:
    share = percent(abs(math.expm1(logarithm)))
    return f"{share} {'longer' if logarithm >= 0 else 'shorter'} than the day's mean"


_SEEN: dict[str, Callable[[float], str]] = {
    "last_week": _then,
    "yesterday": _then,
    "last_hours": _against("hour"),
    "last_day": _against("day"),
    "week": _against("week"),
    "unrest": lambda share: f"a spread of {percent(share)} within the hour",
    # Minutes are whole; the digits that a record keeps of an hour are a little off.
    "time_of_day": lambda hour: "{:02}:{:02}".format(*divmod(min(round(60 * hour), 1439), 60)),
    "weekday": lambda day: calendar.day_name[int(day)],
    "response_time": _answers,
    "cpu": lambda cpu: f"{cpu:.3g} %",
}


def drivers_of(answer: Answer, table: FeatureTable, names: tuple[str, ...]) -> Drivers:
    """What moved the forecast of the newest row of a table.

    Args:
        answer: the model's, about that row.
        names: the columns of the row that it was asked about.
    """
    families, places, shown = _places(names, len(answer.moved))
    moved = np.bincount(places, weights=answer.moved, minlength=len(families))
    # Ties by the written order, so that the same input gives the same bytes.
    order = np.argsort(-np.abs(moved), kind="stable")
    strongest = [index for index in order[:SHOWN].tolist() if round(moved[index], DIGITS)]
    usual, row = answer.usual, answer.features
    others = float(moved.sum() - moved[strongest].sum())
    level, floor = float(table.level.requests[-1]), float(table.level.floor_requests[-1])
    middle = float(np.exp(usual + moved.sum())) * (level + floor) - floor
    return Drivers(
        level_requests=short(level),
        usual=round(usual, DIGITS),
        families=tuple(
            Driver(families[index], round(float(moved[index]), DIGITS), _seen(row, shown[index]))
            for index in strongest
        ),
        others=round(others, DIGITS),
        middle_requests=short(max(middle, 0.0)),
    )


def _seen(row: FloatArray, shown: tuple[int, float] | None) -> float | None:
    return None if shown is None else short(shown[1] * float(row[shown[0]]))


@lru_cache(maxsize=64)
def _places(
    names: tuple[str, ...], columns: int
) -> tuple[tuple[str, ...], NDArray[np.intp], tuple[tuple[int, float] | None, ...]]:
    """The families, the family of each column, and the column shown of each family.

    Columns behind the named ones are the linear forecast's.
    """
    families = tuple(FAMILIES)
    known = [families.index(family_of(name)) for name in names]
    behind = [families.index(STRAIGHT_LINE)] * (columns - len(names))
    shown = []
    for family in FAMILIES.values():
        name, sign = family.shown or ("", 0.0)
        shown.append((names.index(name), sign) if name in names else None)
    return families, np.array(known + behind, dtype=np.intp), tuple(shown)
