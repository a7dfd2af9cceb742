"""Asking for facts: in time or not at all, and once."""

from __future__ import annotations

import threading
import time

import pytest

from predictive_autoscaler.adapters.aws.cloudwatch_calls import MetricDimensions, series_of
from predictive_autoscaler.app.doctor.checks.metrics import NAMES
from predictive_autoscaler.app.doctor.facts import Asker
from predictive_autoscaler.errors import AccessDeniedError, SourceError


def test_an_answer_is_asked_for_once_and_may_rest_on_another() -> None:
    asked = []

    def question() -> int:
        asked.append(1)
        return 20

    asker = Asker(10)
    first = asker.ask(question)
    second = asker.ask(lambda: first() + 1)
    assert [first(), first(), second()] == [20, 20, 21]
    assert len(asked) == 1


def test_a_question_that_hangs_is_left_behind() -> None:
    never = threading.Event()
    look = Asker(0.2).ask(lambda: never.wait(30))
    started = time.monotonic()
    with pytest.raises(SourceError, match=r"no answer within 0\.2 s"):
        look()
    assert time.monotonic() - started < 5
    never.set()


def test_errors_of_ours_stay_and_others_are_told() -> None:
    def refused() -> int:
        raise AccessDeniedError("no")

    answer: dict[str, int] = {}

    def garbage() -> int:
        return answer["Quota"]

    asker = Asker(10)
    with pytest.raises(AccessDeniedError, match="no"):
        asker.ask(refused)()
    with pytest.raises(SourceError, match=r"the answer is not understood: KeyError\('Quota'\)"):
        asker.ask(garbage)()


def test_metrics_are_named_as_they_are_read() -> None:
    series = series_of(MetricDimensions("app/a/1", "targetgroup/b/2", "web"))
    assert {one.column: f"{one.namespace} {one.name}" for one in series} == NAMES
