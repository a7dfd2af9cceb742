from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from predictive_autoscaler.core.contest import Played, Rules, Verdict, compared

PLAYED = Played("v", "2026-03-01T00:00:00Z", 100.0, 1.0, 0.01, 288, 288)


def played(hours: float, missed: float, by_model: int = 288, fault: str = "") -> Played:
    return replace(
        PLAYED, instance_hours=hours, missed_hours=missed, by_model=by_model, fault=fault
    )


def test_cost_is_hours_and_misses_at_their_price() -> None:
    assert PLAYED.cost(20.0) == 120.0
    assert PLAYED.cost(3.0) == 103.0


@pytest.mark.parametrize(
    ("hours", "missed", "wins", "words"),
    [
        (99.0, 1.0, True, "costs 0.83 % less"),
        (100.0, 1.0, True, "0.00 % more than the champion, within the 1 % allowed"),
        (101.1, 1.0, True, "0.92 % more"),
        (101.3, 1.0, False, "1.08 % more than the champion; 1 % is allowed"),
        (90.0, 1.7, False, "3.33 % more"),
        (110.0, 0.0, True, "8.33 % less"),
    ],
)
def test_the_dearer_model_loses(hours: float, missed: float, wins: bool, words: str) -> None:
    won, reason = compared(PLAYED, played(hours, missed), Rules())
    assert won is wins
    assert words in reason


def test_the_price_and_the_tolerance_are_rules() -> None:
    challenger = played(90.0, 1.7)
    assert compared(PLAYED, challenger, Rules(miss_price=10.0))[0]
    assert compared(PLAYED, challenger, Rules(tolerance=0.05))[0]
    assert not compared(PLAYED, played(100.1, 1.0), Rules(tolerance=0.0))[0]


def test_a_model_that_nothing_rests_on_loses() -> None:
    idle = played(1.0, 0.0, by_model=0, fault="forest: the model needs x")
    assert compared(PLAYED, idle, Rules()) == (
        False,
        "no decision could rest on the challenger: forest: the model needs x",
    )
    won, reason = compared(idle, PLAYED, Rules())
    assert won
    assert "rest on the champion: forest: the model needs x" in reason
    assert not compared(idle, idle, Rules())[0]


def test_nothing_at_all_is_a_tie() -> None:
    assert compared(played(0.0, 0.0), played(0.0, 0.0), Rules())[0]
    assert not compared(played(0.0, 0.0), played(1.0, 0.0), Rules())[0]


def test_a_verdict_is_json_with_both_costs() -> None:
    moment = datetime(2026, 3, 2, tzinfo=UTC)
    verdict = Verdict(
        "web", True, "why", Rules(), "new", "old", moment, moment, PLAYED, played(99.0, 1.0)
    )
    content = json.loads(verdict.to_json())
    assert content["champion"]["cost"] == 120.0
    assert content["challenger"]["cost"] == 119.0
    assert content["judged_from"] == "2026-03-02T00:00:00Z"
    assert content["rules"] == {"miss_price": 20.0, "tolerance": 0.01}
    assert verdict.to_json() == replace(verdict).to_json()
    assert json.loads(Verdict("web", True, "why", Rules(), "new").to_json())["champion"] is None
