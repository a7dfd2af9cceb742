"""What keeps a user from a long wait for nothing, or from being misled."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from predictive_autoscaler.core.csv_text import samples_to_csv
from predictive_autoscaler.core.types import Json
from predictive_autoscaler.errors import UsageError
from predictive_autoscaler.folders import check_writable, sole_user_of
from tests.helpers.commands import (
    TRAINING_SCRIPT,
    Command,
    clean_environment,
    complaint,
    run,
    succeeded,
)
from tests.helpers.shop import GROUP, shop, world


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV file of two days."""
    path = tmp_path_factory.mktemp("recording") / "shop.csv"
    path.write_text(samples_to_csv(shop(300).latest(2 * 288)))
    return path


def test_two_runs_do_not_write_to_one_folder(command: Command, tmp_path: Path) -> None:
    with sole_user_of(tmp_path / "out"):
        done = command("demo", "--out", tmp_path / "out")
    assert "another run is writing to" in complaint(done, code=2)


@pytest.mark.parametrize("name", ["shop", "arn:aws:elasticloadbalancing:x:1:loadbalancer/app/a/b"])
def test_a_load_balancer_by_another_name_is_told_at_once(command: Command, name: str) -> None:
    """CloudWatch would answer with nothing, for ever."""
    done = command(
        *("decide", "--asg-name", "shop", "--bucket", "b", "--load-balancer", name, "--json")
    )
    message = complaint(done, 2)
    assert message.startswith("--load-balancer is")
    assert "app/NAME/ID" in message


@pytest.mark.parametrize(
    ("option", "value"), [("--jobs", "0"), ("--seed", "99999999999999999999"), ("--seed", "-1")]
)
def test_numbers_that_make_no_sense_are_refused(
    command: Command, tmp_path: Path, option: str, value: str
) -> None:
    done = command("train", "--csv", tmp_path / "any.csv", option, value)
    assert done.returncode == 2
    assert option in done.stderr
    assert "Traceback" not in done.stderr


def test_scores_of_interpolated_bins_are_not_boasted_of(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "hourly.csv"
    path.write_text(samples_to_csv(shop(3600).latest(3 * 24)))
    done = command("train", "--csv", path, "--out", tmp_path / "model", "--max-bins", "300")
    told = " ".join(succeeded(done).split())
    assert "bins of 60 minutes were drawn out between their values" in told
    assert "flatter" in told


def test_the_training_script_names_itself_rightly() -> None:
    told = succeeded(run("--help", script=TRAINING_SCRIPT))
    assert "train_model.py [OPTIONS]" in told


def test_who_is_told_to_end_does_not_blame_what_broke_meanwhile(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def ended(path: Path) -> None:
        try:
            raise SystemExit(143)
        finally:
            raise ConnectionResetError("while cleaning up")

    monkeypatch.setattr("predictive_autoscaler.cli.calibrate._rows", ended)
    done = command("calibrate", tmp_path / "any.csv")
    assert done.returncode == 143
    assert done.stderr == ""


class TestRecordsByTheLine:
    """As the demo leaves them."""

    @pytest.fixture
    def lines(self, tmp_path: Path) -> Path:
        path = tmp_path / "decisions.jsonl"
        path.write_text("".join(json.dumps(record) + "\n" for record in world(desired=3).run(3)))
        return path

    def test_a_slot_is_found(self, command: Command, lines: Path) -> None:
        slots = [json.loads(line)["slot"] for line in lines.read_text().splitlines()]
        done = command("explain", slots[1], "--record", lines, "--json")
        assert json.loads(succeeded(done))["slot"] == slots[1]

    def test_the_last_is_the_default(self, command: Command, lines: Path) -> None:
        newest = json.loads(lines.read_text().splitlines()[-1])["slot"]
        done = command("explain", "--record", lines, "--json")
        assert json.loads(succeeded(done))["slot"] == newest

    def test_a_slot_that_is_not_there_is_told(self, command: Command, lines: Path) -> None:
        done = command("explain", "2001-01-01T00:00:00Z", "--record", lines)
        assert "holds no decision record of 2001" in complaint(done)


class TestDamagedRecords:
    """`explain` names the file, and in words what is wrong."""

    @pytest.fixture
    def record(self) -> Json:
        return world(desired=3).step()

    @staticmethod
    def written(folder: Path, record: object) -> Path:
        path = folder / "record.json"
        path.write_text(json.dumps(record))
        return path

    def test_another_schema(self, command: Command, tmp_path: Path, record: Json) -> None:
        path = self.written(tmp_path, record | {"schema": 99})
        assert complaint(command("explain", "--record", path)) == (
            f"{path}: this is not a decision record: schema is 99; this version reads 1 only"
        )
        assert "schema is 99" in complaint(command("explain", "--record", path, "--json"))

    @pytest.mark.parametrize("name", ["schema", "slot", "groups"])
    def test_a_field_that_is_lacking(
        self, command: Command, tmp_path: Path, record: Json, name: str
    ) -> None:
        del record[name]
        path = self.written(tmp_path, record)
        told = complaint(command("explain", "--record", path))
        assert told == f"{path}: this is not a decision record: it has no {name}"

    def test_groups_of_another_kind(self, command: Command, tmp_path: Path, record: Json) -> None:
        path = self.written(tmp_path, record | {"groups": {GROUP: 3}})
        told = complaint(command("explain", "--record", path))
        assert told.endswith(f"the part of {GROUP!r} is 3; an object is needed")

    def test_an_entry_without_a_decision(
        self, command: Command, tmp_path: Path, record: Json
    ) -> None:
        del record["groups"][GROUP]["decision"]
        path = self.written(tmp_path, record)
        done = command("explain", "--record", path)
        assert f"No decision: the record says nothing of {GROUP!r}." in done.stdout
        assert complaint(done) == f"{path}: the record says nothing of {GROUP!r}"
        assert "says nothing of" in complaint(command("explain", "--record", path, "--json"))

    def test_no_entry_at_all(self, command: Command, tmp_path: Path, record: Json) -> None:
        path = self.written(tmp_path, record | {"groups": {}})
        assert complaint(command("explain", "--record", path)).endswith("nothing of any group")


def test_the_version_is_told() -> None:
    assert succeeded(run("--version")).startswith("predictive-autoscaler 0.")


def test_a_look_at_a_folder_leaves_nothing_behind(tmp_path: Path) -> None:
    check_writable(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "a").mkdir()
    check_writable(tmp_path / "a")
    assert (tmp_path / "a").is_dir()


def test_a_folder_that_only_its_file_system_refuses_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What rights say is not all: so it is with /proc, and with a disk mounted to be read."""

    def refused(**_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("predictive_autoscaler.folders.TemporaryFile", refused)
    with pytest.raises(UsageError, match=f"--store is {tmp_path}; {tmp_path} is no folder"):
        check_writable(tmp_path, "--store")


def test_a_folder_is_free_again_after_a_run_and_nothing_is_left_in_it(tmp_path: Path) -> None:
    for _ in range(2):
        with sole_user_of(tmp_path), pytest.raises(UsageError), sole_user_of(tmp_path):
            pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_free_again_after_a_run_that_failed(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), sole_user_of(tmp_path):
        raise ZeroDivisionError
    with sole_user_of(tmp_path):
        pass


class TestFilesThatAreNotThere:
    """Each is told once, in the same words by every command, and without Python's."""

    @pytest.mark.parametrize(
        ("line", "code"),
        [
            ("explain --record {}", 1),
            ("calibrate {}", 1),
            ("train --csv {}", 1),
            ("backtest x.csv --calendar {}", 2),
            ("backtest x.csv --out out/none --settings {}", 2),
            ("train --from cloudwatch --groups {}", 2),
        ],
    )
    def test_absent(self, command: Command, tmp_path: Path, line: str, code: int) -> None:
        path = tmp_path / "none"
        line = line.replace("out/none", str(tmp_path / "out"))
        env = clean_environment(S3_BUCKET="b")
        message = complaint(command(*line.format(path).split(), env=env), code)
        assert message.removeprefix("--calendar ") == f"{path}: there is no such file"

    @pytest.mark.parametrize("line", ["explain --record {}", "calibrate {}"])
    def test_a_folder(self, command: Command, tmp_path: Path, line: str) -> None:
        message = complaint(command(*line.format(tmp_path).split()))
        assert message.startswith(f"{tmp_path}: cannot be read as ")
        assert message.endswith(": it is a folder")

    def test_what_is_no_record_is_told_by_the_line(self, command: Command, tmp_path: Path) -> None:
        path = tmp_path / "notes.md"
        path.write_text("{}\n# Notes\n")
        message = complaint(command("explain", "--record", path))
        assert message == f"{path}: cannot be read as a decision record: line 2 is not JSON"

    def test_a_calendar_that_is_no_json(self, command: Command, tmp_path: Path) -> None:
        path = tmp_path / "calendar.json"
        path.write_text("[\nsale\n]")
        message = complaint(command("backtest", "x.csv", "--calendar", path), 2)
        assert message == f"--calendar {path}: line 2 is not JSON"

    def test_a_folder_of_models(self, command: Command, tmp_path: Path) -> None:
        place = tmp_path / "nowhere"
        done = command("rollback", "--store", place, "--asg-name", "shop")
        assert complaint(done, 2) == f"--store is {place}; there is no such folder"
        done = command("rollback", "--store", tmp_path, "--asg-name", "shop")
        assert complaint(done) == "no model of group 'shop' has been published"


class TestTimes:
    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("2026-03-16T25:00:00Z", ": hour must be in 0..23; write"),
            ("2026-02-30T00:00:00Z", ": day is out of range for month; write"),
            ("2026-03-16T18:00:00", ", without a zone; write"),
            ("yesterday", ", which is no time; write"),
        ],
    )
    @pytest.mark.parametrize(
        ("line", "name"),
        [
            ("explain {} --bucket b", "the slot"),
            ("train --csv x.csv --until {}", "--until"),
            ("backtest x.csv --eval-start {}", "--eval-start"),
        ],
    )
    def test_what_is_wrong_with_one_is_told(
        self, command: Command, recording: Path, line: str, name: str, text: str, reason: str
    ) -> None:
        line = line.replace("x.csv", str(recording))
        message = complaint(command(*line.format(text).split()), 2)
        assert message.startswith(f"{name} is {text!r}{reason} it as 2026-11-20T")

    def test_beside_a_slot_that_is_not_there_stands_the_nearest(
        self, command: Command, tmp_path: Path
    ) -> None:
        path = tmp_path / "decisions.jsonl"
        slots = [f"2026-03-16T18:{minute:02}:00+00:00" for minute in (0, 5, 10)]
        path.write_text("".join(json.dumps({"slot": slot}) + "\n" for slot in slots))
        message = complaint(command("explain", "2026-03-16T18:06:00Z", "--record", path))
        assert message == (
            f"{path}: holds no decision record of 2026-03-16T18:06:00Z; it holds "
            "2026-03-16T18:00:00Z to 2026-03-16T18:10:00Z, and 2026-03-16T18:05:00Z is the nearest"
        )
