from __future__ import annotations

from scripts.write_doctor_table import DOCUMENT, with_blocks


def test_the_document_shows_the_checks_that_are_run() -> None:
    text = DOCUMENT.read_text()
    assert with_blocks(text) == text, "run scripts/write_doctor_table.py"
