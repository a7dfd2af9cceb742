"""`doctor` by its command line against a moto server: a whole deployment, and what breaks it."""

from __future__ import annotations

import io
import json
import socket
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import numpy as np
import pytest

from predictive_autoscaler.adapters.stores.keys import (
    decision_key,
    latest_key,
    model_keys,
)
from predictive_autoscaler.app.doctor.checks import CHECKS
from predictive_autoscaler.app.doctor.checks.metrics import IN_SERVICE
from predictive_autoscaler.core.features import FeatureParameters
from predictive_autoscaler.core.forest import sha256
from predictive_autoscaler.core.publication import Publication
from predictive_autoscaler.core.timegrid import floor_to
from predictive_autoscaler.core.types import Json, Samples
from predictive_autoscaler.demo.local_aws import (
    BUCKET,
    GROUP,
    LocalAws,
    local_aws,
    pointed_at,
    put_metrics,
)
from tests.helpers import doctor as world
from tests.helpers.commands import call, clean_environment, run
from tests.helpers.recorded_calls import Recorder
from tests.unit.core.forests import fitted

MINUTE = timedelta(minutes=1)
FUNCTION, RULE, ALARM = "shop-controller", "shop-tick", "shop-no-decision"
UNKNOWN_TO_MOTO = {"own writes", "role", "instance refresh", "vCPU limit"}
"""moto 5.2.5 implements neither SimulatePrincipalPolicy nor DescribeInstanceRefreshes, and knows
the quotas of VPC only."""
SERVICES = {"elbv2": "elasticloadbalancing", "service-quotas": "servicequotas"}
ACTIONS = {
    "s3.ListObjectsV2": "s3:ListBucket",
    "monitoring.GetMetricData": "cloudwatch:GetMetricData",
}
Doctor = Callable[..., Json]


@pytest.fixture
def aws() -> Iterator[LocalAws]:
    with local_aws(1, 10, 2) as made, pointed_at(made.environment):
        yield made


@pytest.fixture
def topic(aws: LocalAws) -> str:
    arn: str = aws.client("sns").create_topic(Name="shop-alarms")["TopicArn"]
    aws.client("sns").subscribe(TopicArn=arn, Protocol="email", Endpoint="ann@example.org")
    return arn


@pytest.fixture
def environment(aws: LocalAws, topic: str) -> dict[str, str]:
    return {
        "ASG_NAME": GROUP,
        "LOAD_BALANCER": aws.load_balancer,
        "TARGET_GROUP": aws.target_group,
        "S3_BUCKET": BUCKET,
        "SNS_TOPIC_ARN": topic,
        # So that two intervals ahead are enough, as many as the small forest knows.
        "AUTOSCALER_METRIC_DELAY_SECONDS": "0",
    }


@pytest.fixture
def deployed(aws: LocalAws, topic: str, environment: dict[str, str]) -> LocalAws:
    """What `terraform apply`, some days of traffic and a training leave behind."""
    put_listener(aws)
    aws.client("autoscaling").enable_metrics_collection(
        AutoScalingGroupName=GROUP, Granularity="1Minute", Metrics=[IN_SERVICE]
    )
    put_metrics(aws, aws.client("cloudwatch"), last_half_hour())
    put_records(aws)
    put_function(aws, environment)
    alarms = aws.client("cloudwatch")
    alarms.put_metric_alarm(
        AlarmName=ALARM,
        AlarmDescription="No decision for 15 minutes",
        Namespace="SaleorPredictiveScaling",
        MetricName="DesiredCapacity",
        Dimensions=[{"Name": "AutoScalingGroupName", "Value": GROUP}],
        Statistic="SampleCount",
        ComparisonOperator="LessThanThreshold",
        Threshold=1,
        Period=900,
        EvaluationPeriods=1,
        AlarmActions=[topic],
    )
    alarms.set_alarm_state(AlarmName=ALARM, StateValue="OK", StateReason="decisions come")
    return aws


def put_listener(aws: LocalAws) -> None:
    balancing = aws.client("elbv2")
    balancing.create_listener(
        LoadBalancerArn=balancing.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"],
        Protocol="HTTP",
        Port=80,
        DefaultActions=[
            {
                "Type": "forward",
                "TargetGroupArn": balancing.describe_target_groups()["TargetGroups"][0][
                    "TargetGroupArn"
                ],
            }
        ],
    )


def last_half_hour() -> Samples:
    now = floor_to(datetime.now(UTC), MINUTE)
    columns = {name: np.full(30, 5.0) for name in world.samples().columns()}
    return Samples.of(now - 30 * MINUTE, 60, columns)


def put_records(aws: LocalAws) -> None:
    """A decision of now, a model, and two weeks of history."""
    now = datetime.now(UTC)
    slot = floor_to(now, 5 * MINUTE)
    npz = fitted().mixture.to_bytes()
    card = world.card(
        group=GROUP,
        trained_until=now - timedelta(days=1),
        parameters=FeatureParameters(300, 2),
        npz_sha256=sha256(npz),
    )
    npz_key, card_key = model_keys(GROUP, "v1")
    objects = {
        decision_key(slot): json.dumps(record_of(slot, mode="observe")).encode(),
        npz_key: npz,
        card_key: card.to_json().encode(),
        latest_key(GROUP): Publication("v1").to_json().encode(),
    }
    objects |= {
        f"history/{GROUP}/{(now - age * timedelta(days=1)).date()}.csv.gz": b""
        for age in range(1, 15)
    }
    for key, body in objects.items():
        aws.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)


def record_of(slot: datetime, **entry: Any) -> Json:
    """A record of moto's group."""
    record = world.record(slot, **entry)
    return record | {"groups": {GROUP: record["groups"][world.GROUP]}}


def put_function(aws: LocalAws, environment: dict[str, str]) -> None:
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("lambda_function.py", "")
    role = aws.client("iam").create_role(
        RoleName=FUNCTION,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []}),
    )["Role"]["Arn"]
    functions, events = aws.client("lambda"), aws.client("events")
    arn = functions.create_function(
        FunctionName=FUNCTION,
        Runtime="python3.13",
        Role=role,
        Handler="lambda_function.lambda_handler",
        Code={"ZipFile": zipped.getvalue()},
        Timeout=60,
        MemorySize=512,
        Environment={"Variables": environment},
    )["FunctionArn"]
    rule = events.put_rule(Name=RULE, ScheduleExpression="cron(2/5 * * * ? *)")["RuleArn"]
    events.put_targets(Rule=RULE, Targets=[{"Id": "tick", "Arn": arn}])
    functions.add_permission(
        FunctionName=FUNCTION,
        StatementId="tick",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule,
    )


@pytest.fixture
def doctor(
    environment: dict[str, str],
    aws: LocalAws,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Doctor:
    """`doctor --json` with these options, and with this exit code."""
    everything = clean_environment(**aws.environment, **environment)
    command = partial(call, capfd, monkeypatch, "doctor", "--json", env=everything)

    def told(*options: str, code: int = 0) -> Json:
        done = command(*options)
        assert done.stdout, done.stderr
        found: Json = json.loads(done.stdout)
        assert done.returncode == code, by_status(found, "fault")
        return found

    return told


def by_status(told: Json, status: str) -> dict[str, list[dict[str, Any]]]:
    """The findings of one status, by the name of their check."""
    found: dict[str, list[dict[str, Any]]] = {}
    for finding in told["findings"]:
        if finding["status"] == status:
            found.setdefault(finding["check"], []).append(finding)
    return found


def test_a_deployment_in_order_and_then_broken(deployed: LocalAws, doctor: Doctor) -> None:
    with pytest.MonkeyPatch.context() as patch:
        recorder = Recorder().install(patch)
        told = doctor()
    # It calls what its document says, and nothing that would change anything. The key is asked
    # for by S3 itself.
    called = {action_of(operation) for operation in recorder.operations}
    assert called == {action for check in CHECKS for action in check.actions} - {"kms:Decrypt"}
    assert by_status(told, "fault") == {}
    assert by_status(told, "warning") == {}
    assert set(by_status(told, "not checked")) == UNKNOWN_TO_MOTO
    assert {finding["check"] for finding in told["findings"]} == {check.name for check in CHECKS}
    break_everything(deployed)
    told = doctor(code=1)
    broken = by_status(told, "fault") | by_status(told, "warning")
    remedies = {check: " ".join(one["remedy"] for one in found) for check, found in broken.items()}
    assert set(remedies) == set(BROKEN)
    for check, words in BROKEN.items():
        assert words in remedies[check], check


BROKEN = {
    "suspended processes": "resume-processes --auto-scaling-group-name shop --scaling-processes "
    "Launch",
    "bounds": "--max-size 4",
    "model": "no other version is kept, so train a new one",
    "timeout": "timeout_seconds = 60",
    "concurrency": "delete-function-concurrency --function-name shop-controller",
    "schedule": "aws events enable-rule --name shop-tick",
    "last decision": "aws logs tail /aws/lambda/shop-controller",
    "policies": "predictive-autoscaler mode shop full",
    "other hands": "delete-scheduled-action --auto-scaling-group-name shop",
    "topic": "aws sns subscribe",
    "alarms": "describe-alarm-history --alarm-name shop-no-decision",
}


def break_everything(aws: LocalAws) -> None:
    scaling, objects = aws.client("autoscaling"), aws.client("s3")
    scaling.suspend_processes(AutoScalingGroupName=GROUP, ScalingProcesses=["Launch"])
    scaling.update_auto_scaling_group(AutoScalingGroupName=GROUP, MaxSize=2)
    scaling.put_scheduled_update_group_action(
        AutoScalingGroupName=GROUP,
        ScheduledActionName="night",
        Recurrence="0 22 * * *",
        DesiredCapacity=1,
    )
    objects.put_object(Bucket=BUCKET, Key=model_keys(GROUP, "v1")[0], Body=b"damaged")
    objects.put_object(Bucket=BUCKET, Key=f"control/{GROUP}.json", Body=b'{"mode": "full"}')
    now = datetime.now(UTC)
    for slot in (floor_to(now, 5 * MINUTE), floor_to(now, 5 * MINUTE) - 5 * MINUTE):
        objects.delete_object(Bucket=BUCKET, Key=decision_key(slot))
    old = floor_to(now - timedelta(hours=3), 5 * MINUTE)
    body = json.dumps(
        world.record(old) | {"groups": {GROUP: world.record()["groups"][world.GROUP]}}
    )
    objects.put_object(Bucket=BUCKET, Key=decision_key(old), Body=body.encode())
    functions = aws.client("lambda")
    functions.update_function_configuration(FunctionName=FUNCTION, Timeout=300)
    functions.put_function_concurrency(FunctionName=FUNCTION, ReservedConcurrentExecutions=0)
    aws.client("events").disable_rule(Name=RULE)
    people = aws.client("sns")
    for subscription in people.list_subscriptions()["Subscriptions"]:
        people.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    aws.client("cloudwatch").set_alarm_state(
        AlarmName=ALARM, StateValue="ALARM", StateReason="no decision"
    )


def action_of(operation: str) -> str:
    service, _, name = operation.partition(".")
    return ACTIONS.get(operation) or f"{SERVICES.get(service, service)}:{name}"


def test_a_service_that_never_answers_does_not_hold_it_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host, port = silent.getsockname()
        started = time.monotonic()
        done = run(
            *("doctor", "--seconds", "1"),
            env=clean_environment(
                AWS_ENDPOINT_URL=f"http://{host}:{port}",
                AWS_ACCESS_KEY_ID="local",
                AWS_SECRET_ACCESS_KEY="local",
                AWS_REGION="eu-central-1",
                **world.ENVIRONMENT,
            ),
        )
        took = time.monotonic() - started
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert "no answer within 1 s" in done.stdout
    assert f"{len(CHECKS)} checks with " in done.stdout
    assert took < 20


def test_without_any_setting_it_says_so_and_goes_on(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = clean_environment(AWS_REGION="eu-central-1")
    done = call(capfd, monkeypatch, "doctor", "--seconds", 5, "--quiet", env=alone)
    assert done.returncode == 1
    assert "settings: ASG_NAME is not set" in done.stdout
    assert "credentials: AWS does not say who is asking" in done.stdout
    assert " ok " not in done.stdout.rpartition(" checks with ")[0]
    assert call(capfd, monkeypatch, "doctor", "--seconds", 0).returncode == 2
