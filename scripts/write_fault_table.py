"""Write the table of faults into docs/reliability.md, between its two marks.

    python scripts/write_fault_table.py

The rows are those that tests/faults tries one by one.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.faults.table import TABLE, Fault, Outcome  # noqa: E402

DOCUMENT = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- faults -->\n", "<!-- /faults -->"


def _row(fault: Fault) -> str:
    return f"| {fault.area} | {fault.kind} | {fault.what} | {fault.outcome.value} |\n"


def faults_table() -> str:
    """All rows, by area and kind."""
    rows = sorted(TABLE, key=lambda fault: (fault.area, fault.kind, fault.what))
    counts = Counter(fault.outcome for fault in TABLE)
    summary = ", ".join(f"{counts[outcome]} {outcome.value}" for outcome in Outcome)
    heading = "| where | how | what happens | outcome |\n|---|---|---|---|\n"
    return f"{len(TABLE)} faults: {summary}.\n\n" + heading + "".join(map(_row, rows))


def with_table(text: str) -> str:
    """The document with the table brought up to date."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return before + BEGIN + faults_table() + END + after


if __name__ == "__main__":
    DOCUMENT.write_text(with_table(DOCUMENT.read_text()))
