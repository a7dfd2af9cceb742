"""Every error that this package raises on purpose, in one place.

A message names the thing at fault, the value that was found and what is allowed, so
that it can be shown to a person as it is. The command line turns each of these into
one line and a non-zero exit code; the controller turns them into a rung down its
ladder, a hold or a refusal.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


class AutoscalerError(Exception):
    """The root of all expected errors."""


class SettingsError(AutoscalerError):
    """A setting is missing, unknown or outside its allowed range."""


class UnknownSettingError(SettingsError):
    """A variable that looks like a setting and is none.

    Attributes:
        name: the variable; known: those that there are.
    """

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name
        self.known = tuple(sorted(known))
        super().__init__(f"unknown setting {name}; known are {', '.join(self.known)}")


class MissingSettingError(SettingsError):
    """A setting without a default is not set."""


class DataError(AutoscalerError):
    """Recorded metrics cannot be used: unreadable, disordered, or too few."""


class ModelError(AutoscalerError):
    """A model artifact is missing, damaged, foreign or does not fit the task."""


class ModelNotFoundError(ModelError):
    """No model has been published for the group."""


class UnskilledModelError(ModelError):
    """A trained model is no better than the baselines, so it is not published."""


class RefusedModelError(ModelError):
    """A retrained model is no better than the one in use, so it is not published."""


class SourceError(AutoscalerError):
    """A service that we read from or write to did not do what was asked."""


class RefusedRequestError(SourceError):
    """A service says that the request itself is wrong; the same one again would be, too."""


class ThrottledError(SourceError):
    """A service asked us to slow down, after the client's own retries."""


class GroupNotFoundError(SourceError):
    """The Auto Scaling group does not exist (any more)."""


class AccessDeniedError(SourceError):
    """The credentials in use may not do this."""


class ConflictError(SourceError):
    """Somebody else has changed the same thing in the meantime; nothing of theirs was lost."""


class UsageError(AutoscalerError):
    """A command was called with arguments that do not fit together."""


def or_raise(answer: T | AutoscalerError) -> T:
    """An answer of a source that tells of its troubles group by group.

    Raises:
        AutoscalerError: it is one.
    """
    if isinstance(answer, AutoscalerError):
        raise answer
    return answer
