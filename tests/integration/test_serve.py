"""`serve` by its command line: wrong options, and a group in a simulated AWS, well and unwell."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from predictive_autoscaler.adapters.memory import FixedClock
from predictive_autoscaler.backtest.world import Instances, recorded_under
from predictive_autoscaler.core.parameters import ControlParameters
from predictive_autoscaler.core.timegrid import floor_to
from predictive_autoscaler.core.types import Json, utc_text
from predictive_autoscaler.core.workloads import recorded_shop
from predictive_autoscaler.demo.local_aws import (
    BUCKET,
    GROUP,
    LocalAws,
    local_aws,
    pointed_at,
    put_metrics,
)
from predictive_autoscaler.lambda_app import Application
from predictive_autoscaler.model.fit import ForestOptions
from predictive_autoscaler.model.train import TrainOptions, train
from predictive_autoscaler.web.desk import Desk
from predictive_autoscaler.wiring import aws_lookout, aws_models
from tests.helpers.commands import ROOT, Command, clean_environment, complaint
from tests.helpers.faulty_line import State, faulty_line
from tests.helpers.waves import CAPACITY, INTERVAL, controller_environment
from tests.integration.test_monitor import ACTIONS, asked

TICKS = 3
DAYS = 14
CALLS = (
    "DescribeAutoScalingGroups",
    "DescribeAlarms",
    "GetMetricData",
    "ListObjectsV2",
    "GetObject",
)


class TestOptions:
    @pytest.mark.parametrize(
        ("arguments", "wrong"),
        [
            (("--port", "65536"), "--port is 65536; allowed is 0 to 65535"),
            (("--port", "-1"), "--port is -1; allowed is 0 to 65535"),
            (("--days", "15"), "--days is 15; allowed is 1 to 14"),
            (("--refresh-interval", "0"), "--refresh-interval is 0; allowed is 1 to 3600"),
            (("--refresh-interval", "99999999"), "--refresh-interval is 99999999; allowed"),
            (("--host", "0.0.0.0"), "--host"),
        ],
    )
    def test_wrong_ones_are_refused(
        self, command: Command, arguments: tuple[str, ...], wrong: str
    ) -> None:
        done = command("serve", *arguments)
        assert done.returncode == 2
        assert wrong in done.stderr

    def test_a_setting_that_is_missing(self, command: Command) -> None:
        assert "ASG_NAME is not set" in complaint(command("serve"), 2)

    def test_a_port_that_is_taken(self, command: Command) -> None:
        variables = {"ASG_NAME": "web", "LOAD_BALANCER": "app/web/1", "S3_BUCKET": "b"}
        environment = clean_environment(AWS_REGION="eu-central-1", **variables)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            done = command("serve", "--port", port, env=environment)
        assert f"--port is {port}: Address already in use" in complaint(done, code=2)


@dataclass(frozen=True)
class Group:
    """A group in the local AWS, with the demonstration's traffic up to now."""

    aws: LocalAws
    environment: Mapping[str, str]
    newest: datetime
    records: list[Json]


@pytest.fixture(scope="module")
def group() -> Iterator[Group]:
    newest = floor_to(datetime.now(UTC), INTERVAL)
    demand = recorded_shop(newest - timedelta(days=DAYS), DAYS + 1, 1, ())
    demand = demand.between(demand.start, newest + timedelta(hours=1))
    served = np.ceil(1.2 * demand.requests / CAPACITY)
    with local_aws(1, 60, int(served[-1])) as aws:
        past = recorded_under(demand, served, Instances(CAPACITY))
        put_metrics(aws, aws.client("cloudwatch"), past)
        variables = controller_environment(aws)
        clock, records = FixedClock(newest), []
        options = TrainOptions(
            group=GROUP,
            parameters=ControlParameters().features,
            max_bins=3000,
            forest=ForestOptions(trees=12),
        )
        trained = train(past.between(past.start, newest - timedelta(hours=2)), options)
        assert trained.card.skilled
        with pointed_at(aws.environment):
            card = trained.card
            aws_models(BUCKET).publish(GROUP, trained.npz, card.to_json(), card.model_id)
            application = Application(dict(variables), clock, lambda line: None)
            for back in reversed(range(TICKS)):
                clock.set(newest - back * INTERVAL + timedelta(minutes=2))
                records.append(application.handle({"time": utc_text(clock.now())}))
        yield Group(aws, clean_environment(**variables), newest, records)


@contextmanager
def serving(environment: Mapping[str, str], *options: str) -> Iterator[tuple[str, Any]]:
    """The page's address and its process, which is ended as a service manager would."""
    program = [sys.executable, "-m", "predictive_autoscaler", "serve", "--port", "0"]
    running = subprocess.Popen(
        [*program, "--refresh-interval", "1", *options],
        cwd=ROOT,
        env={**environment, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    try:
        line = running.stdout.readline()
        found = re.match(r"(http://127\.0\.0\.1:\d+/) ", line)
        assert found, (line, running.stderr and running.stderr.read())
        yield found[1], running
    finally:
        running.terminate()
        _, complaints = running.communicate(timeout=60)
    assert "Traceback" not in complaints


def fetched(address: str, path: str) -> Any:
    with urllib.request.urlopen(address + path, timeout=30) as answer:
        return json.load(answer)


def once(address: str, fits: Callable[[Any], bool], seconds: float = 90) -> Any:
    """The facts, as soon as they are so."""
    limit = time.monotonic() + seconds
    while not fits(found := fetched(address, "api/now")):
        assert time.monotonic() < limit, found
        time.sleep(0.2)
    return found


@pytest.mark.slow
class TestAgainstMoto:
    def test_the_facts_of_the_group(self, group: Group) -> None:
        with serving(group.environment, "--no-what-if") as (address, running):
            words = once(address, lambda one: one["version"] and not one["progress"])
            assert words["group"] == GROUP
            assert words["decisions"][0]["slot"] == utc_text(group.newest)
            curves = fetched(address, "api/series")["curves"]
            assert curves["bins"] == DAYS * 288
            assert len(curves["recorded"]) == TICKS
            known = [value for value in curves["demand"] if value is not None]
            assert len(known) > 0.99 * DAYS * 288
            assert [piece["rung"] for piece in curves["ahead"]] == ["forest", "seasonal"]
            assert sum(len(piece["median"]) for piece in curves["ahead"]) == 288
            found = fetched(address, f"api/decisions/{utc_text(group.newest)}")
            decision = group.records[-1]["groups"][GROUP]["decision"]
            assert found["to"] == decision["after_instances"]
            assert "switched off" in fetched(address, "api/what-if")["error"]
            for method, host, status in (
                ("POST", None, 405),
                ("DELETE", None, 405),
                ("GET", "evil.example", 421),
            ):
                assert refused(address, method, host) == status
            assert not reached_from_outside(address)
            running.send_signal(signal.SIGINT)
            assert running.wait(timeout=30) == 130

    def test_throttled_then_cut_then_well_again(self, group: Group) -> None:
        with faulty_line(group.aws.endpoint) as line:
            environment = {**group.environment, "AWS_ENDPOINT_URL": line.address}
            with serving(environment, "--no-what-if", "--days", "1") as (address, _):
                good = once(address, lambda one: one["version"] and not one["notices"])
                line.state = State.THROTTLED
                throttled = once(address, lambda one: "Rate exceeded" in str(one["notices"]))
                assert throttled["tiles"][0] == good["tiles"][0]
                assert "What is shown is" in str(throttled["notices"])
                line.state = State.CUT
                once(address, lambda one: "check the network" in str(one["notices"]))
                assert fetched(address, "api/series")["curves"]["bins"] == 288
                line.state = State.OPEN
                once(address, lambda one: one["notices"] == [], seconds=150)

    def test_nothing_is_changed(self, group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
        """And nothing is asked for that the role of docs/monitor.md may not."""
        for name, text in group.environment.items():
            monkeypatch.setenv(name, text)
        made = asked(monkeypatch)
        lookout = aws_lookout(group.environment, DAYS)
        desk = Desk(lookout.watch, lookout.decisions, lookout.settings, DAYS, None)
        desk.look()
        desk.look_back()
        desk.decision(group.newest)
        assert desk.now()["notices"] == []
        assert made.keys() == ACTIONS.keys()


def refused(address: str, method: str, host: str | None) -> int:
    request = urllib.request.Request(address, method=method, headers={"Host": host} if host else {})
    with pytest.raises(urllib.error.HTTPError) as found:
        urllib.request.urlopen(request, timeout=10)
    return found.value.code


def reached_from_outside(address: str) -> bool:
    """Whether it listens on an address that is not the loopback one it names."""
    port = int(address.rstrip("/").rpartition(":")[2])
    with socket.socket() as other:
        other.settimeout(2)
        # On Linux all of 127.0.0.0/8 is this machine: a server on every address answers here.
        return other.connect_ex(("127.0.0.2", port)) == 0
