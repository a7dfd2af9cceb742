"""The scripts that write between a document's marks, as commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import marks
from scripts.marks import between, bring_up_to_date

TEXT = "before\n<!-- rows -->\nold\n<!-- /rows -->\nafter\n"
ABOUT = "Write the rows.\n\n    python scripts/write_rows.py\n"


@pytest.fixture
def document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(marks, "ROOT", tmp_path)
    monkeypatch.setattr("sys.argv", ["write_rows.py"])
    found = tmp_path / "docs" / "rows.md"
    found.parent.mkdir()
    found.write_text(TEXT)
    return found


def change(text: str) -> str:
    return between(text, {"rows": "new\n"})


def test_what_stands_between_is_replaced_and_told(
    document: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bring_up_to_date(ABOUT, document, change)
    assert document.read_text() == TEXT.replace("old", "new")
    assert capsys.readouterr().out == "Written: docs/rows.md\n"


def test_a_second_time_writes_nothing(document: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bring_up_to_date(ABOUT, document, change)
    written = document.stat().st_mtime_ns
    bring_up_to_date(ABOUT, document, change)
    assert document.stat().st_mtime_ns == written
    assert capsys.readouterr().out.endswith("Up to date already: docs/rows.md\n")


def test_help_teaches_and_writes_nothing(
    document: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["write_rows.py", "--help"])
    with pytest.raises(SystemExit) as left:
        bring_up_to_date(ABOUT, document, change)
    assert left.value.code == 0
    assert "    python scripts/write_rows.py" in capsys.readouterr().out
    assert document.read_text() == TEXT


@pytest.mark.parametrize("text", ["no mark\n", TEXT + TEXT])
def test_each_mark_stands_once(document: Path, text: str) -> None:
    document.write_text(text)
    with pytest.raises(ValueError, match="to unpack"):
        bring_up_to_date(ABOUT, document, change)
    assert document.read_text() == text
