"""What the page says of facts, good ones and bad ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from predictive_autoscaler.app.monitor.facts import (
    COMPONENTS,
    DecisionNote,
    Facts,
    ModelNote,
    Outlook,
    OutlookBin,
    Seen,
)
from predictive_autoscaler.core.parameters import ControlParameters
from predictive_autoscaler.core.types import Bounds, GroupState
from predictive_autoscaler.web.view import forecast_words, price_words, view, waits_for
from tests.helpers.fortnight import ALARMS, NOW, SLOT

MINUTE = timedelta(minutes=1)
NOTE = DecisionNote(
    slot=SLOT,
    status="completed",
    mode="full",
    outcome="applied",
    before=3,
    after=5,
    wish=4,
    text="Scale out from 3 to 5: because.",
    rung="forest",
    quantiles={"0.05": 90.0, "0.5": 1000.0, "0.95": 1100.0},
)
MODEL = ModelNote("web", "m1", NOW - timedelta(days=3), 4000, 14.0, 15.0)
FACTS = Facts(
    now=NOW,
    group="web",
    components=COMPONENTS,
    interval_seconds=300,
    settings_mode="observe",
    capacity=Seen(GroupState("web", 5, 3, Bounds(1, 60)), NOW),
    decisions=Seen((NOTE,), NOW),
    model=Seen(MODEL, NOW),
    alarms=Seen(ALARMS, NOW),
)


def ahead(*rungs: str) -> Outlook:
    bins = (OutlookBin(SLOT + n * 5 * MINUTE, 1.0, 2.0, 3.0, one) for n, one in enumerate(rungs))
    return Outlook(SLOT, 300, (), tuple(bins))


def tiles(facts: Facts) -> dict[str, Any]:
    return {tile["label"]: tile for tile in view(facts, None, 0, 0)["tiles"]}


def test_the_figures() -> None:
    found = tiles(FACTS)
    assert found["In service"]["value"] == "3"
    assert found["In service"]["note"] == "5 desired, 1 to 60 allowed"
    assert found["Wanted by the forecast"]["note"] == "5 decided at 10:15 UTC"
    assert found["Alarms"] == {
        "label": "Alarms",
        "value": "1 ringing",
        "note": "shop-p95",
        "state": "bad",
    }
    assert (found["Mode"]["value"], found["Mode"]["state"]) == ("full", "")


def test_nothing_is_known_yet() -> None:
    blank = Facts(NOW, "web", COMPONENTS, 300, "observe")
    found = view(blank, None, 0, 0)
    values = {tile["label"]: tile["value"] for tile in found["tiles"]}
    assert values.pop("Mode") == "observe"
    assert set(values.values()) == {"–"}
    assert found["progress"] == "Reading the metrics of the last days …"
    assert found["decisions"] == found["alarms"] == found["facts"] == []


@pytest.mark.parametrize(
    ("model", "rung", "state", "note"),
    [
        (MODEL, "forest", "good", "in use, up to 14 d"),
        (MODEL, "seasonal", "doubt", "usable, yet seasonal decided"),
        (replace(MODEL, fault="too old"), "seasonal", "bad", "not used: too old"),
        (ModelNote("web", None, None, None, 14.0, None, "no model"), None, "bad", "no model"),
    ],
)
def test_the_model(model: ModelNote, rung: str | None, state: str, note: str) -> None:
    notes: tuple[DecisionNote, ...] = (replace(NOTE, rung=rung),)
    found = tiles(replace(FACTS, model=Seen(model, NOW), decisions=Seen(notes, NOW)))
    tile = found.get("Model's age") or found["Model"]
    assert (tile["state"], tile["note"]) == (state, note)


def test_what_is_wrong_is_said_with_the_age_of_what_is_shown() -> None:
    failing = Seen(
        FACTS.capacity.value, NOW - 3 * MINUTE, "Throttling: Rate exceeded", NOW + MINUTE / 6
    )
    found = view(replace(FACTS, capacity=failing), None, 0, 0)
    assert found["notices"] == [
        "Capacity: Throttling: Rate exceeded. What is shown is 3 min old. The next try is in 10 s."
    ]
    assert found["tiles"][0]["value"] == "3"


def test_a_silent_controller_is_the_first_thing_to_know() -> None:
    found = view(replace(FACTS, now=NOW + timedelta(hours=2)), None, 0, 0)
    assert found["notices"] == [
        "The controller is silent: its newest record is 2.0 h old, and one is due every 5 minutes."
    ]
    assert found["tiles"][-1]["state"] == "bad"


def test_a_failed_decision_and_one_in_trouble() -> None:
    failed = replace(NOTE, outcome="failed", troubles=("no quota", "late metrics"))
    lost = replace(NOTE, before=None, after=None, text="No decision: no metrics")
    found = view(replace(FACTS, decisions=Seen((failed, lost), NOW)), None, 0, 0)["decisions"]
    assert found[0]["words"] == "Scale out from 3 to 5: because. [failed] no quota. late metrics."
    assert (found[0]["what"], found[0]["state"]) == ("3 → 5", "bad")
    assert (found[1]["what"], found[1]["state"]) == ("–", "bad")


def test_how_far_each_rung_reaches() -> None:
    words = forecast_words(ahead("forest", "forest", "seasonal"), MODEL)
    assert "forest until 16 Mar 10:25, then seasonal until 16 Mar 10:30" in words
    assert "looks 15 minutes ahead" in words
    alone = forecast_words(ahead("seasonal"), MODEL)
    assert "seasonal until 16 Mar 10:20." in alone
    assert "The model looks" not in alone
    assert forecast_words(ahead(), MODEL) == "Nothing can be forecast."
    assert forecast_words(None, None) == ""


def test_times_in_lists_name_their_zone() -> None:
    found = view(FACTS, None, 0, 0)
    assert found["decisions"][0]["when"] == "10:15 UTC"
    assert [line["when"] for line in found["alarms"]] == ["10:08 UTC", "13 Mar 10:17 UTC"]


@pytest.mark.parametrize(
    ("aim", "price", "words"),
    [
        ({}, 9.3512, "it moves with what was missed of late, and the newest decision used 9.35."),
        ({}, None, "it moves with what was missed of late."),
        (
            {"missed_budget": 0.01},
            200.0,
            "it moves to meet the budget of misses, and the newest",
        ),
        ({"miss_price": 50.0}, 50.0, "the price is fixed at 50."),
        ({"quantile": 0.95}, None, "a quantile of the forecast is served."),
    ],
)
def test_what_a_miss_costs_as_set_now(aim: dict[str, Any], price: float | None, words: str) -> None:
    assert words in price_words(replace(ControlParameters(), **aim), price)


def test_a_what_if_says_what_it_waits_for() -> None:
    known = replace(FACTS, outlook=Seen(ahead("forest"), NOW))
    assert waits_for(known) == ""
    assert waits_for(FACTS) == "It begins once the metrics of the last days have been read."
    gone = replace(FACTS, capacity=Seen(error="there is no group 'web'; check ASG_NAME."))
    assert waits_for(gone) == (
        "It waits for the group, which cannot be read: there is no group 'web'; check ASG_NAME."
    )
    late = replace(known, outlook=Seen(ahead("forest"), NOW, "Throttling: Rate exceeded"))
    assert waits_for(late) == ""


def test_records_that_are_still_being_read() -> None:
    found = view(FACTS, None, 10, 4000)
    assert found["progress"] == "Reading the metrics of the last days …"
