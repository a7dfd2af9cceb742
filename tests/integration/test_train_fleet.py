"""`train --groups`, as a person calls it: on this machine, on a cluster, interrupted and killed."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from predictive_autoscaler.adapters.aws.clients import Clients
from predictive_autoscaler.core.artifact import load_model
from predictive_autoscaler.core.csv_text import samples_to_csv
from predictive_autoscaler.core.timegrid import floor_to
from predictive_autoscaler.core.types import Samples, utc_text
from predictive_autoscaler.demo.local_aws import BUCKET, LocalAws, local_aws, put_metrics
from predictive_autoscaler.folders import sole_user_of
from predictive_autoscaler.wiring import aws_models
from scripts.bench_training import digests, finished, local_cluster, make_groups
from tests.helpers.commands import (
    ROOT,
    Command,
    clean_environment,
    complaint,
    json_of,
    run,
    succeeded,
)
from tests.helpers.waves import DAYS, INTERVAL, controller_environment, recorded

pytestmark = pytest.mark.timeout(300)
COUNT = 4
LITTLE = ("--max-bins", "300")
"""Enough to learn something from, and quick."""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """What the command takes of a few small groups."""
    folder = tmp_path_factory.mktemp("fleet") / "made"
    return (*make_groups(folder, COUNT, 4), *LITTLE)


@pytest.fixture(scope="module")
def trained(fleet: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The fleet's models, made in one process one after the other."""
    out = tmp_path_factory.mktemp("trained") / "out"
    done = run("train", *fleet, "--jobs", "1", "--out", out, "--json", seconds=250)
    assert json_of(done)["totals"]["trained"] == COUNT
    return out


def groups_file(folder: Path, groups: dict[str, Any], **defaults: Any) -> Path:
    path = folder / "groups.json"
    path.write_text(json.dumps({"defaults": defaults, "groups": groups}))
    return path


def random_walk() -> str:
    """Traffic of which the last value is the best forecast."""
    steps = np.random.default_rng(1).normal(0.0, 0.05, 600)
    walk = np.exp(8 + np.cumsum(steps)).round()
    return samples_to_csv(Samples.of(datetime(2026, 11, 1, tzinfo=UTC), 300, {"requests": walk}))


class TestWherever:
    def test_two_processes_make_the_same_bytes(
        self, fleet: tuple[str, ...], trained: Path, command: Command, tmp_path: Path
    ) -> None:
        done = command("train", *fleet, "--jobs", "2", "--out", tmp_path / "out")
        told = succeeded(done)
        assert digests(tmp_path / "out") == digests(trained)
        assert len(digests(trained)) == 2 * COUNT
        assert f"{COUNT} trained in " in told
        assert "a minute" in told
        assert f"{COUNT} of {COUNT}: " in done.stderr

    def test_a_cluster_makes_the_same_bytes(
        self, fleet: tuple[str, ...], trained: Path, command: Command, tmp_path: Path
    ) -> None:
        pytest.importorskip("distributed")
        with local_cluster(2) as address:
            done = command("train", *fleet, "--scheduler", address, "--out", tmp_path, "--json")
            # The scheduler knows that the work was done there.
            assert finished_tasks(address) >= COUNT
        assert json_of(done)["totals"]["trained"] == COUNT
        assert digests(tmp_path) == digests(trained)

    def test_the_files_are_models_and_the_report_has_them_all(self, trained: Path) -> None:
        with (trained / "summary.csv").open() as file:
            rows = list(csv.DictReader(file))
        page = (trained / "report.html").read_text()
        assert len(rows) == COUNT
        for row in rows:
            folder = trained / row["group"]
            found = load_model(
                (folder / "model.npz").read_bytes(), (folder / "model.json").read_text()
            )
            assert found.card.group == row["group"]
            assert found.card.boot_minutes == 4
            assert float(row["wape"]) == found.card.scores["forest"]["wape"]
            assert f'data-key="{row["group"]}"' in page
        assert "<svg" in page
        assert not (trained / ".in-use").exists()

    def test_a_scheduler_that_does_not_answer_is_told(
        self, fleet: tuple[str, ...], command: Command, tmp_path: Path
    ) -> None:
        done = command("train", *fleet, "--scheduler", "tcp://127.0.0.1:9", "--out", tmp_path)
        assert "no Dask scheduler answers there" in complaint(done)


def finished_tasks(address: str) -> int:
    from predictive_autoscaler.model.extras import distributed_module

    def count(dask_scheduler: Any) -> int:
        log = dask_scheduler.transition_log
        return sum(1 for entry in log if entry[1:3] == ("processing", "memory"))

    with distributed_module().Client(address) as client:
        return int(client.run_on_scheduler(count))


class TestEnded:
    def started(self, fleet: tuple[str, ...], out: Path) -> subprocess.Popen[str]:
        """A run in a session of its own, that has finished a group and not all of them."""
        process = subprocess.Popen(
            [sys.executable, "-m", "predictive_autoscaler", "train", *fleet, "--out", str(out)],
            cwd=ROOT,
            env=clean_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        limit = time.monotonic() + 100
        while finished(out) == 0 and process.poll() is None and time.monotonic() < limit:
            time.sleep(0.02)
        assert process.poll() is None, process.communicate()
        return process

    def test_killed_and_started_again_it_trains_only_the_rest(
        self, fleet: tuple[str, ...], trained: Path, command: Command, tmp_path: Path
    ) -> None:
        process = self.started((*fleet, "--jobs", "1"), tmp_path)
        process.kill()
        process.communicate()
        before = finished(tmp_path)
        assert 0 < before < COUNT
        totals = json_of(command("train", *fleet, "--jobs", "1", "--out", tmp_path, "--json"))[
            "totals"
        ]
        assert (totals["kept"], totals["trained"]) == (before, COUNT - before)
        assert digests(tmp_path) == digests(trained)
        again = command("train", *fleet, "--jobs", "1", "--out", tmp_path)
        assert f"{COUNT} of {COUNT} kept from an earlier run." in succeeded(again)

    def test_interrupted_it_ends_quietly_with_its_workers(self, tmp_path: Path) -> None:
        words = make_groups(tmp_path / "made", 30, 4)
        out = tmp_path / "out"
        process = self.started((*words, *LITTLE, "--jobs", "2"), out)
        # As a terminal does: to all of them.
        os.killpg(process.pid, signal.SIGINT)
        _, told = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "Traceback" not in told
        assert 0 < finished(out) < 30
        limit = time.monotonic() + 20
        while is_alive(process.pid) and time.monotonic() < limit:
            time.sleep(0.1)
        assert not is_alive(process.pid)

    def test_two_runs_do_not_write_to_one_folder(
        self, fleet: tuple[str, ...], command: Command, tmp_path: Path
    ) -> None:
        with sole_user_of(tmp_path):
            done = command("train", *fleet, "--out", tmp_path)
        assert "another run is writing to" in complaint(done, 2)


def is_alive(session: int) -> bool:
    """Whether any process of that session is left."""
    try:
        os.killpg(session, 0)
    except ProcessLookupError:
        return False
    return True


class TestTrouble:
    def test_failures_are_named_and_the_others_done(self, command: Command, tmp_path: Path) -> None:
        (tmp_path / "walk.csv").write_text(random_walk())
        (tmp_path / "a%2Fb.csv").write_text(random_walk())
        (tmp_path / "short.csv").write_text(
            "timestamp,requests\n2026-01-01,1\n2026-01-01 01:00,2\n"
        )
        (tmp_path / "strange.csv").write_text("when,what\n1,2\n")
        groups: dict[str, Any] = {
            name: {} for name in ("walk", "a/b", "short", "strange", "absent")
        }
        path = groups_file(
            tmp_path, {**groups, "wrong": {"boot_minutes": 99}, "lent": {"model": "walk"}}
        )
        words = ("train", "--groups", path, "--csv", tmp_path, *LITTLE, "--jobs", "1")
        out = tmp_path / "out"
        done = command(*words, "--out", out)
        assert "4 of 7 groups failed" in complaint(done)
        for name, reason in (
            ("short", "hours of request counts"),
            ("strange", "column 'timestamp' is missing"),
            ("absent", "there is no such file"),
            ("wrong", "AUTOSCALER_BOOT_MINUTES is '99'"),
        ):
            line = next(line for line in done.stderr.splitlines() if f"failed: {name}: " in line)
            assert reason in line
        assert "1 use another group's model." in done.stdout
        assert {path.parent.name for path in out.glob("*/model.npz")} == {"walk", "a%2Fb"}
        assert "there is no such file" in (out / "report.html").read_text()

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["--groups", "{file}"], "with --groups, give either --csv FOLDER or --from cloud"),
            (["--groups", "{file}", "--csv", "{file}"], "with --groups it takes a folder that"),
            (["--groups", "{file}", "--csv", "{none}"], "with --groups it takes a folder that"),
            (
                ["--groups", "{file}", "--csv", "{folder}", "--until", "yesterday"],
                "--until is 'yesterday'",
            ),
            (["--csv", "{folder}"], "a folder; that takes --groups FILE, too"),
            (["--csv", "{file}", "--scheduler", "tcp://h:1"], "--scheduler is for many groups"),
            (
                ["--groups", "{file}", "--csv", "{folder}", "--asg-name", "a"],
                "--asg-name and --groups exclude each other",
            ),
        ],
    )
    def test_what_does_not_fit_together_is_refused(
        self, command: Command, tmp_path: Path, words: list[str], message: str
    ) -> None:
        path = groups_file(tmp_path, {"a": {}})
        places = {"file": path, "folder": tmp_path, "none": tmp_path / "none"}
        done = command("train", *(word.format(**places) for word in words))
        assert message in complaint(done, 2)

    @pytest.mark.parametrize("words", [["--publish"], ["--from", "cloudwatch"]])
    def test_aws_needs_a_bucket(self, command: Command, tmp_path: Path, words: list[str]) -> None:
        origin = () if "--from" in words else ("--csv", tmp_path)
        path = groups_file(tmp_path, {"a": {}})
        done = command("train", "--groups", path, *origin, *words, "--out", tmp_path / "out")
        assert "S3_BUCKET is not set" in complaint(done, 2)

    def test_the_group_of_the_environment_is_not_meant(
        self, fleet: tuple[str, ...], trained: Path, command: Command
    ) -> None:
        done = command(
            *("train", *fleet, "--jobs", "1", "--out", trained, "--json"),
            env=clean_environment(ASG_NAME="another", LOAD_BALANCER="app/another/1"),
        )
        assert json_of(done)["totals"]["kept"] == COUNT


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    with local_aws(1, 60, 2) as aws:
        yield aws


class TestOnAws:
    def test_from_cloudwatch_to_the_bucket(
        self, aws: LocalAws, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        start = floor_to(datetime.now(UTC), INTERVAL) - timedelta(minutes=30)
        put_metrics(aws, aws.client("cloudwatch"), recorded(start))
        environment = clean_environment(**controller_environment(aws))
        path = groups_file(
            tmp_path, {"shop": {}, "empty": {"load_balancer": "app/empty/1", "target_group": None}}
        )
        words = ("train", "--groups", path, "--from", "cloudwatch", "--days", DAYS, *LITTLE)
        more = ("--until", utc_text(start), "--jobs", "1", "--publish", "--out", tmp_path / "out")
        done = command(*words, *more, "--json", env=environment)
        assert "1 of 2 groups failed" in complaint(done)
        shop, empty = json.loads(done.stdout)["groups"]
        assert "CloudWatch has no RequestCount of 'app/empty/1'" in empty["error"]
        assert (shop["error"], shop["published"]) == (None, shop["model_id"])
        for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, environment[name])
        monkeypatch.setenv("AWS_REGION", environment["AWS_REGION"])
        assert Clients().s3.list_objects_v2(Bucket=BUCKET, Prefix="models/shop/")["KeyCount"] == 2
        assert aws_models(BUCKET).load("shop").card.model_id == shop["model_id"]

    def test_what_is_no_better_than_the_baselines_ends_with_3(
        self, aws: LocalAws, command: Command, tmp_path: Path
    ) -> None:
        (tmp_path / "walk.csv").write_text(random_walk())
        path = groups_file(tmp_path, {"walk": {}})
        source = ("--groups", path, "--csv", tmp_path)
        words = ("train", *source, *LITTLE, "--jobs", "1", "--out", tmp_path / "out", "--json")
        environment = clean_environment(**aws.environment, S3_BUCKET=BUCKET)
        assert json_of(command(*words))["totals"]["better"] == 0
        refused = command(*words, "--publish", env=environment)
        assert "1 of 1 models are not better" in complaint(refused, 3)
        forced = json_of(command(*words, "--publish", "--force", env=environment))
        (walk,) = forced["groups"]
        assert (walk["state"], walk["published"]) == ("kept", walk["model_id"])
