from __future__ import annotations

import re

from predictive_autoscaler.app.settings_table import SETTINGS
from scripts.write_settings_table import DOCUMENT, with_table


def test_the_document_shows_the_settings_of_the_code() -> None:
    text = DOCUMENT.read_text()
    assert with_table(text) == text, "run scripts/write_settings_table.py"


def test_every_setting_has_one_row_without_an_empty_cell() -> None:
    """No text of a setting holds what would end a cell."""
    rows = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    assert [re.findall(r"`(\w+)`", row)[0] for row in rows] == [row.variable for row in SETTINGS]
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert len(cells) == 6
        assert all(cells)
