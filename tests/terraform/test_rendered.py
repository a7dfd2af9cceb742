"""What a mocked apply of the whole module renders: user data, environment, policies, dashboard."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import tomllib
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from predictive_autoscaler.app import published_metrics
from predictive_autoscaler.app.settings import read_settings
from predictive_autoscaler.app.settings_table import SETTINGS
from predictive_autoscaler.core.timegrid import floor_to
from predictive_autoscaler.core.types import Samples
from predictive_autoscaler.demo.local_aws import (
    BUCKET,
    GROUP,
    LocalAws,
    local_aws,
    pointed_at,
    put_metrics,
)
from predictive_autoscaler.lambda_app import Application
from tests.helpers.recorded_calls import Recorder
from tests.helpers.shop import entry, world
from tests.helpers.terraform import State, actions, copied, listed, mocked, required
from tests.helpers.user_data import LIMIT_BYTES, UserData, user_data

pytestmark = pytest.mark.timeout(240)

OPERATIONS = tomllib.loads((Path(__file__).parent / "operations.toml").read_text())
KINDS = ("web", "worker")
SECRET_ATTRIBUTES = ("auth_token", "password", "private_key", "secret_binary", "secret_string")


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> dict[str, State]:
    """By name of the run: with everything switched on, and with as little as possible."""
    folder = tmp_path_factory.mktemp("rendered") / "terraform"
    return mocked(copied(folder).init("-backend=false"), "apply.tftest.hcl")


@pytest.fixture(scope="module")
def everything(states: dict[str, State]) -> State:
    return states["everything"]


@pytest.fixture(params=KINDS)
def instance(request: pytest.FixtureRequest, everything: State) -> UserData:
    return user_data(everything, request.param)


def variables_of(state: State) -> dict[str, str]:
    variables: dict[str, str] = state["aws_lambda_function.controller"]["environment"][0][
        "variables"
    ]
    return variables


class TestEnvironment:
    def test_its_keys_are_the_settings(self, states: dict[str, State]) -> None:
        """Three settings exclude each other, so it takes three applies to see them all."""
        given = set().union(*(variables_of(state) for state in states.values()))
        assert given == {setting.variable for setting in SETTINGS}

    @pytest.mark.parametrize("name", ["everything", "sparse", "quantile"])
    def test_the_package_takes_it(self, states: dict[str, State], name: str) -> None:
        settings = read_settings(variables_of(states[name]))
        assert settings.groups[0].mode == "observe"
        assert settings.groups[0].name == states[name].outputs["group_name"]

    def test_the_lines_for_a_shell_say_the_same(self, everything: State) -> None:
        done = subprocess.run(
            ["bash", "-c", f"{everything.outputs['environment_lines']}\nenv"],
            env={"PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=True,
        )
        told = dict(line.split("=", 1) for line in done.stdout.splitlines())
        assert {name: told.get(name) for name in variables_of(everything)} == (
            variables_of(everything)
        )
        assert told["AWS_REGION"] == "us-east-1"


class TestUserData:
    def test_it_fits(self, instance: UserData) -> None:
        assert instance.sent_bytes < LIMIT_BYTES

    def test_shellcheck_has_nothing_to_say(self, instance: UserData, tmp_path: Path) -> None:
        folder = instance.write(tmp_path)
        scripts = sorted(folder.glob("*.sh"))
        assert {"install.sh", "lib.sh", "start.sh"} <= {path.name for path in scripts}
        # What settings.env sets is used elsewhere (SC2034).
        for names, left_out in (
            (["settings.env"], "SC2034"),
            ([p.name for p in scripts], "SC1090"),
        ):
            done = subprocess.run(
                [required("shellcheck"), "--shell=bash", f"--exclude={left_out}", *names],
                cwd=folder,
                capture_output=True,
                text=True,
                check=False,
            )
            assert (done.returncode, done.stdout) == (0, "")

    def test_every_file_that_a_script_calls_is_there(self, instance: UserData) -> None:
        for name, content in instance.files.items():
            for called in re.findall(r"(?:\$shop|/srv/shop)/([\w.-]+)", content):
                made_by_install = called in {"rds-ca.pem"}
                missing_kind = called in {"release.sh"} and "/srv/shop/drain.sh" in instance.files
                assert f"/srv/shop/{called}" in instance.files or made_by_install or missing_kind, (
                    f"{name} calls {called}"
                )

    def test_the_containers_get_what_is_exported(self, instance: UserData) -> None:
        compose = yaml.safe_load(instance.files["/srv/shop/compose.yaml"])
        exported = set(
            re.findall(
                r"\b([A-Z][A-Z0-9_]+)\b",
                " ".join(re.findall(r"^  export (.*)$", instance.files["/srv/shop/lib.sh"], re.M)),
            )
        )
        for service in compose["services"].values():
            assert set(service["environment"]) == exported
            assert re.fullmatch(r"ghcr\.io/saleor/saleor@sha256:[0-9a-f]{64}", service["image"])

    def test_the_agents_configuration_is_json(self, instance: UserData) -> None:
        config = json.loads(instance.files["/srv/shop/cloudwatch-agent.json"])
        assert config["metrics"]["append_dimensions"] == {
            "AutoScalingGroupName": "${aws:AutoScalingGroupName}"
        }

    def test_what_the_units_say_goes_to_cloudwatch(self, instance: UserData) -> None:
        """The agent reads files, not the journal."""
        config = json.loads(instance.files["/srv/shop/cloudwatch-agent.json"])
        read = {
            row["file_path"] for row in config["logs"]["logs_collected"]["files"]["collect_list"]
        }
        units = {name: text for name, text in instance.files.items() if name.endswith(".service")}
        assert units
        for name, text in units.items():
            written = re.search(r"^StandardOutput=append:(.+)$", text, re.MULTILINE)
            assert written is not None, name
            assert written[1] in read, name

    def test_only_the_worker_knows_the_masters_secret(self, everything: State) -> None:
        assert "MASTER_SECRET_ARN" in user_data(everything, "worker").text
        assert (
            "MASTER_SECRET_ARN" not in user_data(everything, "web").files["/srv/shop/settings.env"]
        )


def test_no_attribute_of_the_state_holds_a_secret(everything: State) -> None:
    held = [
        f"{resource['address']}.{name}"
        for resource in everything.resources
        for name in SECRET_ATTRIBUTES
        if resource["mode"] == "managed" and resource["values"].get(name)
    ]
    assert held == []


class TestController:
    def test_it_may_do_exactly_what_the_code_calls(self, everything: State) -> None:
        recorded = operations_of_a_tick()
        assert recorded <= set(OPERATIONS["recorded"]) | set(OPERATIONS["hand_over"])
        assert recorded >= set(OPERATIONS["recorded"])
        needed = {
            action for table in OPERATIONS.values() for needs in table.values() for action in needs
        }
        assert actions(everything.policy("aws_iam_role_policy.controller")) == needed

    def test_stars_stand_only_where_there_is_no_resource(self, everything: State) -> None:
        free = [
            statement
            for statement in everything.policy("aws_iam_role_policy.controller")
            if "*" in listed(statement["Resource"])
        ]
        unlimited = actions([row for row in free if "Condition" not in row])
        assert unlimited == {
            "autoscaling:DescribeAutoScalingGroups",
            "cloudwatch:GetMetricData",
        }
        assert actions([row for row in free if "Condition" in row]) == {"cloudwatch:PutMetricData"}

    def test_it_publishes_where_the_policy_lets_it(self, everything: State) -> None:
        conditions = [
            statement["Condition"]
            for statement in everything.policy("aws_iam_role_policy.controller")
            if "Condition" in statement
        ]
        assert conditions == [
            {"StringEquals": {"cloudwatch:namespace": published_metrics.NAMESPACE}}
        ]

    @pytest.mark.parametrize("kind", KINDS)
    def test_no_instance_may_touch_the_group_or_other_secrets(
        self, everything: State, kind: str
    ) -> None:
        allowed = actions(everything.policy(f'aws_iam_role_policy.instances["{kind}"]'))
        assert not {action for action in allowed if action.endswith("*")}
        assert "autoscaling:SetDesiredCapacity" not in allowed
        assert ("secretsmanager:PutSecretValue" in allowed) == (kind == "worker")


def operations_of_a_tick() -> set[str]:
    """One tick of the handler that acts: without a model it also has something to tell people."""
    with local_aws(1, 10, 1) as aws, pytest.MonkeyPatch.context() as patch:
        topic = aws.client("sns").create_topic(Name="alarms")["TopicArn"]
        recorder = Recorder().install(patch)
        environment = dict(aws.environment) | {
            "ASG_NAME": GROUP,
            "LOAD_BALANCER": aws.load_balancer,
            "TARGET_GROUP": aws.target_group,
            "S3_BUCKET": BUCKET,
            "SNS_TOPIC_ARN": topic,
            "AUTOSCALER_MODE": "full",
            "AUTOSCALER_METRIC_DELAY_SECONDS": "0",
            "AUTOSCALER_METRIC_PERIOD_SECONDS": "300",
            "AUTOSCALER_CAPACITY_PER_INSTANCE": "1000",
            "AUTOSCALER_HISTORY_DAYS": "9",
        }
        busy(aws)
        with pointed_at(aws.environment):
            Application(environment, log=lambda line: None).handle({})
    return recorder.operations


def busy(aws: LocalAws) -> None:
    """Half an hour of more traffic than one instance carries."""
    bins = 6
    start = floor_to(datetime.now(UTC), timedelta(minutes=5)) - bins * timedelta(minutes=5)
    full = np.full(bins, 4500.0)
    columns = {"requests": full, "cpu_percent": full / 90, "in_service": full / 4500}
    put_metrics(aws, aws.client("cloudwatch"), Samples.of(start, 300, columns))


class TestSeeing:
    def test_every_alarm_tells_the_topic_when_it_comes_and_goes(self, everything: State) -> None:
        topic = [everything["aws_sns_topic.alarms"]["arn"]]
        alarms = dict(everything.of_type("aws_cloudwatch_metric_alarm"))
        assert len(alarms) >= 15
        for values in alarms.values():
            assert values["alarm_actions"] == values["ok_actions"] == topic
            assert values["alarm_description"]

    def test_silence_is_an_alarm(self, everything: State) -> None:
        alarm = everything['aws_cloudwatch_metric_alarm.this["no-decision"]']
        assert alarm["treat_missing_data"] == "breaching"
        assert alarm["period"] * alarm["evaluation_periods"] == 900

    def test_our_metrics_are_ones_that_are_published(self, everything: State) -> None:
        published = set(re.findall(r"\b([A-Z]\w+)=", inspect.getsource(published_metrics)))
        shown = {
            series[1]
            for widget in self.widgets(everything)
            if widget["type"] == "metric"
            for series in widget["properties"]["metrics"]
            if series[0] == published_metrics.NAMESPACE
        }
        watched = {
            values["metric_name"]
            for _, values in everything.of_type("aws_cloudwatch_metric_alarm")
            if values["namespace"] == published_metrics.NAMESPACE
        }
        assert len(shown) >= 9
        assert watched | shown <= published

    def test_the_dashboard_begins_with_whether_the_shop_is_well(self, everything: State) -> None:
        dashboard = everything["aws_cloudwatch_dashboard.this"]
        assert dashboard["dashboard_name"] == "saleor-predictive-scaling-dashboard"
        headings = [
            widget["properties"]["markdown"]
            for widget in sorted(self.widgets(everything), key=lambda widget: int(widget["y"]))
            if widget["type"] == "text"
        ]
        assert headings[0] == "## Is the shop well?"
        assert headings[1].startswith("## Forecast")
        assert headings[2].startswith("## Capacity")

    def test_the_log_of_decisions_is_read_as_it_is_written(self, everything: State) -> None:
        (panel,) = (widget for widget in self.widgets(everything) if widget["type"] == "log")
        query = panel["properties"]["query"]
        rehearsed = world()
        (record,) = rehearsed.run(1)
        (line,) = rehearsed.lines
        assert record["status"] == "completed"
        patterns = re.findall(r"parse @message '([^']+)' as (\w+)", query)
        read = {}
        for pattern, name in patterns:
            found = re.search(re.escape(pattern).replace(r"\*", "(.*?)"), line)
            assert found is not None, pattern
            read[name] = found[1]
        decision = entry(record)["decision"]
        assert int(read["wish"]) == decision["wish_instances"]
        assert int(read["after"]) == decision["after_instances"]
        assert json.loads(read["model"]) == decision["model_id"]
        assert json.loads(f"[{read['held_by']}]") == decision["reasons"]

    def test_no_panel_covers_another(self, everything: State) -> None:
        for one, other in combinations(self.widgets(everything), 2):
            apart = (
                one["x"] + one["width"] <= other["x"]
                or other["x"] + other["width"] <= one["x"]
                or one["y"] + one["height"] <= other["y"]
                or other["y"] + other["height"] <= one["y"]
            )
            assert apart, (one, other)
            assert one["x"] + one["width"] <= 24

    @staticmethod
    def widgets(state: State) -> list[dict[str, Any]]:
        body = json.loads(state["aws_cloudwatch_dashboard.this"]["dashboard_body"])
        widgets: list[dict[str, Any]] = body["widgets"]
        return widgets
