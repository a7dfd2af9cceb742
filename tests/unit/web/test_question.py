"""The what-if: real figures from a small replay, computed once, in a process of its own."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from predictive_autoscaler.backtest.what_if import MISS_PRICES
from predictive_autoscaler.core.types import Bounds, Samples
from predictive_autoscaler.errors import DataError
from predictive_autoscaler.web.question import OLD, Question, Status, answer
from tests.helpers.shop import settings, shop

BOUNDS = Bounds(1, 60)
HOURLY = settings(interval_minutes=60, INSTANCE_HOUR_PRICE="0.5")


def recorded(days: float) -> Samples:
    """Hours of the shop; few enough that nothing can be trained on them."""
    return shop(3600, days=12).latest(int(days * 24))


def test_a_higher_price_misses_less_and_costs_more() -> None:
    told: list[float] = []
    found = answer(HOURLY, BOUNDS, recorded(6.5), told.append)
    rows = {row["name"]: row for row in found["rows"]}
    prices = [row for row in found["rows"] if row["miss_price"] is not None]
    assert [row["miss_price"] for row in prices] == list(MISS_PRICES)
    assert prices[0]["missed_share"] >= prices[-1]["missed_share"]
    assert prices[0]["hours_per_day"] < prices[-1]["hours_per_day"]
    for row in found["rows"]:
        assert row["usd_per_day"] == pytest.approx(0.5 * row["hours_per_day"])
    assert [name for name, row in rows.items() if row["present"]] == ["shipped default"]
    assert {"target tracking 70 %", "what the group had"} < rows.keys()
    assert found["days"] == 0.5
    assert told == sorted(told)
    assert 0 <= told[0] < told[-1] < 1


def test_too_little_to_replay_is_said() -> None:
    with pytest.raises(DataError, match="more than 6 are needed"):
        answer(HOURLY, BOUNDS, recorded(5))


def ended(question: Question) -> Status:
    limit = time.monotonic() + 60
    while question.status.share is not None:
        assert time.monotonic() < limit
        time.sleep(0.02)
    return question.status


def test_it_is_asked_once_until_the_metrics_are_a_day_newer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    question = Question(HOURLY)
    asked: list[Samples] = []

    def work(bounds: Bounds, found: Samples) -> None:
        asked.append(found)
        question.status = replace(question.status, share=None, answer={"n": len(asked)})

    monkeypatch.setattr(question, "_work", work)
    first, later = recorded(7), shop(3600, days=12).latest(8 * 24)
    for samples in (first, first, later.window(0, len(later) - 1)):
        question.ask(BOUNDS, samples)
        assert ended(question).answer == {"n": 1}
    newer = replace(first, start=first.start + OLD)
    question.ask(BOUNDS, newer)
    assert ended(question).answer == {"n": 2}
    assert asked == [first, newer]


@pytest.mark.slow
def test_a_process_of_its_own_tells_why_there_is_no_answer() -> None:
    question = Question(HOURLY)
    question.ask(BOUNDS, recorded(2))
    assert question.status.share == 0.0
    found = ended(question)
    assert "more than 6 are needed" in found.error
    assert found.answer is None
