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

from predictive_autoscaler.adapters.memory import FixedClock
from predictive_autoscaler.app import published_metrics
from predictive_autoscaler.app.control import WHOLE_RECORDS_UP_TO
from predictive_autoscaler.app.settings import Settings, read_settings
from predictive_autoscaler.app.settings_table import (
    BASIC_METRICS_UP_TO,
    FULL_METRICS_UP_TO,
    SETTINGS,
)
from predictive_autoscaler.app.tick import GroupTick, Tick
from predictive_autoscaler.core.spending import Prices
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
from predictive_autoscaler.errors import SettingsError
from predictive_autoscaler.lambda_app import Application
from tests.helpers.documents import runbook_entries
from tests.helpers.recorded_calls import Recorder
from tests.helpers.shop import FIRST_TICK, entry, settings, world
from tests.helpers.terraform import SOURCE, State, actions, copied, listed, mocked, required
from tests.helpers.user_data import LIMIT_BYTES, UserData, user_data

pytestmark = pytest.mark.timeout(240)

OPERATIONS = tomllib.loads((Path(__file__).parent / "operations.toml").read_text())
KINDS = ("web", "worker")
TICK = Tick(FIRST_TICK, FIRST_TICK, [GroupTick(settings("a")), GroupTick(settings("b"))])
TICK_METRICS = {value.name for value in published_metrics.tick_values(TICK)}
INLINE_POLICIES_CHARACTERS = 10_240
"""What AWS lets all inline policies of a role have together, white space aside."""
VARIABLES = (SOURCE / "variables.tf").read_text()
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


def settings_of(state: State) -> Settings:
    """As the function would read them, its list of groups included."""
    return read_settings(variables_of(state), lambda address: groups_at(state, address))


def groups_at(state: State, address: str) -> str:
    """The object behind an s3:// address."""
    made = state["aws_s3_object.groups[0]"]
    assert address == f"s3://{made['bucket']}/{made['key']}"
    content: str = made["content"]
    return content


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
        assert len(settings.groups) == 1
        assert not list(states[name].of_type("aws_s3_object"))

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

    def test_a_shell_gets_the_module_s_own_group_only(self, states: dict[str, State]) -> None:
        assert "AUTOSCALER_GROUPS" in variables_of(states["many"])
        assert "AUTOSCALER_GROUPS" not in states["many"].outputs["environment_lines"]


class TestMoreGroups:
    @pytest.fixture
    def many(self, states: dict[str, State]) -> State:
        return states["many"]

    def test_the_list_is_beside_the_records_and_under_the_key(self, many: State) -> None:
        (listed_groups,) = (values for _, values in many.of_type("aws_s3_object"))
        assert listed_groups["bucket"] == many.outputs["records_bucket"]
        assert listed_groups["kms_key_id"] == many["aws_kms_key.this"]["arn"]

    def test_the_package_takes_them_beside_the_module_s_own(self, many: State) -> None:
        settings = settings_of(many)
        assert settings.refused == {}
        own, eu, us = settings.groups
        assert (own.name, own.mode, own.model) == (
            many.outputs["group_name"],
            "full",
            "saleor-template",
        )
        assert (eu.name, eu.mode, eu.model) == ("shop-eu", "full", "shop-us")
        assert eu.target_group == "targetgroup/shop-eu/0123456789abcdef"
        assert eu.parameters.timezone == "Europe/Berlin"
        assert (us.name, us.mode, us.model) == ("shop-us", "observe", "shop-us")
        assert us.load_balancer == "app/shop-us/0123456789abcdef"
        assert us.parameters.timezone == "UTC"

    def test_what_is_the_module_s_own_group_s_alone_is_not_passed_on(self, many: State) -> None:
        """It would be: the list is laid over the environment."""
        own, _, us = settings_of(many).groups
        assert own.target_group is not None
        assert us.target_group is None
        assert own.parameters.capacity_per_instance == 1000
        assert us.parameters.capacity_per_instance is None
        content = json.loads(groups_at(many, variables_of(many)["AUTOSCALER_GROUPS"]))
        assert own.parameters.prices == Prices(0.05, 0.1, 20, 100, "month")
        assert us.parameters.prices is None
        leaking = json.dumps({"groups": content["groups"]})
        assert read_settings(variables_of(many), lambda _: leaking).groups[2].target_group == (
            own.target_group
        )

    def test_a_group_s_aim_takes_the_place_of_the_controller_s(self, many: State) -> None:
        aims = [
            (group.parameters.miss_price, group.parameters.quantile)
            for group in settings_of(many).groups
        ]
        assert aims == [(20, None), (None, 0.95), (20, None)]

    def test_every_setting_of_a_group_is_a_field(self) -> None:
        body = re.search(r'^variable "more_groups" {\n(.*?)^  }\)\)$', VARIABLES, re.M | re.S)
        assert body is not None
        fields = set(re.findall(r"^    (\w+) += ", body[1], re.MULTILINE))
        assert fields == {setting.key for setting in SETTINGS if not setting.shared}

    def test_its_ranges_are_those_of_the_settings(self) -> None:
        """Each bound is taken by the package, and what lies beyond it is not."""
        ranges = re.findall(r"^ {10}(\w+) += \[([\d.]+), ([\d.]+)\]$", VARIABLES, re.MULTILINE)
        settings = {setting.key: setting for setting in SETTINGS}
        assert len(ranges) == 18
        for key, low, high in ranges:
            settings[key].value(low)
            settings[key].value(high)
            for beyond in (just_beyond(low, -1), just_beyond(high, 1)):
                with pytest.raises(SettingsError):
                    settings[key].value(beyond)

    def test_metrics_become_fewer_as_groups_become_many_but_not_those_of_the_alarms(
        self, states: dict[str, State]
    ) -> None:
        levels = {
            name: [group.metrics_level for group in settings_of(states[name]).groups]
            for name in ("many", "most_names", "prefix")
        }
        assert levels["many"] == ["full", "basic", "full"]
        assert levels["most_names"] == ["full"] + 50 * ["basic"]
        assert levels["prefix"] == ["full"] + 100 * ["none"]
        limits = re.search(
            r'group_count <= (\d+) \? "full" : local.group_count <= (\d+) \? "basic"',
            (SOURCE / "groups.tf").read_text(),
        )
        assert limits is not None
        assert (int(limits[1]), int(limits[2])) == (FULL_METRICS_UP_TO, BASIC_METRICS_UP_TO)

    @pytest.mark.parametrize("name", ["many", "most_names", "prefix"])
    def test_silence_is_seen_in_the_own_group_s_metrics(
        self, states: dict[str, State], name: str
    ) -> None:
        silence = states[name]['aws_cloudwatch_metric_alarm.this["no-decision"]']
        assert silence["namespace"] == published_metrics.NAMESPACE
        own = settings_of(states[name]).groups[0]
        assert silence["dimensions"] == {"AutoScalingGroupName": own.name}
        assert own.metrics_level == "full"

    def test_it_may_scale_these_groups_and_no_others(self, states: dict[str, State]) -> None:
        by_name = "arn:aws:autoscaling:us-east-1:111122223333:autoScalingGroup:*"
        granted = {
            name: {
                arn
                for statement in states[name].policy("aws_iam_role_policy.controller")
                if {"autoscaling:PutScalingPolicy", "autoscaling:SetDesiredCapacity"}
                & set(listed(statement["Action"]))
                for arn in listed(statement["Resource"])
            }
            for name in ("everything", "many", "prefix")
        }
        own = granted["everything"]
        assert own == {states["everything"]["aws_autoscaling_group.web"]["arn"]}
        assert granted["many"] - own == {
            f"{by_name}:autoScalingGroupName/shop-eu",
            f"{by_name}:autoScalingGroupName/shop-us",
        }
        assert granted["prefix"] - own == {f"{by_name}:autoScalingGroupName/group-*"}

    def test_it_may_read_the_list_and_write_no_more_than_without(
        self, states: dict[str, State]
    ) -> None:
        def paths(name: str, action: str) -> set[str]:
            bucket = f"arn:aws:s3:::{states[name].outputs['records_bucket']}/"
            return {
                resource.removeprefix(bucket).split("/", 3)[-1]
                for statement in states[name].policy("aws_iam_role_policy.controller")
                if action in listed(statement["Action"])
                for resource in listed(statement["Resource"])
            }

        assert paths("many", "s3:GetObject") - paths("everything", "s3:GetObject") == {
            "groups.json"
        }
        assert paths("many", "s3:PutObject") == paths("everything", "s3:PutObject")

    def test_the_policy_holds_the_most_names_that_are_taken(self, states: dict[str, State]) -> None:
        text = states["most_names"]["aws_iam_role_policy.controller"]["policy"]
        characters = len(re.sub(r"\s", "", text))
        assert 0.8 * INLINE_POLICIES_CHARACTERS < characters < INLINE_POLICIES_CHARACTERS

    @pytest.mark.parametrize("metric", ["FailedGroups", "LeftGroups"])
    def test_groups_that_get_no_decision_are_an_alarm(self, many: State, metric: str) -> None:
        (alarm,) = (
            values
            for _, values in many.of_type("aws_cloudwatch_metric_alarm")
            if values["metric_name"] == metric
        )
        assert alarm["namespace"] == published_metrics.NAMESPACE
        assert not alarm["dimensions"]
        assert (alarm["threshold"], alarm["comparison_operator"]) == (0, "GreaterThanThreshold")
        assert (alarm["period"], alarm["evaluation_periods"]) == (300, 3)
        assert alarm["datapoints_to_alarm"] == 3

    def test_one_group_alone_has_no_such_alarms(self, everything: State) -> None:
        metrics = {
            values["metric_name"] for _, values in everything.of_type("aws_cloudwatch_metric_alarm")
        }
        assert metrics.isdisjoint(TICK_METRICS)

    def test_the_dashboard_shows_all_groups_where_there_are_several(
        self, many: State, everything: State
    ) -> None:
        def shown(state: State) -> set[str]:
            return {
                series[1]
                for widget in TestSeeing.widgets(state)
                for series in widget["properties"].get("metrics", ())
            }

        assert shown(many) >= TICK_METRICS
        assert shown(everything).isdisjoint(TICK_METRICS)
        (_, values) = next(many.of_type("aws_cloudwatch_dashboard"))
        assert "All groups" in values["dashboard_body"]


def just_beyond(bound: str, way: int) -> str:
    """A little less or more; whole numbers stay whole, so that settings of these can read it."""
    if re.fullmatch(r"\d+", bound):
        return str(int(bound) + way)
    return str(float(bound) * (1 + way / 10))


def test_only_decisions_go_by_their_age(everything: State) -> None:
    """Models, their pointers and the list of groups stay as long as they are in use."""
    rules = everything['aws_s3_bucket_lifecycle_configuration.this["records"]']["rule"]
    expiring = [rule for rule in rules if any(one.get("days") for one in rule["expiration"])]
    assert [rule["filter"][0]["prefix"] for rule in expiring] == ["decisions/"]


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
        recorded = operations_of_two_ticks()
        assert recorded == set(OPERATIONS["recorded"])
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
            "autoscaling:DescribePolicies",
            "autoscaling:DescribeScalingActivities",
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


def operations_of_two_ticks() -> set[str]:
    """The handler acts and makes a net of the group's policies; without a model it also has
    something to tell people. Then somebody adds to the group, and it looks who that was.
    """
    with local_aws(1, 40, 1) as aws, pytest.MonkeyPatch.context() as patch:
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
        clock = FixedClock(datetime.now(UTC))
        with pointed_at(aws.environment):
            application = Application(environment, clock, log=lambda line: None)
            application.handle({})
            aws.client("autoscaling").set_desired_capacity(
                AutoScalingGroupName=GROUP, DesiredCapacity=40
            )
            clock.advance(timedelta(minutes=5))
            application.handle({})
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

    def test_every_alarm_says_where_the_runbook_tells_of_it(self, states: dict[str, State]) -> None:
        """Each of all applies' alarms; together they are all entries."""
        named = {"docs/runbook.md": set[str](), "https://docs.example.com/runbook": set[str]()}
        for state in states.values():
            for _, values in state.of_type("aws_cloudwatch_metric_alarm"):
                told = re.search(r"\. See (\S+)#([\w-]+)$", values["alarm_description"])
                assert told is not None, values["alarm_description"]
                named[told[1]].add(told[2])
        assert "no-decision" in named["https://docs.example.com/runbook"]
        assert set.union(*named.values()) == set(runbook_entries())

    def test_silence_is_an_alarm(self, everything: State) -> None:
        alarm = everything['aws_cloudwatch_metric_alarm.this["no-decision"]']
        assert alarm["treat_missing_data"] == "breaching"
        assert alarm["period"] * alarm["evaluation_periods"] == 900

    @pytest.mark.parametrize("name", ["everything", "many"])
    def test_our_metrics_are_ones_that_are_published(
        self, states: dict[str, State], name: str
    ) -> None:
        state = states[name]
        published = set(re.findall(r"\b([A-Z]\w+)=", inspect.getsource(published_metrics)))
        published |= TICK_METRICS
        shown = {
            series[1]
            for widget in self.widgets(state)
            if widget["type"] == "metric"
            for series in widget["properties"]["metrics"]
            if series[0] == published_metrics.NAMESPACE
        }
        watched = {
            values["metric_name"]
            for _, values in state.of_type("aws_cloudwatch_metric_alarm")
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

    def test_of_many_groups_the_log_says_how_many_met_with_what(
        self, states: dict[str, State]
    ) -> None:
        (panel,) = (row for row in self.widgets(states["most_names"]) if row["type"] == "log")
        line = json.dumps(TICK.summary())
        patterns = re.findall(r"parse @message '([^']+)' as (\w+)", panel["properties"]["query"])
        assert [name for _, name in patterns] == ["groups", "outcomes"]
        read = [re.search(re.escape(text).replace(r"\*", "(.*?)"), line) for text, _ in patterns]
        assert [found and found[1] for found in read] == ["2", '"?": 2']
        limit = re.search(r"group_count <= (\d+)$", (SOURCE / "dashboard.tf").read_text(), re.M)
        assert limit is not None
        assert int(limit[1]) == WHOLE_RECORDS_UP_TO

    @pytest.mark.parametrize("name", ["everything", "many"])
    def test_no_panel_covers_another(self, states: dict[str, State], name: str) -> None:
        for one, other in combinations(self.widgets(states[name]), 2):
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
