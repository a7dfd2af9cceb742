"""The root module applied for real, against a moto server; and the handler in what it made.

terraform/tests/moto.tfvars says what is switched off for it, and why.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

import pytest

from predictive_autoscaler.core.timegrid import floor_to
from predictive_autoscaler.core.types import Json, utc_text
from predictive_autoscaler.demo.local_aws import BUCKET, REGION, LocalAws, local_aws
from tests.helpers.commands import ROOT
from tests.helpers.terraform import Module, State, copied, listed
from tests.helpers.user_data import user_data

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

INTERVAL = timedelta(minutes=5)
REQUESTS_PER_INTERVAL = 4500.0
NEEDED = 5
"""Instances, at the capacity of 1000 that moto.tfvars sets."""
LONG = 700.0
OPERATIONS = tomllib.loads((ROOT / "tests" / "terraform" / "operations.toml").read_text())
HANDLER = """
import json, sys
import pytest
from tests.helpers.recorded_calls import Recorder
recorder = Recorder().install(pytest.MonkeyPatch())
sys.path.insert(0, "lambda")
from lambda_function import lambda_handler
record = lambda_handler(json.loads(sys.argv[1]), None)
calls = [[call.operation, call.parameters] for call in recorder.calls]
print("RESULT " + json.dumps({"record": record, "calls": calls}, default=str))
"""


@dataclass
class Applied:
    """What was done once, for the tests to look at.

    Attributes:
        second_plan: made right after the apply, as JSON.
        record, calls: of one tick of the handler, and (operation, parameters) of what it asked AWS.
    """

    aws: LocalAws
    module: Module
    arguments: tuple[str, ...]
    state: State
    second_plan: Json
    desired_before: int = 0
    record: Json = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def group(self) -> str:
        name: str = self.state.outputs["group_name"]
        return name

    @property
    def lambda_environment(self) -> dict[str, str]:
        function = self.aws.client("lambda").get_function_configuration(
            FunctionName=self.state.outputs["function_name"]
        )
        variables: dict[str, str] = function["Environment"]["Variables"]
        return variables

    def desired(self) -> int:
        found = self.aws.client("autoscaling").describe_auto_scaling_groups(
            AutoScalingGroupNames=[self.group]
        )
        capacity: int = found["AutoScalingGroups"][0]["DesiredCapacity"]
        return capacity


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Applied]:
    """Apply, plan again, and run the handler once on half an hour of traffic."""
    folder = tmp_path_factory.mktemp("apply")
    stand_in = folder / "predictive-autoscaler.zip"
    stand_in.write_bytes(b"PK\x05\x06" + bytes(18))  # An empty archive: moto runs no code.
    module = copied(folder / "terraform")
    # The state stays in the folder; all the rest is as it is written.
    (module.folder / "backend_override.tf").write_text('terraform {\n  backend "local" {}\n}\n')
    arguments = ("-no-color", "-var-file=tests/moto.tfvars", f'-var=lambda={{zip="{stand_in}"}}')
    with pytest.MonkeyPatch.context() as patch:
        # RDS's monitoring role takes a policy of AWS's own.
        patch.setenv("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
        with local_aws(1, 1, 1) as aws:
            module.variables = dict(aws.environment) | {"TF_VAR_aws_region": REGION}
            module.init().succeed("apply", "-auto-approve", *arguments, seconds=LONG)
            module.succeed("plan", "-out=second.tfplan", *arguments, seconds=LONG)
            made = Applied(
                aws=aws,
                module=module,
                arguments=arguments,
                state=State.of(json.loads(module.succeed("show", "-json"))["values"]),
                second_plan=json.loads(module.succeed("show", "-json", "second.tfplan")),
            )
            scale_by_handler(made)
            yield made


def scale_by_handler(made: Applied) -> None:
    """Traffic for five instances while there are two; then what the schedule would do."""
    made.desired_before = made.desired()
    end = floor_to(datetime.now(UTC), INTERVAL)
    environment = made.lambda_environment
    write_traffic(made, environment, end)
    done = subprocess.run(
        [sys.executable, "-c", HANDLER, json.dumps({"time": utc_text(end)})],
        cwd=ROOT,
        # Exactly what Terraform set, and what the Lambda service itself adds.
        env=environment | dict(made.aws.environment) | {"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.split("RESULT ", 1)[1])
    made.record = result["record"]
    made.calls = [(operation, parameters) for operation, parameters in result["calls"]]


def write_traffic(made: Applied, environment: dict[str, str], end: datetime) -> None:
    """Half an hour of metrics, as the load balancer and the group would write them."""
    balancer = [{"Name": "LoadBalancer", "Value": environment["LOAD_BALANCER"]}]
    group = [{"Name": "AutoScalingGroupName", "Value": environment["ASG_NAME"]}]
    rows = (
        ("AWS/ApplicationELB", "RequestCount", balancer, REQUESTS_PER_INTERVAL),
        ("AWS/EC2", "CPUUtilization", group, 75.0),
        ("AWS/AutoScaling", "GroupInServiceInstances", group, float(made.desired_before)),
    )
    for namespace, name, dimensions, value in rows:
        data = [
            {
                "MetricName": name,
                "Dimensions": dimensions,
                "Timestamp": end - bins * INTERVAL,
                "Value": value,
            }
            for bins in range(1, 7)
        ]
        made.aws.client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=data)


def resource_of(made: Applied, operation: str, parameters: dict[str, Any]) -> str:
    """The ARN that IAM compares with a policy when this call is made."""
    match operation:
        case "s3.GetObject" | "s3.PutObject":
            return f"arn:aws:s3:::{parameters['Bucket']}/{parameters['Key']}"
        case "s3.ListObjectsV2":
            return f"arn:aws:s3:::{parameters['Bucket']}"
        case "autoscaling.SetDesiredCapacity" | "autoscaling.PutScalingPolicy":
            assert parameters["AutoScalingGroupName"] == made.group
            arn: str = made.state["aws_autoscaling_group.web"]["arn"]
            return arn
        case "sns.Publish":
            topic: str = parameters["TopicArn"]
            return topic
        case _:
            return "*"


def is_allowed(statements: list[dict[str, Any]], action: str, resource: str) -> bool:
    return any(
        action in listed(statement["Action"])
        and any(fnmatchcase(resource, pattern) for pattern in listed(statement["Resource"]))
        for statement in statements
    )


class TestApply:
    def test_all_that_moto_can_hold_is_there(self, applied: Applied) -> None:
        kinds = {row["type"] for row in applied.state.resources if row["mode"] == "managed"}
        assert len(applied.state.resources) > 100
        assert {
            "aws_autoscaling_group",
            "aws_autoscaling_policy",
            "aws_cloudwatch_dashboard",
            "aws_cloudwatch_event_target",
            "aws_cloudwatch_metric_alarm",
            "aws_db_instance",
            "aws_iam_role_policy",
            "aws_kms_key",
            "aws_lambda_function",
            "aws_lambda_function_event_invoke_config",
            "aws_launch_template",
            "aws_lb_listener",
            "aws_nat_gateway",
            "aws_s3_bucket_lifecycle_configuration",
            "aws_secretsmanager_secret_version",
            "aws_sns_topic_policy",
            "aws_sqs_queue",
        } <= kinds

    def test_a_second_plan_makes_and_destroys_nothing(self, applied: Applied) -> None:
        """Moto forgets some fields, so that updates of these are planned each time."""
        done = [
            (change["address"], change["change"]["actions"])
            for change in applied.second_plan["resource_changes"]
            if not {"create", "delete"}.isdisjoint(change["change"]["actions"])
        ]
        assert done == []

    def test_neither_state_nor_user_data_hold_a_secret(self, applied: Applied) -> None:
        """Those that Terraform had made, and the one that RDS made."""
        manager = applied.aws.client("secretsmanager")
        arns = [applied.state["aws_secretsmanager_secret.app"]["arn"]]
        app = json.loads(manager.get_secret_value(SecretId=arns[0])["SecretString"])
        secrets = [app["SECRET_KEY"], app["DATABASE_PASSWORD"]]
        assert [len(secret) for secret in secrets] == [64, 40]
        assert all(secret.isalnum() for secret in secrets)
        master = applied.state["aws_db_instance.this"]["master_user_secret"][0]["secret_arn"]
        secrets.append(
            json.loads(manager.get_secret_value(SecretId=master)["SecretString"])["password"]
        )
        held = [
            (applied.module.folder / "terraform.tfstate").read_text(),
            json.dumps(applied.second_plan),
            *(user_data(applied.state, kind).text for kind in ("web", "worker")),
        ]
        assert not [secret for secret in secrets for text in held if secret in text]
        assert "PRIVATE KEY" not in "".join(held)


class TestHandler:
    def test_it_sets_this_groups_capacity(self, applied: Applied) -> None:
        entry = applied.record["groups"][applied.group]
        assert applied.record["status"] == "completed"
        assert entry["mode"] == "full"
        assert applied.desired_before == 2
        assert entry["outcome"]["status"] == "applied"
        assert applied.desired() == entry["outcome"]["instances"] >= NEEDED

    def test_a_listed_group_that_there_is_not_is_told_and_stops_nothing(
        self, applied: Applied
    ) -> None:
        """The list came from the bucket."""
        assert applied.record["groups"].keys() == {applied.group, "gone"}
        assert applied.record["groups"]["gone"]["outcome"]["status"] == "gone"
        read = [call[1]["Key"] for call in applied.calls if call[0] == "s3.GetObject"]
        assert "groups.json" in read

    def test_its_record_is_in_the_bucket(self, applied: Applied) -> None:
        found = applied.aws.client("s3").list_objects_v2(
            Bucket=applied.state.outputs["records_bucket"], Prefix="decisions/"
        )
        assert found["KeyCount"] == 1

    def test_each_of_its_calls_is_allowed_on_that_very_resource(self, applied: Applied) -> None:
        statements = applied.state.policy("aws_iam_role_policy.controller")
        assert len(applied.calls) > 5
        for operation, parameters in applied.calls:
            action = OPERATIONS["recorded"][operation][0]
            resource = resource_of(applied, operation, parameters)
            assert is_allowed(statements, action, resource), (action, resource)

    def test_it_is_allowed_on_no_other(self, applied: Applied) -> None:
        """The premise of the test above."""
        statements = applied.state.policy("aws_iam_role_policy.controller")
        bucket = f"arn:aws:s3:::{applied.state.outputs['records_bucket']}"
        other = applied.state["aws_autoscaling_group.worker"]["arn"]
        assert not is_allowed(statements, "autoscaling:SetDesiredCapacity", other)
        assert not is_allowed(statements, "autoscaling:PutScalingPolicy", other)
        assert not is_allowed(statements, "s3:PutObject", f"{bucket}/models/{applied.group}/x")
        assert not is_allowed(statements, "s3:GetObject", f"{bucket}/releases/x")
        assert not is_allowed(statements, "s3:GetObject", "arn:aws:s3:::other/decisions/x")


def test_afterwards_destroy_leaves_nothing_but_keys_that_wait(applied: Applied) -> None:
    """Last in this file: the others look at what is then gone."""
    applied.module.succeed("destroy", "-auto-approve", *applied.arguments, seconds=LONG)
    assert applied.module.succeed("state", "list") == ""
    client = applied.aws.client
    assert client("lambda").list_functions()["Functions"] == []
    assert [row["Name"] for row in client("s3").list_buckets()["Buckets"]] == [BUCKET]
    assert client("secretsmanager").list_secrets()["SecretList"] == []
    assert client("rds").describe_db_instances()["DBInstances"] == []
    assert client("logs").describe_log_groups()["logGroups"] == []
    key = client("kms").describe_key(KeyId=applied.state["aws_kms_key.this"]["key_id"])
    assert key["KeyMetadata"]["KeyState"] == "PendingDeletion"
