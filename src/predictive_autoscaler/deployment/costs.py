"""What an environment costs a month, as DEPLOYMENT.md adds it up."""

from __future__ import annotations

import re
from pathlib import Path


def monthly_usd(document: Path, environment: str) -> int | None:
    """The sum of an environment's column, in USD at list prices; None if it cannot be read."""
    try:
        text = document.read_text(encoding="utf-8")
    except OSError:
        return None
    table = re.search(r"<!-- quantities -->\n(.*?)<!-- /quantities -->", text, re.DOTALL)
    rows = [_cells(line) for line in table[1].splitlines()] if table else []
    for row in rows:
        if row[0] == "a month" and environment in rows[0]:
            sum_usd = row[rows[0].index(environment)]
            return int(sum_usd) if sum_usd.isdecimal() else None
    return None


def _cells(line: str) -> list[str]:
    return [cell.strip().strip("*") for cell in line.strip().strip("|").split("|")]
