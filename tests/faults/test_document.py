from __future__ import annotations

from scripts.write_fault_table import DOCUMENT, with_tables


def test_the_document_shows_the_tables_that_are_tried() -> None:
    text = DOCUMENT.read_text()
    assert with_tables(text) == text, "run scripts/write_fault_table.py"
