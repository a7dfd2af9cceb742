"""What of the news makes a message: each matter once while it lasts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from predictive_autoscaler.app.bulletin import (
    GONE_FOR,
    TOLD_AT_ONCE,
    Bulletin,
    Matters,
    bulletin,
    matters_of,
    matters_to_json,
)
from predictive_autoscaler.app.news import Item

NOON = datetime(2026, 3, 11, 12, tzinfo=UTC)
FIVE = timedelta(minutes=5)
WHY = "predictive-autoscaler explain 2026-03-11T12:00:00Z"


def at(minutes: float, items: list[Item], before: Matters | None = None) -> Bulletin:
    return bulletin(items, before or {}, NOON + timedelta(minutes=minutes), WHY)


def test_nothing_new_is_no_message() -> None:
    assert at(0, []) == Bulletin("", {}, {})


def test_a_matter_is_told_once_with_the_command_that_explains_it() -> None:
    item = Item("web", "late", "metrics are late")
    first = at(0, [item])
    assert first.text == f"web: metrics are late\n\nWhy: {WHY}"
    assert at(5, [item], first.matters).text == ""


def test_other_numbers_are_the_same_matter() -> None:
    first = at(0, [Item("web", "7 of 12 serve since 10:00", "7 of 12 serve")])
    again = at(5, [Item("web", "8 of 13 serve since 10:05", "8 of 13 serve")], first.matters)
    assert again.text == ""


def test_the_same_matter_of_another_group_is_another() -> None:
    first = at(0, [Item("web", "late", "late")])
    again = at(5, [Item("web", "late", "late"), Item("api", "late", "late")], first.matters)
    assert again.text.partition("\n")[0] == "api: late"


def test_what_is_not_sent_is_told_the_next_time() -> None:
    item = Item("web", "late", "late")
    first = at(0, [item])
    assert at(5, [item], first.unsent).text.startswith("web: late")


def test_patience_waits() -> None:
    item = Item("web", "late", "late", patience=timedelta(minutes=10))
    matters: Matters = {}
    texts = []
    for minutes in (0, 5, 10, 15):
        now = at(minutes, [item], matters)
        texts.append(now.text.partition("\n")[0])
        matters = now.matters
    assert texts == ["", "", "web: late", ""]


def test_what_comes_and_goes_is_one_matter_until_it_was_gone_for_half_an_hour() -> None:
    item = Item("web", "late", "late")
    matters = at(0, [item]).matters
    for minutes in (20, 45, 70):
        now = at(minutes, [item], matters)
        assert now.text == ""
        matters = now.matters
    over = at(70 + GONE_FOR / timedelta(minutes=1), [], matters)
    assert over.text.partition("\n")[0] == "over since 2026-03-11T13:10:00Z: web: late"
    assert over.matters == {}
    assert at(101, [item], over.matters).text.startswith("web: late")


def test_the_end_of_what_nobody_knew_is_not_told() -> None:
    short = at(0, [Item("web", "late", "late", patience=timedelta(hours=1))])
    assert at(31, [], short.matters) == Bulletin("", {}, {})


def test_the_end_of_a_change_is_not_told() -> None:
    change = at(0, [Item("web", "mode", "its mode is full", passing=True)])
    assert change.text.startswith("web: its mode is full")
    assert at(31, [], change.matters) == Bulletin("", {}, {})


def test_an_end_that_could_not_be_sent_is_sent_later() -> None:
    matters = at(0, [Item("web", "late", "late")]).matters
    failed = at(31, [], matters)
    assert at(36, [], failed.unsent).text.startswith("over since")


MODE = Item("web", "mode", "its mode is full", passing=True, state="full")
BACK = replace(MODE, text="its mode is observe", state="observe")


def test_a_change_that_could_not_be_sent_is_sent_later_with_its_time() -> None:
    unsent = at(0, [MODE]).unsent
    for minutes in (5, 60, 23 * 60):
        later = at(minutes, [], unsent)
        assert later.text.partition("\n")[0] == "web: its mode is full (at 2026-03-11T12:00:00Z)"
        unsent = later.unsent
    sent = at(23 * 60 + 5, [], unsent)
    assert at(23 * 60 + 10, [], sent.matters).text == ""
    assert at(24 * 60, [], unsent) == Bulletin("", {}, {})


def test_what_has_come_to_another_state_is_told_at_once() -> None:
    there = at(0, [MODE])
    back = at(5, [BACK], there.matters)
    assert back.text.startswith("web: its mode is observe")
    assert at(10, [BACK], back.matters).text == ""
    assert at(15, [MODE], back.matters).text.startswith("web: its mode is full")


def test_the_end_is_told_in_the_words_of_the_matter() -> None:
    first = at(0, [Item("web", "held: 3 have failed", "held: 3 have failed")])
    assert "held: 3 have failed" in at(30, [], first.matters).text


def test_many_troubles_are_one_short_message() -> None:
    items = [Item(f"g{number:03}", "gone", "gone") for number in range(TOLD_AT_ONCE + 7)]
    lines = at(0, items).text.split("\n\n")[0].splitlines()
    assert len(lines) == TOLD_AT_ONCE + 1
    assert lines[-1] == "and 7 more"


def test_matters_survive_the_record() -> None:
    matters = at(0, [Item("web", "late", "late"), Item("", "x", "x", FIVE, passing=True)]).matters
    assert matters_of({"matters": matters_to_json(matters)}) == matters


def test_matters_of_an_older_record_are_known() -> None:
    matters = at(0, [Item("web", "late", "late")]).matters
    old = {
        key: {name: value for name, value in content.items() if name not in ("text", "state")}
        for key, content in matters_to_json(matters).items()
    }
    assert at(5, [Item("web", "late", "late")], matters_of({"matters": old})).text == ""
    assert (
        "over since 2026-03-11T12:00:00Z: web: late"
        in at(30, [], matters_of({"matters": old})).text
    )


@pytest.mark.parametrize(
    "record",
    [None, {}, {"matters": []}, {"matters": {"a": 1}}, {"matters": {"a": {"since": "never"}}}],
)
def test_a_record_without_matters_remembers_nothing(record: dict[str, object] | None) -> None:
    assert matters_of(record) == {}
