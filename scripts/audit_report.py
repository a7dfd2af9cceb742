"""Read checkov's report: print what failed and which skips are left over; exit 1 if any."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SKIP = re.compile(r"#checkov:skip=(?P<check>\w+)(?P<reason>.*)")


def problems(results: dict[str, list[dict[str, Any]]], folder: Path) -> Iterator[str]:
    """One line for each thing that is not in order."""
    for check in results["failed_checks"]:
        where = f"{check['file_path']}:{check['file_line_range'][0]}"
        yield f"{check['check_id']} {check['check_name']}: {check['resource']} in {where}"
    skipped = {check["check_id"] for check in results["skipped_checks"]}
    for path in sorted(folder.rglob("*.tf")):
        for match in SKIP.finditer(path.read_text()):
            if match["check"] not in skipped:
                yield f"{path}: {match['check']} is skipped, but would not fail"
            if len(match["reason"].lstrip(":").split()) < 3:
                yield f"{path}: {match['check']} is skipped without a reason"


def main(report: str, folder: str) -> int:
    """Print them, and how many checks there were."""
    results = json.loads(Path(report).read_text())["results"]
    found = list(problems(results, Path(folder)))
    for line in found:
        print(f"audit: {line}", file=sys.stderr)
    counts = {name: len(results[f"{name}_checks"]) for name in ("passed", "failed", "skipped")}
    print("audit:", ", ".join(f"{count} {name}" for name, count in counts.items()))
    return 1 if found or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
