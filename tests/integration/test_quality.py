from __future__ import annotations

from pathlib import Path

from tests.helpers.commands import Command
from tests.unit.backtest.quality.made import recordings


def test_a_folder_without_recordings_is_told(command: Command, tmp_path: Path) -> None:
    done = command("quality", "--traces", tmp_path / "none", "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "none of the recordings is here" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bad_recording_ends_it_before_the_work(command: Command, tmp_path: Path) -> None:
    folder = recordings(tmp_path / "traces", "ms_mongo_app1", "nasa_aug95")
    (folder / "nasa_aug95.csv").write_text("time,hits\n1,2\n")
    done = command("quality", "--traces", folder, "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "nasa_aug95.csv: column 'timestamp' is missing" in done.stderr
    assert not (tmp_path / "out" / "cache").exists()
