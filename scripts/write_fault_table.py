"""Write the tables of docs/reliability.md, each between its two marks.

    python scripts/write_fault_table.py

The rows are those that tests/faults tries one by one: the faults, and a group's first days.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.marks import between, bring_up_to_date  # noqa: E402
from tests.faults.first_days import first_days_table  # noqa: E402
from tests.faults.table import TABLE, Fault, Outcome  # noqa: E402

DOCUMENT = ROOT / "docs" / "reliability.md"


def _row(fault: Fault) -> str:
    return f"| {fault.area} | {fault.kind} | {fault.what} | {fault.outcome.value} |\n"


def faults_table() -> str:
    """All rows, by area and kind."""
    rows = sorted(TABLE, key=lambda fault: (fault.area, fault.kind, fault.what))
    counts = Counter(fault.outcome for fault in TABLE)
    summary = ", ".join(f"{counts[outcome]} {outcome.value}" for outcome in Outcome)
    heading = "| where | how | what happens | outcome |\n|---|---|---|---|\n"
    return f"{len(TABLE)} faults: {summary}.\n\n" + heading + "".join(map(_row, rows))


TABLES = {"faults": faults_table, "first days": first_days_table}


def with_tables(text: str) -> str:
    """The document with its tables brought up to date."""
    return between(text, {name: table() for name, table in TABLES.items()})


if __name__ == "__main__":
    bring_up_to_date(__doc__, DOCUMENT, with_tables)
