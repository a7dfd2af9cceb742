"""What a check says: how bad it is, what is wrong with the values, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from predictive_autoscaler.app.doctor.facts import Facts


class Status(Enum):
    """How a thing stands."""

    OK = "ok"
    WARNING = "warning"
    """Works, but costs something, is about to break, or is not as recommended."""
    FAULT = "fault"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True)
class Finding:
    """One sentence about one thing.

    Attributes:
        text: what was found, with the values; for what was not checked, why.
        remedy: a command or a setting; empty where there is nothing to do.
    """

    status: Status
    text: str
    remedy: str = ""


@dataclass(frozen=True)
class Check:
    """One row of the table of checks.

    Attributes:
        name: unique; what a person calls it.
        area: under which it is shown.
        wrong_when: what makes it a fault or a warning, for the documentation.
        actions: IAM actions without which it cannot be done.
        examine: gives one finding at least. An AutoscalerError that it lets through, as a fact
            raises one that could not be had, makes it "not checked".
    """

    name: str
    area: str
    wrong_when: str
    actions: tuple[str, ...]
    examine: Callable[[Facts], Iterable[Finding]]


def ok(text: str) -> Finding:
    """All is well."""
    return Finding(Status.OK, text)


def warning(text: str, remedy: str) -> Finding:
    """It works, but somebody should look at it."""
    return Finding(Status.WARNING, text, remedy)


def fault(text: str, remedy: str) -> Finding:
    """It does not work."""
    return Finding(Status.FAULT, text, remedy)


def not_checked(why: str, remedy: str = "") -> Finding:
    """Nobody knows."""
    return Finding(Status.NOT_CHECKED, why, remedy)
