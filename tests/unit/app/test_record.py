"""Records that somebody has damaged: what is wrong with them is told in words."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from predictive_autoscaler.app.monitor.notes import decision_note
from predictive_autoscaler.app.record import SCHEMA, decision_from_json, decision_of
from predictive_autoscaler.core.types import Json
from predictive_autoscaler.errors import DataError
from tests.helpers.shop import GROUP, entry, world


@pytest.fixture(scope="module")
def written() -> Json:
    return world(desired=3).step()


@pytest.fixture
def record(written: Json) -> Json:
    return copy.deepcopy(written)


def test_what_was_written_can_be_read(record: Json) -> None:
    found = decision_from_json(entry(record)["decision"])
    assert found.group == GROUP
    assert decision_of(record, GROUP) == found
    assert decision_note(record, GROUP).after == found.after_instances


DAMAGED: list[tuple[dict[str, Any], str]] = [
    ({"after_instances": "many"}, "after_instances is 'many'; allowed is a whole number from 0 on"),
    ({"before_instances": True}, "before_instances is True; allowed is a whole number"),
    ({"wish_instances": -1}, "wish_instances is -1; allowed is a whole number"),
    ({"capacity_per_instance": 0}, "capacity_per_instance is 0; allowed is a number above 0"),
    ({"quantiles": {"0.05": 1.0, "0.95": 2.0}}, "quantile 0.5 is missing beside the others"),
    (
        {"quantiles": {"0.05": 1.0, "0.5": float("nan"), "0.95": 1e9}},
        "quantile 0.5 is nan; allowed is a number from 0 on",
    ),
    ({"quantiles": [1.0]}, r"quantiles is \[1.0\]; an object of numbers is needed"),
    ({"present_quality": "good"}, "present_quality is 'good'; one of ok, quiet, censored"),
    ({"candidates": None}, "candidates is None; a list is needed"),
    ({"candidates": [{"instances": 3}]}, r"candidates\[0\] has no cost"),
    ({"reasons": ["because"]}, r"reasons\[0\] is 'because'; an object is needed"),
    (
        {"price_grounds": {"missed_share": "few"}},
        "missed_share of the price's grounds is 'few'; allowed is a number from 0 on",
    ),
    ({"colour": "blue"}, "the decision has colour, which is no part of one"),
]


@pytest.mark.parametrize(("change", "words"), DAMAGED)
def test_a_value_that_is_none_is_named(record: Json, change: dict[str, Any], words: str) -> None:
    entry(record)["decision"] |= change
    with pytest.raises(DataError, match=f"this is not a decision record: {words}"):
        decision_note(record, GROUP)


def test_a_field_that_is_lacking_is_named(record: Json) -> None:
    del entry(record)["decision"]["miss_price"]
    with pytest.raises(DataError, match="the decision has no miss_price"):
        decision_note(record, GROUP)


def test_another_schema_is_refused_by_its_number(record: Json) -> None:
    record["schema"] = 99
    with pytest.raises(DataError, match=f"schema is 99; this version reads {SCHEMA} only"):
        decision_note(record, GROUP)
    assert decision_of(record, GROUP) is None
