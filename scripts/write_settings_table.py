"""Write the table of settings into docs/settings.md, between its two marks.

    .venv/bin/python scripts/write_settings_table.py

The rows are those that the Lambda and the command line check their environment by.
"""

from __future__ import annotations

import sys
from pathlib import Path

from predictive_autoscaler.app.settings_table import SETTINGS, Setting

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.marks import between, bring_up_to_date  # noqa: E402

DOCUMENT = ROOT / "docs" / "settings.md"
HEADING = "| setting | default | range | unit | what it is | what it trades |\n"
RULE = "|---|---|---|---|---|---|\n"


def row(setting: Setting) -> str:
    """One line of the table."""
    if setting.required:
        default = "required"
    else:
        default = "unset" if setting.default is None else f"`{setting.default}`"
    cells = (
        f"`{setting.variable}`",
        default,
        setting.allowed,
        setting.unit or "–",
        setting.meaning,
        setting.trades,
    )
    return f"| {' | '.join(cells)} |\n"


def with_table(text: str) -> str:
    """The document with the table brought up to date."""
    # A comment between a table's rows would end the table: the marks stand around all of it.
    return between(text, {"settings": HEADING + RULE + "".join(map(row, SETTINGS))})


if __name__ == "__main__":
    bring_up_to_date(__doc__, DOCUMENT, with_table)
