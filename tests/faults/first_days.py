"""What decides while a group is young: each amount of history, and the rung it reaches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache

import numpy as np

from predictive_autoscaler.core.parameters import default_caution
from predictive_autoscaler.core.types import Json, Rung
from tests.faults.scene import START_INSTANCES
from tests.helpers.shop import DECIDED_FROM, START, changed, entry, shop, world


@dataclass(frozen=True)
class Age:
    """A group that is known for so long.

    Attributes:
        rung: that decides; None if nobody can.
        how: the forecast is made, in words; what stands in for it where there is none.
    """

    words: str
    known: timedelta
    rung: Rung | None
    how: str
    with_model: bool = False


LAST_VALUE = "the newest interval goes on, and may rise as it has risen so far"
AGES = (
    Age("nothing", timedelta(0), None, "nothing is forecast: capacity stays, and people are told"),
    Age(
        "half an hour",
        timedelta(minutes=30),
        Rung.LAST_VALUE,
        "the newest interval goes on, and may rise as an unknown group's might: it may double",
    ),
    Age("an hour", timedelta(hours=1), Rung.LAST_VALUE, LAST_VALUE + "; surprises still count"),
    Age("half a day", timedelta(hours=12), Rung.LAST_VALUE, LAST_VALUE),
    Age("a day", timedelta(hours=25), Rung.SEASONAL, "as yesterday went on from this hour"),
    Age("a week", timedelta(days=7, hours=1), Rung.SEASONAL, "as last week went on from this hour"),
    Age(
        "a week, and a model better than these",
        timedelta(days=9),
        Rung.FOREST,
        "the forest's distribution",
        with_model=True,
    ),
)


TICKS = 8
SHOWN = (1, 3, 7)
"""Ticks whose capacity the table shows: after half an hour, one hour and two."""
SERIES = (
    *("requests", "refused", "errors", "response_time_seconds"),
    *("cpu_percent", "in_service", "healthy_hosts"),
)


@cache
def first_night(age: Age) -> tuple[Json, ...]:
    """The group's part of each record: a calm night, with far too many instances."""
    samples = shop()
    known_from = (DECIDED_FROM - START - age.known) // samples.interval
    unknown = slice(0, known_from if age.known else len(samples))
    night = changed(samples, unknown, **dict.fromkeys(SERIES, np.nan))
    made = world(night, with_model=age.with_model, desired=START_INSTANCES)
    return tuple(entry(record) for record in made.run(TICKS))


def first_days_table() -> str:
    """The ages as a Markdown table, with what came of each."""
    heading = (
        f"| known so far | decides | the forecast | of {START_INSTANCES} on a calm night, asked "
        "for after 1/2, 1, 2 h | grace | largest step in |\n|---|---|---|---|---|---|\n"
    )
    return heading + "".join(map(_row, AGES))


def _row(age: Age) -> str:
    night = [part["decision"] for part in first_night(age)]
    shown = ", ".join(str(night[tick]["after_instances"]) for tick in SHOWN)
    caution = default_caution()[age.rung or Rung.LAST_VALUE]
    pace = f"{caution.grace_minutes:g} min | {caution.step_share:.0%}"
    decides = age.rung.value if age.rung else "nobody"
    return f"| {age.words} | {decides} | {age.how} | {shown} | {pace} |\n"
