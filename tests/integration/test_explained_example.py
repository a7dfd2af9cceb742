from __future__ import annotations

import re

import pytest

from scripts.write_explained_example import BEGIN, DOCUMENT, END, example

MODEL = re.compile(r"model (\S+)\)")


def skeleton(text: str) -> list[str]:
    """How each sentence and line begins, without numbers."""
    flat = " ".join(text.split())
    return [re.sub(r"[\d.,%−+-]+", "#", part)[:24] for part in flat.split(". ")]


@pytest.mark.slow
def test_the_document_shows_what_the_command_prints() -> None:
    shown = DOCUMENT.read_text().split(BEGIN)[1].split(END)[0]
    printed = example()
    if MODEL.findall(printed) == MODEL.findall(shown):
        assert printed == shown, "run scripts/write_explained_example.py"
    else:
        # Other libraries make another model: its numbers differ, not what is told.
        assert skeleton(printed) == skeleton(shown), "run scripts/write_explained_example.py"
