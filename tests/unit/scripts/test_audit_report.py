from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scripts.audit_report import main

FAILED = {
    "check_id": "CKV_AWS_1",
    "check_name": "Ensure something",
    "resource": "aws_thing.this",
    "file_path": "/thing.tf",
    "file_line_range": [3, 9],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "thing.tf").write_text("#checkov:skip=CKV_AWS_2:It is meant to be so.\n")
    return tmp_path


def audited(folder: Path, **results: list[dict[str, Any]]) -> int:
    empty: dict[str, list[dict[str, Any]]] = {
        "passed_checks": [{}],
        "failed_checks": [],
        "skipped_checks": [{"check_id": "CKV_AWS_2"}],
    }
    report = folder / "report.json"
    report.write_text(json.dumps({"results": empty | results}))
    return main("checkov", str(report), str(folder / "code"))


def test_all_is_well(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audited(folder) == 0
    assert capsys.readouterr().out == "audit: checkov: 1 passed, 0 failed, 1 skipped\n"


def test_what_fails_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audited(folder, failed_checks=[FAILED]) == 1
    told = capsys.readouterr().err
    assert told == "audit: CKV_AWS_1 Ensure something: aws_thing.this in /thing.tf:3\n"


def test_a_skip_that_nothing_needs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audited(folder, skipped_checks=[]) == 1
    assert "CKV_AWS_2 is skipped, but would not fail" in capsys.readouterr().err


def test_a_skip_without_a_reason(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "code" / "thing.tf").write_text("#checkov:skip=CKV_AWS_2:no\n")
    assert audited(folder) == 1
    assert "without a reason" in capsys.readouterr().err


def test_an_audit_that_saw_nothing_is_no_pass(folder: Path) -> None:
    assert audited(folder, passed_checks=[]) == 1


def of_bandit(folder: Path, source: str, line: int | None) -> int:
    (folder / "code" / "thing.py").write_text(source)
    issue = {
        "filename": "thing.py",
        "line_number": line,
        "test_id": "B310",
        "issue_text": "Audit url open.",
    }
    report = folder / "report.json"
    results = [issue] if line else []
    metrics = {"_totals": {"loc": 2}, "thing.py": {}}
    report.write_text(json.dumps({"errors": [], "metrics": metrics, "results": results}))
    return main("bandit", str(report), str(folder / "code"))


@pytest.mark.parametrize(
    ("source", "line", "told"),
    [
        ("a\nurlopen(x)  # nosec B310 # our own server\n", 2, None),
        ("a\nurlopen(x)\n", 2, "B310 Audit url open."),
        ("a\nurlopen(x)  # nosec B311 # our own server\n", 2, "B310 Audit url open."),
        ("a\nurlopen(x)  # nosec B310\n", 2, "nosec without a reason"),
        ("a\nurlopen(x)  # nosec\n", 2, "B310 Audit url open."),
        ("a\nx  # nosec B310 # our own server\n", None, "nosec, but nothing was found there"),
    ],
)
def test_findings_in_code(
    folder: Path, capsys: pytest.CaptureFixture[str], source: str, line: int | None, told: str
) -> None:
    assert of_bandit(folder, source, line) == (1 if told else 0)
    assert capsys.readouterr().err == (f"audit: thing.py:2: {told}\n" if told else "")
