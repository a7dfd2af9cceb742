"""`retrain` and `rollback` as a person and cron call them: on files, and on a simulated AWS."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from predictive_autoscaler.adapters.memory import FixedClock
from predictive_autoscaler.cli import rollback as rollback_command
from predictive_autoscaler.core.artifact import load_model
from predictive_autoscaler.core.csv_text import samples_to_csv
from predictive_autoscaler.core.timegrid import floor_to
from predictive_autoscaler.core.types import Samples, utc_text
from predictive_autoscaler.demo.local_aws import BUCKET, GROUP, local_aws, pointed_at, put_metrics
from predictive_autoscaler.lambda_app import Application
from tests.helpers.commands import (
    ROOT,
    Command,
    clean_environment,
    complaint,
    json_of,
    succeeded,
)
from tests.helpers.recorded_calls import Recorder
from tests.helpers.retraining import day, sound, spoilt
from tests.helpers.waves import controller_environment, recorded

pytestmark = pytest.mark.timeout(300)
LITTLE = ("--max-bins", "300", "--newest-days", "1")
HERE = clean_environment(
    AUTOSCALER_INTERVAL_MINUTES="15", AUTOSCALER_CAPACITY_PER_INSTANCE="3000", ASG_NAME="web"
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings: sound.csv and spoilt.csv of 16 days, short.csv of one."""
    folder = tmp_path_factory.mktemp("files")
    for name, samples in (("sound", sound()), ("spoilt", spoilt()), ("short", sound(1))):
        (folder / f"{name}.csv").write_text(samples_to_csv(samples))
    return folder


class TestOnFiles:
    @pytest.fixture
    def retrain(self, command: Command, files: Path, tmp_path: Path) -> Command:
        def retrain(name: str, *options: object) -> subprocess.CompletedProcess[str]:
            where = ("--csv", files / f"{name}.csv", "--store", tmp_path)
            return command("retrain", *where, *LITTLE, *options, env=HERE)

        return retrain

    @pytest.mark.slow
    def test_a_first_model_then_a_refusal_then_a_winner_then_back(
        self, retrain: Command, command: Command, tmp_path: Path
    ) -> None:
        told = succeeded(retrain("sound", "--until", utc_text(day(9))))
        assert "web: published as 20260311T000000Z-" in told
        pointer = tmp_path / "published" / "web.json"
        champion = pointer.read_bytes()

        until = ("--until", utc_text(day(15)))
        refused = retrain("spoilt", *until, "--fail-when-refused")
        assert "the new model of web is refused; the one in use serves on" in complaint(refused, 3)
        for word in ("champion", "challenger", "instance-hours", "missed", "cost"):
            assert word in refused.stdout
        assert "1 % is allowed" in refused.stdout
        assert "is refused" in succeeded(retrain("spoilt", *until))
        assert pointer.read_bytes() == champion

        facts = json_of(retrain("sound", *until, "--dry-run", "--json"))["groups"][0]
        assert facts["outcome"] == "would publish"
        assert pointer.read_bytes() == champion

        done = retrain("sound", *until, "--json")
        assert done.stderr == ""
        facts = json_of(done)["groups"][0]
        assert facts["outcome"] == "published"
        assert facts["verdict"]["champion"]["by_model"] == 96
        assert json.loads(pointer.read_bytes())["version"] == facts["published"]
        verdict = tmp_path / "models" / "web" / facts["published"] / "verdict.json"
        assert json.loads(verdict.read_text()) == facts["verdict"]

        where = ("--store", tmp_path)
        listed = succeeded(command("rollback", "--list", *where, env=HERE))
        assert "published" in listed
        assert facts["published"] in listed
        told = succeeded(command("rollback", *where, env=HERE))
        assert f"in place of {facts['published']}" in told
        assert json.loads(pointer.read_bytes())["version"] == json.loads(champion)["version"]

        again = json_of(retrain("sound", *until, "--json"))["groups"][0]
        assert again["outcome"] == "refused"
        assert "was rolled back by a person" in again["verdict"]["reason"]

    def test_many_groups_one_of_which_fails(
        self, command: Command, files: Path, tmp_path: Path
    ) -> None:
        groups = tmp_path / "groups.json"
        groups.write_text(
            json.dumps({"groups": {"sound": {}, "absent": {}, "guest": {"model": "sound"}}})
        )
        options = ("--groups", groups, "--csv", files, "--store", tmp_path / "store", *LITTLE)
        done = command("retrain", *options, env=HERE)
        assert "1 of 3 groups failed, the others are done: absent: " in complaint(done)
        assert "guest: uses the model of sound, so there is nothing to retrain." in done.stdout
        assert (tmp_path / "store" / "published" / "sound.json").exists()

    def test_a_terminal_is_asked(
        self, command: Command, retrain: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for until in (9, 15):
            succeeded(retrain("sound", "--until", utc_text(day(until))))
        pointer = tmp_path / "published" / "web.json"
        before = pointer.read_bytes()

        class Terminal:
            def __init__(self, answer: str) -> None:
                self._answer = answer

            def isatty(self) -> bool:
                return True

            def readline(self, *_: object) -> str:
                return f"{self._answer}\n"

        class System:
            stdin = Terminal("n")

        monkeypatch.setattr(rollback_command, "sys", System)
        monkeypatch.setattr("sys.stdin", Terminal("n"))
        done = command("rollback", "--store", tmp_path, env=HERE)
        assert done.returncode == 1
        assert "again (learned until 2026-03-11 00:00 UTC), in place of" in done.stderr
        assert "Traceback" not in done.stderr
        assert pointer.read_bytes() == before


class TestComplaints:
    """Each in one line, without a traceback; it names what was given and what is allowed."""

    @pytest.mark.parametrize(
        ("arguments", "code", "words"),
        [
            (("retrain",), 2, "S3_BUCKET is not set"),
            (("retrain", "--bucket", "b"), 2, "LOAD_BALANCER is not set"),
            (("retrain", "--csv", "{files}"), 2, "without --groups it takes a file"),
            (("retrain", "--csv", "{files}/short.csv", "--groups", "x"), 2, "with --groups"),
            (("retrain", "--csv", "{files}/none.csv"), 1, "none.csv"),
            (("retrain", "--csv", "{files}/short.csv", "--until", "soon"), 2, "--until is 'soon'"),
            (("retrain", "--csv", "x", "--jobs", "0"), 2, "--jobs is 0; allowed is"),
            (
                ("retrain", "--csv", "{files}/short.csv", "--until", "2026-03-02T12:00:00Z"),
                1,
                "found 12.0 hours of request counts; at least 24 hours are needed",
            ),
            (("rollback",), 2, "there is no such folder"),
            (("rollback", "v", "--list"), 2, "--list and the version 'v' exclude each other"),
            (("rollback", "v", "--asg-name", ""), 2, "--asg-name is not set"),
        ],
    )
    def test_in_words(
        self,
        command: Command,
        files: Path,
        tmp_path: Path,
        arguments: tuple[str, ...],
        code: int,
        words: str,
    ) -> None:
        given = [text.format(files=files) for text in arguments]
        if "--csv" in given or "rollback" in given:
            given += ["--store", str(tmp_path / "store")]
        assert words in complaint(command(*given, env=HERE), code)
        assert not (tmp_path / "store").exists()

    @pytest.mark.parametrize(
        ("option", "value", "allowed"),
        [
            ("--keep", "1", "2 to 1000"),
            ("--newest-days", "0", "1 to 7"),
            ("--newest-days", "8", "1 to 7"),
            ("--tolerance-percent", "51", "0 to 50"),
            ("--tolerance-percent", "nan", "0 to 50"),
        ],
    )
    def test_numbers_out_of_range(
        self, command: Command, option: str, value: str, allowed: str
    ) -> None:
        told = complaint(command("retrain", option, value, env=HERE), 2)
        assert told == f"{option} is {value}; allowed is {allowed}"

    def test_days_that_would_make_the_model_too_old(
        self, command: Command, files: Path, tmp_path: Path
    ) -> None:
        env = HERE | {"AUTOSCALER_MAX_MODEL_AGE_DAYS": "2"}
        done = command("retrain", "--csv", files / "sound.csv", "--store", tmp_path, env=env)
        told = complaint(done, 2)
        assert "--newest-days is 3, and AUTOSCALER_MAX_MODEL_AGE_DAYS is 2" in told

    # ---- Against a simulated AWS ------------------------------------------------------------

    def test_a_store_that_cannot_be_written_to_is_told_before_the_work(
        self, command: Command, files: Path
    ) -> None:
        where = ("--csv", files / "sound.csv", "--store", files / "sound.csv" / "store")
        done = command("retrain", *where, *LITTLE, env=HERE)
        assert "sound.csv is no folder that can be written to" in complaint(done, 2)
        assert "reading" not in done.stderr


def longer(start: datetime) -> Samples:
    """The waves of the other tests, three days of them before."""
    waves = recorded(start)
    columns = {name: np.tile(column, 2) for name, column in waves.columns().items()}
    return Samples.of(waves.end - 2 * len(waves) * waves.interval, 300, columns)


@pytest.fixture(scope="module")
def shop() -> Iterator[tuple[Any, datetime]]:
    start = floor_to(datetime.now(UTC), timedelta(hours=1)) - timedelta(hours=2)
    with local_aws(2, 60, 12) as aws, pointed_at(aws.environment):
        put_metrics(aws, aws.client("cloudwatch"), longer(start))
        yield aws, start


def policy() -> dict[str, set[str]]:
    """Actions by resource of the role in docs/retraining.md."""
    text = (ROOT / "docs" / "retraining.md").read_text()
    block = next(part for part in text.split("```json\n")[1:] if '"Statement"' in part)
    found: dict[str, set[str]] = {}
    for statement in json.loads(block.split("```")[0])["Statement"]:
        assert statement["Effect"] == "Allow"
        resources = statement["Resource"]
        for resource in [resources] if isinstance(resources, str) else resources:
            actions = statement["Action"]
            found.setdefault(resource, set()).update(
                [actions] if isinstance(actions, str) else actions
            )
    return found


def allowed(operation: str, key: str, rights: dict[str, set[str]]) -> bool:
    action = operation.replace("s3.ListObjectsV2", "s3.ListBucket").replace(".", ":")
    where = "arn:aws:s3:::BUCKET"
    if operation.startswith("cloudwatch"):
        return action in rights["*"]
    if operation == "s3.ListObjectsV2":
        return action in rights[where]
    folder = f"{where}/{key.split('/')[0]}/*"
    return action in rights.get(folder, set())


def test_from_cloudwatch_to_the_lambda_and_back(
    shop: tuple[Any, datetime], command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws, start = shop
    recorder = Recorder().install(monkeypatch)
    environment = clean_environment(**controller_environment(aws))
    s3 = aws.client("s3")

    def versions() -> str:
        pointer = s3.get_object(Bucket=BUCKET, Key=f"published/{GROUP}.json")["Body"].read()
        return str(json.loads(pointer)["version"])

    def retrained(until: datetime) -> Any:
        options = ("--days", "6", "--until", utc_text(until), "--keep", "2", *LITTLE)
        return json_of(command("retrain", *options, "--json", env=environment))["groups"][0]

    first = retrained(start - timedelta(days=1, hours=6))
    assert first["outcome"] == "published", first
    clock = FixedClock(start + timedelta(hours=1, minutes=2))
    with pointed_at(environment):
        warm = Application(environment, clock, log=lambda line: None)

        def tick() -> str:
            record = warm.handle({})
            clock.advance(timedelta(minutes=5))
            return str(record["groups"][GROUP]["decision"]["model_id"])

        assert tick() == first["published"] == versions()
        second = retrained(start)
        assert second["outcome"] == "published", second
        assert second["verdict"]["champion"]["version"] == first["published"]
        assert tick() == second["published"] == versions()

        facts = json_of(command("rollback", "--json", env=environment))
        assert facts["version"] == first["published"]
        # The warm Lambda takes it with its next step, and so does a cold one.
        assert tick() == first["published"] == versions()
        cold = Application(environment, clock, log=lambda line: None).handle({})
        assert cold["groups"][GROUP]["decision"]["model_id"] == first["published"]

    names = (f"models/{GROUP}/{first['published']}/{name}" for name in ("model.npz", "model.json"))
    npz, card = (s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in names)
    assert load_model(npz, card.decode()).card.model_id == first["published"]

    rights = policy()
    made = {
        (one.operation, one.parameters.get("Key", ""))
        for one in recorder.calls
        if not one.parameters.get("Key", "").startswith("decisions/")
        and one.operation.split(".")[0] in ("s3", "cloudwatch")
        and one.operation != "cloudwatch.PutMetricData"
    }
    assert {"s3.PutObject", "s3.GetObject", "s3.ListObjectsV2"} <= {name for name, _ in made}
    # The Lambda's own reading of calendars is not the role's.
    refused = [
        one for one in made if not one[1].startswith("control/") and not allowed(*one, rights)
    ]
    assert refused == []
    assert "s3:DeleteObject" in rights["arn:aws:s3:::BUCKET/models/*"]
