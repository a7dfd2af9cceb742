"""The facts that the checks look at, and the asking for them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

from predictive_autoscaler.app.settings import GroupSettings
from predictive_autoscaler.core.artifact import Card
from predictive_autoscaler.core.surroundings import (
    Activity,
    Caller,
    ClockReading,
    ControllerFunction,
    Policy,
    Refresh,
    Rule,
    ScalingGroup,
    ScheduledAction,
    Simulated,
    Subnet,
    TargetGroup,
    Topic,
    VcpuLimit,
)
from predictive_autoscaler.core.types import Json, Samples
from predictive_autoscaler.errors import AutoscalerError, SourceError
from predictive_autoscaler.ports import Alarm, GroupControl, Net

T = TypeVar("T")
Look = Callable[[], T]
"""Gives a fact, or raises the AutoscalerError that says why it cannot be had."""


@dataclass(frozen=True)
class Facts:
    """Everything that is known of one group's controller and of what is around it.

    Attributes:
        now: when the examination began, aware UTC.
        environment: the variables that the settings are read from.
        group_name: as the environment has it, whether or not there is such a group.
        region: of AWS; None if nobody has said.
        settings: of the group.
        card: of the published model, all of which was read and is whole.
        other_versions: of the model, beside the published one; the one to go back to first.
        metrics: of the last day, on the source's own period.
        bucket: its name; None if there is none of this name.
        group: None if there is none of this name.
        function: None if none could be found that looks after the group.
        reserved_concurrency: calls at once that are kept for it; None if none are.
        record: the newest decision record, if there is any.
        history_days: finished days in the bucket.
        own_rights: of the caller, by simulation; `role_rights`: of the function's role.
        vcpus: of each instance type of the group.
    """

    now: datetime
    environment: Mapping[str, str]
    group_name: str
    region: str | None
    caller: Look[Caller]
    clock: Look[ClockReading]
    own_rights: Look[Simulated]
    role_rights: Look[Simulated]
    settings: Look[GroupSettings]
    bucket: Look[str | None]
    group: Look[ScalingGroup | None]
    activities: Look[Sequence[Activity]]
    refreshes: Look[Sequence[Refresh]]
    policies: Look[Sequence[Policy]]
    scheduled_actions: Look[Sequence[ScheduledAction]]
    target_groups: Look[Sequence[TargetGroup]]
    nets: Look[Sequence[Net]]
    control: Look[GroupControl]
    metrics: Look[Samples]
    history_days: Look[Sequence[date]]
    card: Look[Card]
    other_versions: Look[Sequence[str]]
    record: Look[Json | None]
    function: Look[ControllerFunction | None]
    reserved_concurrency: Look[int | None]
    rules: Look[Sequence[Rule]]
    topic: Look[Topic | None]
    alarms: Look[Sequence[Alarm]]
    vcpus: Look[Mapping[str, int]]
    vcpu_limit: Look[VcpuLimit]
    subnets: Look[Sequence[Subnet]]


def found_or(found: T | None, error: AutoscalerError) -> T:
    """What was found. Raises `error` if that is nothing."""
    if found is None:
        raise error
    return found


class Asker:
    """Asks for many facts at the same time, and waits for none of them longer than it may.

    Args:
        seconds: from now until every answer has to be there.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until = time.monotonic() + seconds

    def ask(self, question: Look[T]) -> Look[T]:
        """Begin to ask; the look that is given back waits for the answer.

        A question may look at other questions' answers. One that hangs is left behind: its
        thread does not keep the program from ending.
        """
        answer: Future[T] = Future()
        threading.Thread(target=_answer, args=(question, answer), daemon=True).start()

        def look() -> T:
            try:
                return answer.result(max(0.0, self._until - time.monotonic()))
            except FutureTimeoutError:
                raise SourceError(f"no answer within {self._seconds:g} s") from None

        return look


def _answer(question: Look[T], answer: Future[T]) -> None:
    try:
        answer.set_result(question())
    except AutoscalerError as error:
        answer.set_exception(error)
    except Exception as error:  # an answer that nobody foresaw must not end the others
        answer.set_exception(SourceError(f"the answer is not understood: {error!r}"))
