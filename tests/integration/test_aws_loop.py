"""The whole road against a simulated AWS: train, publish, tick by tick through the handler.

A moto server stands for AWS; the metrics end at the present, since `decide` and `explain`
look at the clock. The handler is called for slots a little ahead of it.
"""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from predictive_autoscaler.adapters.aws.clients import Clients
from predictive_autoscaler.adapters.memory import FixedClock
from predictive_autoscaler.core.csv_text import samples_to_csv
from predictive_autoscaler.core.timegrid import floor_to
from predictive_autoscaler.core.types import Json, Samples, utc_from_text, utc_text
from predictive_autoscaler.demo.local_aws import (
    BUCKET,
    GROUP,
    LocalAws,
    local_aws,
    pointed_at,
    put_metrics,
)
from predictive_autoscaler.lambda_app import Application
from predictive_autoscaler.model.recorded import read_recording
from tests.helpers.commands import (
    TRAINING_SCRIPT,
    Command,
    call,
    clean_environment,
    complaint,
    json_of,
    run,
    succeeded,
)
from tests.helpers.waves import DAYS, INTERVAL, controller_environment, recorded

TICKS = 4
LITTLE = ("--max-bins", "300")
"""Enough to learn something from, and quick."""


@dataclass
class Calls:
    """What is asked of AWS in this process, as (operation, HTTP status, S3 key or "")."""

    made: list[tuple[str, int, str]] = field(default_factory=list)

    def note(self, http_response: Any, model: Any, context: Any, **_: Any) -> None:
        key = context.get("input_params", {}).get("Key", "") if context else ""
        self.made.append((model.name, http_response.status_code, key))

    def taken(self) -> list[tuple[str, int, str]]:
        """Those since the last time."""
        made, self.made = self.made, []
        return made


@dataclass
class Rehearsal:
    """What was done once, for the tests to look at.

    Attributes:
        start: a full interval; recorded metrics go up to there and two hours beyond.
        first_slot: of the handler's ticks.
        records, calls, lines: of the ticks, the same index.
        repeated: the answer to a second call for the last slot, and its calls.
        cold: the record of one more tick by a new application, and its calls.
    """

    aws: LocalAws
    environment: dict[str, str]
    model_folder: Path
    start: datetime
    trained: Json
    records: list[Json] = field(default_factory=list)
    calls: list[list[tuple[str, int, str]]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    desired: list[int] = field(default_factory=list)
    repeated: tuple[Json, list[tuple[str, int, str]]] = field(default_factory=lambda: ({}, []))
    cold: tuple[Json, list[tuple[str, int, str]]] = field(default_factory=lambda: ({}, []))

    @property
    def first_slot(self) -> datetime:
        return self.start + timedelta(hours=1)

    def slot(self, tick: int) -> datetime:
        return self.first_slot + tick * INTERVAL

    def variables(self, **variables: str) -> dict[str, str]:
        """The Lambda's environment, and what is given laid over it."""
        return clean_environment(**self.environment | variables)

    def object(self, key: str) -> bytes:
        answer = self.aws.client("s3").get_object(Bucket=BUCKET, Key=key)
        content: bytes = answer["Body"].read()
        return content

    def record(self, slot: datetime) -> Json:
        content: Json = json.loads(self.object(f"decisions/{slot:%Y-%m-%dT%H-%M-%SZ}.json"))
        return content

    def keys(self, prefix: str) -> list[str]:
        found = self.aws.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix)
        return [item["Key"] for item in found.get("Contents", ())]

    def capacity(self) -> int:
        groups = self.aws.client("autoscaling").describe_auto_scaling_groups(
            AutoScalingGroupNames=[GROUP]
        )
        desired: int = groups["AutoScalingGroups"][0]["DesiredCapacity"]
        return desired

    def metric(self, name: str, start: datetime, end: datetime) -> dict[datetime, float]:
        """A custom metric's values by time."""
        answer = self.aws.client("cloudwatch").get_metric_data(
            MetricDataQueries=[
                {
                    "Id": "m",
                    "MetricStat": {
                        "Metric": {
                            "Namespace": "SaleorPredictiveScaling",
                            "MetricName": name,
                            "Dimensions": [{"Name": "AutoScalingGroupName", "Value": GROUP}],
                        },
                        "Period": 60,
                        "Stat": "Average",
                    },
                }
            ],
            StartTime=start,
            EndTime=end,
        )["MetricDataResults"][0]
        return dict(zip(answer["Timestamps"], answer["Values"], strict=True))


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """One shop, trained on and scaled for a few ticks."""
    start = floor_to(datetime.now(UTC), INTERVAL)
    folder = tmp_path_factory.mktemp("model")
    with local_aws(1, 60, 2) as aws, pytest.MonkeyPatch.context() as patch:
        put_metrics(aws, aws.client("cloudwatch"), recorded(start))
        environment = controller_environment(aws)
        training = run(
            *("--from", "cloudwatch", "--days", DAYS, "--until", utc_text(start), *LITTLE),
            *("--out", folder, "--publish", "--json"),
            script=TRAINING_SCRIPT,
            env=clean_environment(**environment),
        )
        made = Rehearsal(aws, environment, folder, start, json_of(training))
        succeeded(run("mode", "full", "--yes", env=made.variables()))
        calls = watched(patch)
        with pointed_at(aws.environment):
            tick_by_tick(made, calls)
        yield made


@pytest.fixture
def command(rehearsal: Rehearsal, capfd: pytest.CaptureFixture[str]) -> Command:
    """A command with the Lambda's environment, in this process."""

    def with_environment(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
        with pytest.MonkeyPatch.context() as patch:
            return call(capfd, patch, *arguments, env=rehearsal.variables(**variables))

    return with_environment


def watched(patch: pytest.MonkeyPatch) -> Calls:
    """Have every client that is made from now on tell what it does."""
    calls = Calls()
    make = Clients._make

    def watching(self: Clients, service: str) -> Any:
        client = make(self, service)
        client.meta.events.register("provide-client-params.*", remember_parameters)
        client.meta.events.register("after-call.*", calls.note)
        return client

    patch.setattr(Clients, "_make", watching)
    return calls


def remember_parameters(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    context["input_params"] = dict(params)


def tick_by_tick(made: Rehearsal, calls: Calls) -> None:
    clock = FixedClock(made.first_slot)
    application = Application(made.environment, clock, made.lines.append)

    def handle(tick: int, application: Application) -> Json:
        clock.set(made.slot(tick) + timedelta(minutes=2))
        return application.handle({"time": utc_text(clock.now()), "source": "aws.events"})

    for tick in range(TICKS):
        made.records.append(handle(tick, application))
        made.calls.append(calls.taken())
        made.desired.append(made.capacity())
    made.repeated = handle(TICKS - 1, application), calls.taken()
    made.cold = (
        handle(TICKS, Application(made.environment, clock, made.lines.append)),
        calls.taken(),
    )


def count(calls: list[tuple[str, int, str]]) -> Counter[str]:
    return Counter(name for name, _, _ in calls)


class TestTraining:
    def test_the_script_publishes_what_it_wrote(self, rehearsal: Rehearsal) -> None:
        version = rehearsal.trained["model_id"]
        assert rehearsal.trained["published"] == version
        assert rehearsal.trained["better_than_baselines"] is True
        latest = json.loads(rehearsal.object(f"published/{GROUP}.json"))
        assert latest == {"version": version}
        for name in ("model.npz", "model.json"):
            published = rehearsal.object(f"models/{GROUP}/{version}/{name}")
            assert published == (rehearsal.model_folder / name).read_bytes()

    def test_it_learned_from_every_metric(self, rehearsal: Rehearsal) -> None:
        card = json.loads((rehearsal.model_folder / "model.json").read_text())
        assert card["group"] == GROUP
        assert utc_from_text(card["trained_until"]) == rehearsal.start - INTERVAL
        assert {"cpu_utilization", "response_time", "requests_lag_0"} <= set(card["feature_names"])

    def test_finished_days_are_kept_for_the_next_time(self, rehearsal: Rehearsal) -> None:
        finished = [
            (rehearsal.start - timedelta(days=days)).date().isoformat()
            for days in range(DAYS - 1, 0, -1)
        ]
        # A tick after midnight keeps the day of the training as well.
        today = f"history/{GROUP}/{rehearsal.start:%Y-%m-%d}.csv.gz"
        kept = [key for key in rehearsal.keys(f"history/{GROUP}/") if key < today]
        assert [f"history/{GROUP}/{day}.csv.gz" for day in finished] == kept[-len(finished) :]


class TestTicks:
    def test_the_forest_decides_and_the_group_follows(self, rehearsal: Rehearsal) -> None:
        assert [record["status"] for record in rehearsal.records] == ["completed"] * TICKS
        for record, desired in zip(rehearsal.records, rehearsal.desired, strict=True):
            decision = record["groups"][GROUP]["decision"]
            assert decision["rung"] == "forest"
            assert decision["model_id"] == rehearsal.trained["model_id"]
            assert decision["faults"] == []
            assert desired == decision["after_instances"]
        first = rehearsal.records[0]["groups"][GROUP]
        assert first["decision"]["before_instances"] == 2
        assert first["outcome"] == {"status": "applied", "instances": rehearsal.desired[0]}
        assert rehearsal.desired[0] > 2

    def test_it_saw_the_newest_bin(self, rehearsal: Rehearsal) -> None:
        known = recorded(rehearsal.start)
        for tick, record in enumerate(rehearsal.records):
            index = (rehearsal.slot(tick) - known.start) // INTERVAL - 1
            decision = record["groups"][GROUP]["decision"]
            assert decision["present_demand_requests"] == known.requests[index]

    def test_each_record_is_in_s3_and_a_line_of_the_log(self, rehearsal: Rehearsal) -> None:
        for tick, record in enumerate(rehearsal.records):
            assert rehearsal.record(rehearsal.slot(tick)) == record
            assert json.loads(rehearsal.lines[tick]) == record

    def test_a_warm_tick_is_one_read_of_metrics_and_few_calls_else(
        self, rehearsal: Rehearsal
    ) -> None:
        for tick in range(1, TICKS):
            made = count(rehearsal.calls[tick])
            assert made["GetMetricData"] == 1
            assert made["PutMetricData"] == 1
            assert made["PutObject"] == 2  # the claim, and the completed record
            changed = rehearsal.desired[tick] != rehearsal.desired[tick - 1]
            assert made["SetDesiredCapacity"] == int(changed)
            assert made["DescribeAutoScalingGroups"] == 1 + int(changed)
            assert made["GetObject"] == 1  # the record before
            assert made["ListObjectsV2"] == 2  # what operators have said, published models
            assert made["DescribePolicies"] == 1
            assert sum(made.values()) == 9 + 2 * int(changed)

    def test_the_model_is_fetched_once_and_then_only_asked_for(self, rehearsal: Rehearsal) -> None:
        def fetched(tick: int, ending: str) -> list[int]:
            return [
                status
                for name, status, key in rehearsal.calls[tick]
                if name == "GetObject" and key.endswith(ending)
            ]

        pointer = f"published/{GROUP}.json"
        assert fetched(0, pointer) == fetched(0, "model.npz") == [200]
        for tick in range(1, TICKS):
            assert fetched(tick, pointer) == []
            assert fetched(tick, "model.npz") == fetched(tick, "model.json") == []

    def test_a_second_call_for_a_slot_does_nothing(self, rehearsal: Rehearsal) -> None:
        answer, calls = rehearsal.repeated
        last = rehearsal.slot(TICKS - 1)
        assert answer == {"status": "taken", "slot": utc_text(last)}
        made = count(calls)
        assert made["SetDesiredCapacity"] == made["PutMetricData"] == 0
        assert [status for name, status, _ in calls if name == "PutObject"] == [412]
        assert rehearsal.record(last) == rehearsal.records[-1]

    def test_a_cold_start_carries_on(self, rehearsal: Rehearsal) -> None:
        record, calls = rehearsal.cold
        entry = record["groups"][GROUP]
        assert entry["decision"]["rung"] == "forest"
        assert entry["decision"]["before_instances"] == rehearsal.desired[-1]
        assert len(entry["state"]["wishes"]) >= TICKS
        assert count(calls)["SetDesiredCapacity"] <= 1

    def test_custom_metrics_are_in_their_namespace(self, rehearsal: Rehearsal) -> None:
        until = rehearsal.slot(TICKS + 6)
        found = partial(rehearsal.metric, start=rehearsal.slot(-3), end=until)
        ticks = [rehearsal.slot(tick) + timedelta(minutes=2) for tick in range(TICKS)]
        desired = found("DesiredCapacity")
        assert [desired[moment] for moment in ticks] == rehearsal.desired
        assert set(found("ModeState").values()) == {2.0}
        assert set(found("ModelState").values()) == set(found("DataState").values()) == {0.0}
        demand = found("ActualDemand")
        low, middle, high = (found(f"Forecast{name}") for name in ("Lower", "Median", "Upper"))
        # Two bins after the newest one come the forecasts: ahead of the demand that is known.
        assert max(middle) > max(demand)
        for moment in middle:
            assert low[moment] <= middle[moment] <= high[moment]
        names = rehearsal.aws.client("cloudwatch").list_metrics(
            Namespace="SaleorPredictiveScaling"
        )["Metrics"]
        assert {"WantedCapacity", "InServiceCapacity", "ForecastError", "ForecastCoverage"} <= {
            metric["MetricName"] for metric in names
        }


class TestCommands:
    def test_decide_rehearses_and_then_applies(
        self, rehearsal: Rehearsal, command: Command
    ) -> None:
        before = rehearsal.capacity()
        slots = set(rehearsal.keys("decisions/"))
        rehearsed = json_of(command("decide", "--json"))
        assert rehearsed["status"] == "dry run"
        assert set(rehearsal.keys("decisions/")) == slots
        assert rehearsal.capacity() == before
        applied = json_of(run("decide", "--apply", "--json", env=rehearsal.variables()))
        assert applied["status"] == "completed"
        assert rehearsal.record(utc_from_text(applied["slot"])) == applied
        decision = applied["groups"][GROUP]["decision"]
        assert rehearsal.capacity() == decision["after_instances"]

    def test_decide_with_flags_for_what_the_environment_lacks(
        self, rehearsal: Rehearsal, command: Command
    ) -> None:
        flags = ("--asg-name", "nobody", "--load-balancer", rehearsal.aws.load_balancer)
        done = command("decide", *flags, "--bucket", BUCKET, "--region", "eu-central-1")
        assert complaint(done) == "nobody: there is no group 'nobody'"
        assert "No decision: there is no group 'nobody'." in done.stdout

    def test_explain_shows_the_newest_decision(
        self, rehearsal: Rehearsal, command: Command
    ) -> None:
        done = command("explain", "--json")
        told = json_of(done)
        assert told.pop("explanations").keys() == told["groups"].keys()
        assert told == rehearsal.cold[0]

    def test_explain_finds_a_given_one(self, rehearsal: Rehearsal, command: Command) -> None:
        told = succeeded(command("explain", utc_text(rehearsal.slot(0))))
        assert f"Scale out from 2 to {rehearsal.desired[0]}" in told
        assert rehearsal.trained["model_id"] in told

    def test_explain_says_what_it_did_not_find(
        self, rehearsal: Rehearsal, command: Command
    ) -> None:
        message = complaint(command("explain", "2020-01-01T00:00:00Z"))
        assert message == (
            f"there is no decision for 2020-01-01T00:00:00Z in bucket '{BUCKET}' "
            "(a dry run leaves no record)"
        )

    def test_collect_then_train_from_the_file(
        self, rehearsal: Rehearsal, command: Command, tmp_path: Path
    ) -> None:
        """What comes out of CloudWatch, through a file, is what was put in."""
        path = tmp_path / "deep" / "metrics.csv"
        facts = json_of(command("collect", "--days", DAYS, "--out", path, "--json"))
        collected, truth = read_recording(path).samples, recorded(rehearsal.start)
        common = collected.between(truth.start, utc_from_text(facts["until"]))
        expected = truth.between(common.start, common.end)
        assert len(common) >= DAYS * 288 - 2
        assert facts["bins"] == len(collected)
        for name in truth.columns():
            np.testing.assert_allclose(common.column(name), expected.column(name), rtol=1e-12)
        trained = json_of(
            command("train", "--csv", path, "--out", tmp_path / "model", *LITTLE, "--json")
        )
        assert trained["source"] == str(path)
        assert trained["better_than_baselines"] is True

    @pytest.mark.parametrize("arguments", [["train", "--from", "cloudwatch"], ["collect"]])
    def test_a_load_balancer_without_metrics_is_a_clear_error(
        self, rehearsal: Rehearsal, command: Command, tmp_path: Path, arguments: list[str]
    ) -> None:
        done = command(
            *(*arguments, "--days", "2", "--out", tmp_path / "out"),
            ASG_NAME="empty",
            LOAD_BALANCER="app/empty/1",
        )
        message = complaint(done)
        assert message.startswith(
            "CloudWatch has no RequestCount of 'app/empty/1' in the last 2 days (looked from "
        )
        assert "check LOAD_BALANCER, AWS_REGION" in message
        assert list(tmp_path.iterdir()) == []
        assert rehearsal.keys("history/empty") == []

    def test_a_bucket_that_does_not_exist(self, rehearsal: Rehearsal, command: Command) -> None:
        message = complaint(command("explain", S3_BUCKET="elsewhere"))
        assert "NoSuchBucket" in message
        assert "check S3_BUCKET and AWS_REGION" in message

    def test_a_model_without_skill_is_published_only_by_force(
        self, rehearsal: Rehearsal, command: Command, tmp_path: Path
    ) -> None:
        """A random walk, of which the last value is the best forecast."""
        steps = np.random.default_rng(1).normal(0.0, 0.05, 600)
        walk = np.exp(8 + np.cumsum(steps)).round()
        path = tmp_path / "walk.csv"
        start = datetime(2026, 11, 1, tzinfo=UTC)
        path.write_text(samples_to_csv(Samples.of(start, 300, {"requests": walk})))
        arguments = ("train", "--csv", path, "--out", tmp_path, *LITTLE, "--publish", "--json")
        refused = command(*arguments, ASG_NAME="walk")
        message = complaint(refused, 3)
        assert "not better than the baselines" in message
        facts = json.loads(refused.stdout)
        assert facts["better_than_baselines"] is False
        assert facts["published"] is None
        assert rehearsal.keys("models/walk/") == []
        forced = json_of(command(*arguments, "--force", ASG_NAME="walk"))
        assert forced["published"] == forced["model_id"]
        assert f"models/walk/{forced['published']}/model.npz" in rehearsal.keys("models/walk/")


class TestEvents:
    """What the handler makes of odd events; nothing of AWS is needed for that."""

    def test_an_old_event_is_refused_before_anything_is_asked(self, rehearsal: Rehearsal) -> None:
        clock = FixedClock(rehearsal.slot(20))
        lines: list[str] = []
        application = Application(rehearsal.environment, clock, lines.append)
        with pointed_at(rehearsal.aws.environment):
            answer = application.handle({"time": utc_text(rehearsal.slot(18))})
        assert answer["status"] == "refused"
        assert [json.loads(line) for line in lines] == [answer]
        assert f"decisions/{rehearsal.slot(18):%Y-%m-%dT%H-%M-%SZ}.json" not in rehearsal.keys(
            "decisions/"
        )

    def test_a_dry_run_by_event(self, rehearsal: Rehearsal) -> None:
        clock = FixedClock(rehearsal.slot(8) + timedelta(minutes=2))
        application = Application(rehearsal.environment, clock, lambda line: None)
        slots = rehearsal.keys("decisions/")
        with pointed_at(rehearsal.aws.environment):
            answer = application.handle({"dry_run": True})
        assert answer["status"] == "dry run"
        assert rehearsal.keys("decisions/") == slots
