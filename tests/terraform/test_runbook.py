"""docs/runbook.md has an entry for each alarm, and each entry an alarm."""

from __future__ import annotations

import re

import pytest

from tests.helpers.documents import (
    FENCE,
    RUNBOOK,
    anchors,
    runbook_entries,
    section,
    shell_commands,
)
from tests.helpers.terraform import SOURCE

PARTS = ("**Means.**", "**Look first.**", "**Do.**", "**Safe to ignore**")


def alarms() -> set[str]:
    """The entries that the alarms of monitoring.tf name: their own keys, or what they say."""
    text = (SOURCE / "monitoring.tf").read_text()
    table = text[text.index("alarms = merge(") : text.index("\n  silence_seconds")]
    keys = set(re.findall(r"^ +([\w-]+) += {\n +says ", table, re.MULTILINE))
    named = set(re.findall(r'^ +entry += "([\w-]+)"$', table, re.MULTILINE))
    alone = set(re.findall(r'alarm_name += "\$\{local\.name\}-([\w-]+)"$', text, re.MULTILINE))
    assert text.count("says ") == len(keys) + len(named)
    return keys | named | alone


def test_each_alarm_has_an_entry_and_each_entry_an_alarm() -> None:
    assert len(alarms()) >= 17
    assert sorted(runbook_entries()) == sorted(alarms())


def test_an_entry_s_anchor_is_its_name() -> None:
    """What the descriptions link to."""
    assert set(runbook_entries()) <= anchors(RUNBOOK)


@pytest.mark.parametrize("entry", runbook_entries())
def test_an_entry_says_what_it_means_where_to_look_what_to_do_and_when_not(entry: str) -> None:
    text = section(RUNBOOK, f"## {entry}")
    assert [part for part in PARTS if text.count(part) != 1] == []
    places = [text.index(part) for part in PARTS]
    assert places == sorted(places)
    looking = text[places[1] : places[2]]
    assert FENCE.search(looking) is not None, "Look first names exact commands"
    for begin, end in zip(places, [*places[1:], len(text)], strict=True):
        assert len(text[begin:end].split()) > 8


def test_what_its_commands_read_is_set_before() -> None:
    """By the lines at the top, by Terraform's output, or by a line before in the same entry."""
    outputs = {"ASG_NAME", "S3_BUCKET", "TARGET_GROUP", "LOAD_BALANCER", "AWS_REGION"}
    known = set(outputs)
    for command in shell_commands(RUNBOOK):
        if assigned := re.match(r"([A-Z0-9_]+)=", command):
            known.add(assigned[1])
        read = set(re.findall(r"\$\{?([A-Z0-9_]+)", command))
        assert read <= known, command
