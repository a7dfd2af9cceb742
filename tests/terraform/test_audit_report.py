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
    return main(str(report), str(folder / "code"))


def test_all_is_well(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audited(folder) == 0
    assert capsys.readouterr().out == "audit: 1 passed, 0 failed, 1 skipped\n"


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
