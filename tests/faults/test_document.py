from __future__ import annotations

from scripts.write_fault_table import DOCUMENT, with_table


def test_the_document_shows_the_table_that_is_tried() -> None:
    text = DOCUMENT.read_text()
    assert with_table(text) == text, "run scripts/write_fault_table.py"
