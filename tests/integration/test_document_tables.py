"""Every command of README, DEPLOYMENT and tutorial is run by a test, or says why not."""

from __future__ import annotations

import re

import pytest

from tests.helpers.commands import ROOT
from tests.helpers.documents import blocks, shell_commands, text_of
from tests.helpers.played import DOCUMENTS, GROUP, PROGRAM, TABLE, Elsewhere, NotHere, Scene, script

PLAYING = (ROOT / "tests" / "e2e" / "test_document_blocks.py").read_text()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_has_a_row_and_every_row_a_command(document: str) -> None:
    assert set(TABLE[document]) == set(shell_commands(document))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_is_typed_stands_in_blocks_that_say_so(document: str) -> None:
    """A fence without a language would hide its commands from the tests."""
    fences = re.findall(r"^ *```(\w*)$", text_of(document), re.MULTILINE)
    assert fences[::2] == [block.language for block in blocks(document)]
    assert set(fences[1::2]) == {""}


def test_every_scene_is_played() -> None:
    scenes = {row for table in TABLE.values() for row in table.values() if isinstance(row, Scene)}
    assert len(scenes) == 4
    for scene in scenes:
        assert script(scene)
        assert {name for name in DOCUMENTS if scene in TABLE[name].values()} <= set(scene.documents)
        assert re.search(rf"play\([^)]*\b{scene.name.upper()}\b", PLAYING), scene


def test_a_scene_types_the_commands_of_all_documents_once() -> None:
    typed = script(GROUP)
    assert typed[0].startswith("export AWS_REGION=")
    assert len(typed) == len(set(typed))
    assert {command for command, row in TABLE["docs/tutorial.md"].items() if row == GROUP} <= set(
        typed
    )


NO_SUBJECT = {".", "make", "pipx", "install", PROGRAM, "predictive-autoscaler"}


def test_what_is_tested_elsewhere_is_tested_there() -> None:
    for table in TABLE.values():
        for command, row in table.items():
            if isinstance(row, Elsewhere):
                told = (ROOT / row.test).read_text()
                subject = next(word for word in command.split() if word not in NO_SUBJECT)
                script = subject.rpartition("/")[2]
                assert (
                    f'"{subject}"' in told
                    or f"build_{subject}" in told
                    or ("." in script and script in told)
                ), command


def test_a_reason_is_a_sentence() -> None:
    reasons = [
        row for table in TABLE.values() for row in table.values() if isinstance(row, NotHere)
    ]
    assert 5 < len(reasons) < 15
    for row in reasons:
        assert len(row.reason.split()) > 3
