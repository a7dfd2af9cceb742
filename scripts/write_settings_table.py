"""Write the table of settings into README.md, between its two marks."""

from __future__ import annotations

from pathlib import Path

from predictive_autoscaler.app.settings_table import SETTINGS, Setting

README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- settings -->\n", "<!-- /settings -->"


def row(setting: Setting) -> str:
    """One line of the table."""
    if setting.required:
        default = "required"
    else:
        default = "unset" if setting.default is None else f"`{setting.default}`"
    return f"| `{setting.variable}` | {default} | {setting.allowed} | {setting.meaning} |\n"


def with_table(text: str) -> str:
    """The document with the table brought up to date."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    # A comment between a table's rows would end the table: the marks stand around all of it.
    return before + BEGIN + HEADING + "".join(map(row, SETTINGS)) + END + after


HEADING = "| variable | default | allowed | meaning |\n|---|---|---|---|\n"


if __name__ == "__main__":
    README.write_text(with_table(README.read_text()))
