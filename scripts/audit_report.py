"""Read the report of bandit or checkov: print what it found and nothing in the code argues.

A finding is argued by a comment at its place that names the check and says why it stays. Comments
that argue against nothing are printed too. Exit code 1 if there is anything to print.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKOV_SKIP = re.compile(r"#checkov:skip=(?P<check>\w+)(?P<reason>.*)")
BANDIT_SKIP = re.compile(r"# [n]osec (?P<check>B\d+)(?P<reason>.*)")
BANDIT_LIKE_IT = re.compile(r"#\s*[n]osec", re.IGNORECASE)
FEWEST_WORDS = {"checkov": 3, "bandit": 1}


@dataclass(frozen=True)
class Verdict:
    """What is not in order, and how much was looked at."""

    problems: tuple[str, ...]
    summary: str
    looked_at: int


def checkov(report: Any, folder: Path) -> Verdict:
    """Its report lists findings and skips alike."""
    results = report["results"]
    counts = {name: len(results[f"{name}_checks"]) for name in ("passed", "failed", "skipped")}
    return Verdict(
        tuple(_of_checkov(results, folder)),
        ", ".join(f"{count} {name}" for name, count in counts.items()),
        counts["passed"],
    )


def _of_checkov(results: dict[str, list[dict[str, Any]]], folder: Path) -> Iterator[str]:
    for check in results["failed_checks"]:
        where = f"{check['file_path']}:{check['file_line_range'][0]}"
        yield f"{check['check_id']} {check['check_name']}: {check['resource']} in {where}"
    skipped = {check["check_id"] for check in results["skipped_checks"]}
    for path in sorted(folder.rglob("*.tf")):
        for match in CHECKOV_SKIP.finditer(path.read_text()):
            if match["check"] not in skipped:
                yield f"{path}: {match['check']} is skipped, but would not fail"
            if not _is_argued(match["reason"], "checkov"):
                yield f"{path}: {match['check']} is skipped without a reason"


def bandit(report: Any, folder: Path) -> Verdict:
    """Its report was made without regard to the comments, so that each can be looked for."""
    lines = report["metrics"]["_totals"]["loc"]
    problems = [f"{error['filename']}: {error['reason']}" for error in report["errors"]]
    found = {(issue["filename"], issue["line_number"]): issue for issue in report["results"]}
    argued = 0
    for name in sorted(name for name in report["metrics"] if name != "_totals"):
        for number, line in enumerate((folder / name).read_text().splitlines(), 1):
            issue = found.pop((name, number), None)
            problem = _of_bandit(line, issue)
            if problem:
                problems.append(f"{name}:{number}: {problem}")
            argued += issue is not None and not problem
    problems += [f"{name}:{number}: {issue['test_id']}" for (name, number), issue in found.items()]
    return Verdict(
        tuple(problems), f"{lines} lines of code looked at, {argued} findings argued", lines
    )


def _of_bandit(line: str, issue: dict[str, Any] | None) -> str | None:
    match = BANDIT_SKIP.search(line)
    if issue is None:
        return "nosec, but nothing was found there" if BANDIT_LIKE_IT.search(line) else None
    if match is None or match["check"] != issue["test_id"]:
        return f"{issue['test_id']} {issue['issue_text']}"
    return None if _is_argued(match["reason"], "bandit") else "nosec without a reason"


def _is_argued(reason: str, tool: str) -> bool:
    return len(reason.lstrip(": #").split()) >= FEWEST_WORDS[tool]


READERS: dict[str, Callable[[Any, Path], Verdict]] = {"bandit": bandit, "checkov": checkov}


def main(tool: str, report: str, folder: str) -> int:
    """Print what is not in order, and how much was looked at."""
    verdict = READERS[tool](json.loads(Path(report).read_text()), Path(folder))
    for line in verdict.problems:
        print(f"audit: {line}", file=sys.stderr)
    print(f"audit: {tool}: {verdict.summary}")
    return 1 if verdict.problems or not verdict.looked_at else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
