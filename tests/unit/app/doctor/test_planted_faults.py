"""Faults planted in a healthy world one by one: each is found, and its remedy is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from predictive_autoscaler.app.breaker import Breaker
from predictive_autoscaler.app.doctor.checks import CHECKS
from predictive_autoscaler.app.doctor.examination import counts, examined, findings_of, to_json
from predictive_autoscaler.app.doctor.facts import Facts
from predictive_autoscaler.app.doctor.findings import (
    Check,
    Finding,
    Status,
    fault,
    ok,
    warning,
)
from predictive_autoscaler.app.settings_table import SETTINGS
from predictive_autoscaler.cli.doctor import summary
from predictive_autoscaler.core.features import FeatureParameters
from predictive_autoscaler.core.surroundings import (
    Activity,
    ClockReading,
    Policy,
    Refresh,
    Right,
    ScheduledAction,
    Simulated,
    Subnet,
    TargetGroup,
    Topic,
    VcpuLimit,
)
from predictive_autoscaler.core.types import Bounds, CalendarEvent, Quality, Rung
from predictive_autoscaler.errors import (
    AccessDeniedError,
    DataError,
    MissingSettingError,
    ModelError,
    ModelNotFoundError,
    SettingsError,
    SourceError,
    ThrottledError,
    UnknownSettingError,
)
from predictive_autoscaler.ports import GroupControl, Net
from tests.helpers import doctor as world
from tests.helpers.doctor import DAY, GROUP, MINUTE, NOW, TOPIC, healthy, look, lost

HOUR = timedelta(hours=1)
FAULT, WARNING, NOT_CHECKED = Status.FAULT, Status.WARNING, Status.NOT_CHECKED
OF_GROUP = f"--auto-scaling-group-name {GROUP}"
TRAIN = "python ml-model/train_model.py --from cloudwatch --publish"


@dataclass(frozen=True)
class Planted:
    """What was done to the facts, and what has to come of it.

    Attributes:
        text, remedy: words of the finding.
    """

    what: str
    check: str
    status: Status
    facts: dict[str, Any]
    text: str
    remedy: str


SETTING_NAMES = [setting.variable for setting in SETTINGS]


def with_environment(**variables: str) -> dict[str, Any]:
    return {"environment": {**world.ENVIRONMENT, **variables}}


PLANTED = [
    # account
    Planted(
        "expired credentials",
        "credentials",
        FAULT,
        {"caller": lost(SourceError("ExpiredToken: renew the credentials"))},
        "ExpiredToken",
        "aws sso login",
    ),
    Planted(
        "a clock that is ten minutes ahead",
        "clock",
        FAULT,
        {"clock": look(ClockReading(NOW, NOW - 10 * MINUTE))},
        "600 s ahead of AWS's",
        "timedatectl set-ntp true",
    ),
    Planted(
        "a clock that is a minute behind",
        "clock",
        WARNING,
        {"clock": look(ClockReading(NOW, NOW + MINUTE))},
        "60 s behind AWS's",
        "timedatectl set-ntp true",
    ),
    Planted(
        "metrics may not be read",
        "reads",
        FAULT,
        {"metrics": lost(AccessDeniedError("AccessDenied: no"))},
        "cloudwatch:GetMetricData is refused",
        "do cloudwatch:GetMetricData",
    ),
    Planted(
        "the operator may not publish",
        "own writes",
        WARNING,
        {
            "own_rights": look(
                Simulated(world.USER, (Right("s3:PutObject", "arn:aws:s3:::b/models/x"),), ())
            )
        },
        "may not do s3:PutObject on arn:aws:s3:::b/models/x",
        "allow these actions",
    ),
    Planted(
        "the function may not scale",
        "role",
        FAULT,
        {
            "role_rights": look(
                Simulated(
                    world.ROLE,
                    (Right("autoscaling:SetDesiredCapacity", world.GROUP_ARN),),
                    (Right("sns:Publish", TOPIC),),
                )
            )
        },
        f"may not do autoscaling:SetDesiredCapacity on {world.GROUP_ARN}",
        "terraform apply",
    ),
    # settings
    Planted(
        "a setting outside its range",
        "settings",
        FAULT,
        {"settings": lost(SettingsError("AUTOSCALER_BOOT_MINUTES is '90'; allowed is 1 to 20"))},
        "AUTOSCALER_BOOT_MINUTES is '90'; allowed is 1 to 20",
        "terraform output -raw environment_lines",
    ),
    Planted(
        "a setting that there is not",
        "settings",
        FAULT,
        {"settings": lost(UnknownSettingError("AUTOSCALER_MODUS", SETTING_NAMES))},
        "unknown setting AUTOSCALER_MODUS; known are",
        "unset AUTOSCALER_MODUS (if AUTOSCALER_MODE was meant, set that), or take all of them",
    ),
    Planted(
        "a setting that is lacking",
        "settings",
        FAULT,
        {"settings": lost(MissingSettingError("S3_BUCKET is not set; it takes a bucket"))},
        "S3_BUCKET is not set",
        "set it, or take all of them from Terraform",
    ),
    Planted(
        "the function's own settings are refused",
        "function settings",
        FAULT,
        {
            "function": look(
                world.function(environment={**world.ENVIRONMENT, "AUTOSCALER_MODES": "full"})
            )
        },
        "refuses its settings: unknown setting AUTOSCALER_MODES",
        "unset AUTOSCALER_MODES (if AUTOSCALER_MODE was meant, set that) in the function's",
    ),
    Planted(
        "the function runs with another boot time",
        "function settings",
        WARNING,
        with_environment(AUTOSCALER_BOOT_MINUTES="3"),
        "AUTOSCALER_BOOT_MINUTES is unset there and 3 here",
        "terraform output -raw environment_lines",
    ),
    Planted(
        "this shell lacks what the function has",
        "function settings",
        WARNING,
        {
            "function": look(
                world.function(environment={**world.ENVIRONMENT, "AUTOSCALER_HISTORY_DAYS": "20"})
            )
        },
        "AUTOSCALER_HISTORY_DAYS is 20 there and unset here",
        "terraform output -raw environment_lines",
    ),
    Planted(
        "there is no such bucket",
        "bucket",
        FAULT,
        {"bucket": look(None)},
        "there is no bucket 'shop-records'",
        "aws s3 ls s3://shop-records",
    ),
    # group
    Planted(
        "no such group",
        "group",
        FAULT,
        {"group": look(None)},
        f"there is no Auto Scaling group {GROUP!r} in region eu-central-1",
        "set ASG_NAME and AWS_REGION",
    ),
    Planted(
        "the group is being deleted",
        "group",
        FAULT,
        {"group": look(world.group(status="Delete in progress"))},
        "Delete in progress",
        "set ASG_NAME",
    ),
    Planted(
        "nothing to scale between",
        "bounds",
        FAULT,
        {"group": look(world.group(bounds=Bounds(4, 4)))},
        "MinSize 4, MaxSize 4, desired 4",
        f"aws autoscaling update-auto-scaling-group {OF_GROUP} --max-size 8",
    ),
    Planted(
        "the group is at its limit",
        "bounds",
        WARNING,
        {"group": look(world.group(bounds=Bounds(2, 4)))},
        "at its limit",
        "--max-size 8",
    ),
    Planted(
        "weighted capacity",
        "capacity unit",
        FAULT,
        {"group": look(world.group(not_in_instances="weighted capacity (2)"))},
        "weighted capacity (2)",
        "take the weights out",
    ),
    Planted(
        "launching is suspended",
        "suspended processes",
        FAULT,
        {"group": look(world.group(suspended=("AZRebalance", "Launch")))},
        "without Launch capacity does not change",
        f"aws autoscaling resume-processes {OF_GROUP} --scaling-processes Launch",
    ),
    Planted(
        "alarms are suspended",
        "suspended processes",
        WARNING,
        {"group": look(world.group(suspended=("AlarmNotification",)))},
        "suspended: AlarmNotification",
        "--scaling-processes AlarmNotification",
    ),
    Planted(
        "a refresh is under way",
        "instance refresh",
        WARNING,
        {"refreshes": look([Refresh("r-2", "InProgress", "")])},
        "r-2 is InProgress",
        f"aws autoscaling cancel-instance-refresh {OF_GROUP}",
    ),
    Planted(
        "a refresh has failed",
        "instance refresh",
        WARNING,
        {"refreshes": look([Refresh("r-3", "Failed", "no instance got healthy")])},
        "no instance got healthy",
        f"aws autoscaling describe-instance-refreshes {OF_GROUP}",
    ),
    Planted(
        "launches fail",
        "launches",
        FAULT,
        {"activities": look([Activity("Failed", "Launching", "VcpuLimitExceeded", NOW - HOUR)])},
        "failed 60 min ago: Launching: VcpuLimitExceeded",
        f"aws autoscaling describe-scaling-activities {OF_GROUP}",
    ),
    Planted(
        "fewer in service than asked for",
        "launches",
        WARNING,
        {"group": look(world.group(in_service=1))},
        "1 of 4 instances are in service",
        "describe-scaling-activities",
    ),
    Planted(
        "another group's target group",
        "target group",
        FAULT,
        {"group": look(world.group(target_groups=("targetgroup/other/1",)))},
        f"TARGET_GROUP is {world.TARGETS}, but {GROUP} is attached to targetgroup/other/1",
        "export TARGET_GROUP=targetgroup/other/1",
    ),
    Planted(
        "another load balancer",
        "target group",
        FAULT,
        {"target_groups": look([TargetGroup(world.TARGETS, ("app/other/2",))])},
        f"LOAD_BALANCER is {world.BALANCER}, but {world.TARGETS} hangs on app/other/2",
        "export LOAD_BALANCER=app/other/2",
    ),
    Planted(
        "TARGET_GROUP is not set",
        "target group",
        WARNING,
        {"settings": look(world.settings(TARGET_GROUP=""))},
        "the count of healthy hosts is not read",
        f"export TARGET_GROUP={world.TARGETS}",
    ),
    # metrics
    Planted(
        "the group's metrics stopped",
        "metrics",
        FAULT,
        {"metrics": look(world.stopped("in_service", 3 * HOUR))},
        "GroupInServiceInstances: the newest value is 3.0 h old",
        f"aws autoscaling enable-metrics-collection {OF_GROUP} --granularity 1Minute --metrics "
        "GroupInServiceInstances",
    ),
    Planted(
        "no request was ever counted",
        "metrics",
        FAULT,
        {"metrics": look(world.samples(requests=None))},
        "RequestCount: no value within the last 24 hours",
        "set LOAD_BALANCER",
    ),
    Planted(
        "no requests for two hours, while instances answer",
        "metrics",
        WARNING,
        {"metrics": look(world.stopped("requests", 2 * HOUR))},
        "while the instances answer",
        "set LOAD_BALANCER",
    ),
    Planted(
        "no CPU",
        "metrics",
        FAULT,
        {"metrics": look(world.samples(cpu_percent=None))},
        "CPUUtilization: no value",
        "describe-scaling-activities",
    ),
    Planted(
        "no healthy hosts",
        "metrics",
        FAULT,
        {"metrics": look(world.samples(healthy_hosts=None))},
        "HealthyHostCount: no value",
        "set TARGET_GROUP",
    ),
    Planted(
        "group metrics are not collected",
        "group metrics",
        FAULT,
        {"group": look(world.group(collected_metrics=("GroupDesiredCapacity",)))},
        "GroupInServiceInstances is not collected (collected: GroupDesiredCapacity)",
        f"aws autoscaling enable-metrics-collection {OF_GROUP}",
    ),
    Planted(
        "no day is kept any more",
        "history",
        WARNING,
        {"history_days": look([NOW.date() - 9 * DAY])},
        "none of the last 8 days",
        "see the checks of the function",
    ),
    Planted(
        "the first days",
        "history",
        WARNING,
        {"history_days": look([NOW.date() - age * DAY for age in (1, 2, 3)])},
        "3 days, 2026-11-17 to 2026-11-19",
        TRAIN,
    ),
    # model
    Planted(
        "no model",
        "model",
        FAULT,
        {"card": lost(ModelNotFoundError(f"no model of group {GROUP!r} has been published"))},
        "no model of group",
        TRAIN,
    ),
    Planted(
        "a damaged model",
        "model",
        FAULT,
        {"card": lost(ModelError("model.npz has SHA-256 0…, its card says 1…"))},
        "model.npz has SHA-256 0…, its card says 1…",
        "predictive-autoscaler rollback v1",
    ),
    Planted(
        "a damaged model, and no other one",
        "model",
        FAULT,
        {"card": lost(ModelError("model.npz is damaged")), "other_versions": look([])},
        "model.npz is damaged",
        f"no other version is kept, so train a new one: {TRAIN}",
    ),
    Planted(
        "a damaged model, and nobody knows of others",
        "model",
        FAULT,
        {
            "card": lost(ModelError("model.npz is damaged")),
            "other_versions": lost(SourceError("no answer")),
        },
        "model.npz is damaged",
        "predictive-autoscaler rollback --list",
    ),
    Planted(
        "a damaged model that is another group's, too",
        "model",
        FAULT,
        {
            "card": lost(ModelError("model.npz is damaged")),
            "settings": look(world.settings(AUTOSCALER_MODEL="shop")),
        },
        "model.npz is damaged",
        "predictive-autoscaler rollback v1 --asg-name shop",
    ),
    Planted(
        "another group's model",
        "model fit",
        FAULT,
        {"card": look(world.card(group="other"))},
        "the model is of group 'other'",
        TRAIN,
    ),
    Planted(
        "a model of another interval",
        "model fit",
        FAULT,
        {"card": look(world.card(parameters=FeatureParameters(900, 3)))},
        "trained on intervals of 900 s, the setting is 300 s",
        TRAIN,
    ),
    Planted(
        "a model that looks too short a way ahead",
        "model fit",
        FAULT,
        {"settings": look(world.settings(AUTOSCALER_BOOT_MINUTES="15"))},
        "the model looks 3 intervals ahead, but with the present boot time and metric delay 5",
        TRAIN,
    ),
    Planted(
        "a model of another time zone",
        "model fit",
        WARNING,
        {"settings": look(world.settings(AUTOSCALER_TIMEZONE="Europe/Berlin"))},
        "hours and weekdays in UTC, AUTOSCALER_TIMEZONE is Europe/Berlin",
        TRAIN,
    ),
    Planted(
        "a model of another version's features",
        "model fit",
        FAULT,
        {"card": look(world.card(feature_names=("phase_of_the_moon",)))},
        "phase_of_the_moon",
        TRAIN,
    ),
    Planted(
        "a model that needs an absent metric",
        "model fit",
        FAULT,
        {"metrics": look(world.samples(cpu_percent=None))},
        "the model needs cpu_utilization, of which the last day has no value",
        TRAIN,
    ),
    Planted(
        "an old model",
        "model age",
        FAULT,
        {"card": look(world.card(trained_until=NOW - 20 * DAY))},
        "20.0 days ago; AUTOSCALER_MAX_MODEL_AGE_DAYS allows 14 days",
        "predictive-autoscaler retrain",
    ),
    Planted(
        "a model that gets old",
        "model age",
        WARNING,
        {"card": look(world.card(trained_until=NOW - 12 * DAY))},
        "12.0 days ago",
        "predictive-autoscaler retrain",
    ),
    Planted(
        "a model without skill",
        "model skill",
        FAULT,
        {
            "card": look(
                world.card(
                    skilled=False,
                    scores={"forest": {"pinball": 0.3}, "last value": {"pinball": 0.2}},
                )
            )
        },
        "no better than the baselines and nobody insisted on it (forest 30 %, last value 20 %)",
        TRAIN,
    ),
    # function
    Planted(
        "no function",
        "function",
        FAULT,
        {"function": look(None)},
        f"no Lambda function has ASG_NAME {GROUP!r}",
        "doctor --function NAME",
    ),
    Planted(
        "a function that failed",
        "function",
        FAULT,
        {"function": look(world.function(state="Failed", reason="its key is gone"))},
        "shop-controller is Failed: its key is gone",
        "aws lambda get-function-configuration --function-name shop-controller",
    ),
    Planted(
        "an update that failed",
        "function",
        FAULT,
        {"function": look(world.function(update="Failed"))},
        "the last update of shop-controller failed",
        "terraform apply",
    ),
    Planted(
        "an old Python",
        "runtime",
        FAULT,
        {"function": look(world.function(runtime="python3.9"))},
        "runs python3.9",
        "make lambda",
    ),
    Planted(
        "another handler",
        "runtime",
        FAULT,
        {"function": look(world.function(handler="index.handler"))},
        "'index.handler'",
        "--handler lambda_function.lambda_handler",
    ),
    Planted(
        "a timeout as long as the interval",
        "timeout",
        FAULT,
        {"function": look(world.function(timeout_seconds=300))},
        "a timeout of 300 s in an interval of 300 s",
        "lambda = { timeout_seconds = 60 }",
    ),
    Planted(
        "a throttled function",
        "concurrency",
        FAULT,
        {"reserved_concurrency": look(0)},
        "reserved concurrency of 0",
        "aws lambda delete-function-concurrency --function-name shop-controller",
    ),
    Planted(
        "no schedule",
        "schedule",
        FAULT,
        {"rules": look([world.rule(schedule="")])},
        "nobody calls it",
        "terraform apply",
    ),
    Planted(
        "a disabled schedule",
        "schedule",
        FAULT,
        {"rules": look([world.rule(enabled=False)])},
        "shop-tick is disabled",
        "aws events enable-rule --name shop-tick",
    ),
    Planted(
        "a schedule of another rhythm",
        "schedule",
        FAULT,
        {"rules": look([world.rule(schedule="rate(15 minutes)")])},
        "every 15 min (rate(15 minutes)), AUTOSCALER_INTERVAL_MINUTES is 5",
        "cron(2/5 * * * ? *)",
    ),
    Planted(
        "a schedule that may not call",
        "schedule",
        FAULT,
        {"rules": look([world.rule(may_call=False)])},
        "does not let rule shop-tick call it",
        "aws lambda add-permission --function-name shop-controller",
    ),
    Planted(
        "two schedules",
        "schedule",
        WARNING,
        {"rules": look([world.rule(), world.rule(name="old-tick")])},
        "2 rules call shop-controller",
        "aws events disable-rule --name old-tick",
    ),
    Planted(
        "called before the metrics are there",
        "slot alignment",
        WARNING,
        {"rules": look([world.rule(schedule="cron(0/5 * * * ? *)")])},
        "0 min after the interval's end, but AUTOSCALER_METRIC_DELAY_SECONDS is 120",
        "'cron(2/5 * * * ? *)'",
    ),
    Planted(
        "called at a time that AWS chooses",
        "slot alignment",
        WARNING,
        {"rules": look([world.rule(schedule="rate(5 minutes)")])},
        "a phase that AWS chooses",
        "'cron(2/5 * * * ? *)'",
    ),
    # decisions
    Planted(
        "never a decision",
        "last decision",
        FAULT,
        {"record": look(None)},
        "the controller has never run",
        "aws logs tail /aws/lambda/shop-controller --since 1h",
    ),
    Planted(
        "a dead controller",
        "last decision",
        FAULT,
        {"record": look(world.record(NOW - 5 * HOUR))},
        "5.0 h ago; one is due every 5 min",
        "aws logs tail /aws/lambda/shop-controller --since 1h",
    ),
    Planted(
        "a tick was missed",
        "last decision",
        WARNING,
        {"record": look(world.record(NOW - 12 * MINUTE))},
        "12 min ago",
        "aws logs tail",
    ),
    Planted(
        "a decision that was never completed",
        "last decision",
        FAULT,
        {"record": look(world.record(NOW - 9 * MINUTE) | {"status": "claimed"})},
        "begun but never completed",
        "memory, timeout",
    ),
    Planted(
        "a record of another schema",
        "last decision",
        FAULT,
        {"record": look(world.record() | {"schema": 7})},
        "schema 7, this version knows 1",
        "install the version",
    ),
    Planted(
        "decisions about others only",
        "outcome",
        FAULT,
        {"record": look(world.record() | {"groups": {"other": {}}})},
        f"is about other, and says nothing of {GROUP!r}",
        "more_groups",
    ),
    Planted(
        "the change was refused",
        "outcome",
        FAULT,
        {"record": look(world.record(outcome={"status": "failed", "error": "AccessDenied"}))},
        "failed: AccessDenied",
        "predictive-autoscaler explain 2026-11-20T10:00:00Z",
    ),
    Planted(
        "there was no time",
        "outcome",
        WARNING,
        {"record": look(world.record(outcome={"status": "left", "error": "the time was up"}))},
        "left: the time was up",
        "lambda.memory_mb",
    ),
    Planted(
        "the breaker is open",
        "breaker",
        FAULT,
        {"record": look(world.record(breaker=Breaker(3, NOW + HOUR).to_json()))},
        "3 changes in a row have failed; none is tried until 2026-11-20T11:02:30Z",
        "describe-scaling-activities",
    ),
    Planted(
        "changes fail",
        "breaker",
        WARNING,
        {"record": look(world.record(breaker=Breaker(2).to_json()))},
        "2 changes in a row have failed",
        "describe-scaling-activities",
    ),
    Planted(
        "a fault on the way to the decision",
        "doubts",
        WARNING,
        {"record": look(world.record(decision=world.decision(faults=("calendar: garbage",))))},
        "calendar: garbage",
        "predictive-autoscaler explain",
    ),
    Planted(
        "not the forest's forecast",
        "doubts",
        WARNING,
        {"record": look(world.record(decision=world.decision(rung=Rung.SEASONAL)))},
        "rung 'seasonal'",
        "checks of the model",
    ),
    Planted(
        "metrics in doubt",
        "doubts",
        WARNING,
        {"record": look(world.record(decision=world.decision(present_quality=Quality.MISSING)))},
        "metrics were missing",
        "check of metrics",
    ),
    # mode
    Planted(
        "control/GROUP.json is garbage",
        "mode",
        FAULT,
        {"control": lost(DataError("control/shop-web.json: not JSON"))},
        "control/shop-web.json: not JSON; the mode stays full",
        f"predictive-autoscaler mode {GROUP} full",
    ),
    Planted(
        "control/GROUP.json is garbage while the controller observes",
        "mode",
        FAULT,
        {
            "control": lost(DataError("control/shop-web.json: not JSON")),
            "record": look(world.record(mode="observe")),
            "settings": lost(SettingsError("LOAD_BALANCER is not set")),
        },
        "the mode stays observe",
        f"predictive-autoscaler mode {GROUP} observe",
    ),
    Planted(
        "an event above MaxSize",
        "mode",
        WARNING,
        {
            "control": look(
                GroupControl("full", (CalendarEvent("sale", NOW + DAY, NOW + 2 * DAY, 40),))
            )
        },
        "'sale' is announced with 40 instances, but MaxSize is 10",
        "--max-size 40",
    ),
    Planted(
        "policies still ordinary in mode full",
        "policies",
        FAULT,
        {"nets": look([Net("shop-cpu", "cpu", 70.0, True), world.NETS[1]])},
        "shop-cpu: from 70 % CPU with scale-in to 85 % CPU without scale-in",
        f"predictive-autoscaler mode {GROUP} full",
    ),
    Planted(
        "policies still nets in mode observe",
        "policies",
        FAULT,
        {"control": look(GroupControl("observe"))},
        "mode observe does not agree with shop-requests",
        f"predictive-autoscaler mode {GROUP} observe",
    ),
    Planted(
        "a step policy that may scale in beside mode full",
        "policies",
        FAULT,
        {"nets": look([*world.NETS, Net("nightly", "other", 0.0, True)])},
        "'nightly' may scale in beside the controller",
        f"aws autoscaling delete-policy {OF_GROUP} --policy-name nightly",
    ),
    Planted(
        "nothing behind the controller",
        "policies",
        WARNING,
        {"nets": look([])},
        "no target tracking policy stands behind the controller",
        "terraform apply",
    ),
    Planted(
        "AWS's predictive scaling acts, too",
        "other hands",
        FAULT,
        {"policies": look([Policy("native", "PredictiveScaling", acts=True)])},
        "predictive scaling policy 'native' sets capacity, too; mode full",
        f"aws autoscaling delete-policy {OF_GROUP} --policy-name native",
    ),
    Planted(
        "a scheduled action",
        "other hands",
        FAULT,
        {"scheduled_actions": look([ScheduledAction("night", "0 22 * * *")])},
        "scheduled action 'night' (0 22 * * *)",
        f"aws autoscaling delete-scheduled-action {OF_GROUP} --scheduled-action-name night",
    ),
    # room
    Planted(
        "more than the account may run",
        "vCPU limit",
        FAULT,
        {"vcpu_limit": look(VcpuLimit("L-1216C47A", "standard", 8.0))},
        "MaxSize 10 of t3.medium is 20 vCPUs, and the account may run 8 (standard): the group "
        "stops at 4 instances",
        "request-service-quota-increase --service-code ec2 --quota-code L-1216C47A "
        "--desired-value 25",
    ),
    Planted(
        "nearly all that the account may run",
        "vCPU limit",
        WARNING,
        {"vcpu_limit": look(VcpuLimit("L-1216C47A", "standard", 22.0))},
        "shared with all else",
        "request-service-quota-increase",
    ),
    Planted(
        "too few addresses",
        "subnets",
        FAULT,
        {"subnets": look([Subnet("subnet-1", 3), Subnet("subnet-2", 2)])},
        "5 free addresses (subnet-1 3, subnet-2 2) for 6 more instances",
        "--vpc-zone-identifier",
    ),
    # people
    Planted(
        "no topic is set",
        "topic",
        WARNING,
        with_environment(SNS_TOPIC_ARN=""),
        "SNS_TOPIC_ARN is not set",
        "export SNS_TOPIC_ARN=",
    ),
    Planted(
        "the topic is gone",
        "topic",
        FAULT,
        {"topic": look(None)},
        f"there is no topic {TOPIC}",
        "set SNS_TOPIC_ARN",
    ),
    Planted(
        "nobody has confirmed",
        "topic",
        FAULT,
        {"topic": look(Topic(TOPIC, 0, 1))},
        f"none of 1 subscribers of {TOPIC} has confirmed",
        "follow the link in AWS's mail",
    ),
    Planted(
        "nobody listens",
        "topic",
        FAULT,
        {"topic": look(Topic(TOPIC, 0, 0))},
        "has no subscriber",
        f"aws sns subscribe --topic-arn {TOPIC}",
    ),
    Planted(
        "an alarm rings",
        "alarms",
        FAULT,
        {"alarms": look([world.alarm(state="ALARM", since=NOW - 3 * HOUR)])},
        "shop-no-decision has been ringing for 3.0 h: No decision for 15 minutes",
        "docs/runbook.md tells what to do; "
        "aws cloudwatch describe-alarm-history --alarm-name shop-no-decision",
    ),
    Planted(
        "an alarm rings that names its entry of the runbook",
        "alarms",
        FAULT,
        {
            "alarms": look(
                [world.alarm(state="ALARM", says="Nothing. See docs/runbook.md#no-decision")]
            )
        },
        "shop-no-decision has been ringing",
        "docs/runbook.md#no-decision tells what to do; aws cloudwatch describe-alarm-history",
    ),
    Planted(
        "an alarm without data",
        "alarms",
        WARNING,
        {"alarms": look([world.alarm(state="INSUFFICIENT_DATA")])},
        "has had no data for 24.0 h",
        "describe-alarm-history",
    ),
    Planted(
        "an alarm that is switched off",
        "alarms",
        WARNING,
        {"alarms": look([world.alarm(tells=False)])},
        "nobody is told",
        "aws cloudwatch enable-alarm-actions --alarm-names shop-no-decision",
    ),
    Planted(
        "no alarm",
        "alarms",
        WARNING,
        {"alarms": look([world.alarm(name="TargetTracking-shop-AlarmLow", state="ALARM")])},
        "no alarm is about this group",
        "terraform apply",
    ),
]


def found_in(facts: Facts) -> list[tuple[Check, Finding]]:
    return [(check, finding) for check, found in examined(facts) for finding in found]


def troubles(findings: Sequence[tuple[Check, Finding]]) -> list[tuple[str, Finding]]:
    return [(check.name, one) for check, one in findings if one.status is not Status.OK]


def test_in_a_healthy_world_every_check_says_that_all_is_well() -> None:
    findings = found_in(healthy())
    assert troubles(findings) == []
    assert {check.name for check, _ in findings} == {check.name for check in CHECKS}


@pytest.mark.parametrize("planted", PLANTED, ids=[planted.what for planted in PLANTED])
def test_a_planted_fault_is_found_with_its_remedy(planted: Planted) -> None:
    findings = found_in(replace(healthy(), **planted.facts))
    found = [
        finding
        for check, finding in findings
        if check.name == planted.check and planted.text in finding.text
    ]
    assert [finding.status for finding in found] == [planted.status], troubles(findings)
    assert planted.remedy in found[0].remedy


def test_every_check_has_a_fault_that_it_finds() -> None:
    assert {planted.check for planted in PLANTED} == {check.name for check in CHECKS}


def test_what_is_wrong_never_goes_without_a_remedy() -> None:
    for planted in PLANTED:
        for check, finding in found_in(replace(healthy(), **planted.facts)):
            wrong = finding.status in (FAULT, WARNING)
            assert bool(finding.remedy) or not wrong, (planted.what, check.name, finding)


@pytest.mark.parametrize(
    "error",
    [
        AccessDeniedError("AccessDenied"),
        SourceError("no answer within 60 s"),
        ThrottledError("slow"),
    ],
)
@pytest.mark.parametrize(
    "name", [name for name in vars(healthy()) if callable(vars(healthy())[name])]
)
def test_a_fact_that_cannot_be_had_stops_nothing_else(name: str, error: SourceError) -> None:
    missing: dict[str, Any] = {name: lost(error)}
    findings = found_in(replace(healthy(), **missing))
    assert {check.name for check, _ in findings} == {check.name for check in CHECKS}
    told = troubles(findings)
    assert told, f"nobody looks at {name}"
    assert all(str(error) in finding.text or name in ("record", "control") for _, finding in told)


def test_a_mistake_in_a_check_is_its_own() -> None:
    def broken(facts: Facts) -> list[Finding]:
        raise ZeroDivisionError("of all things")

    check = Check("broken", "here", "always", (), broken)
    (finding,) = findings_of(check, healthy())
    assert finding.status is NOT_CHECKED
    assert "of all things" in finding.text


def test_what_was_found_before_a_fact_was_missing_stays() -> None:
    def half(facts: Facts) -> Any:
        yield Finding(FAULT, "found", "mend it")
        facts.group()

    check = Check("half", "here", "always", (), half)
    found = findings_of(check, replace(healthy(), group=lost(SourceError("no answer"))))
    assert [finding.text for finding in found] == ["found", "no answer"]


def test_the_findings_as_json() -> None:
    facts = replace(healthy(), reserved_concurrency=look(0))
    told = to_json(facts, list(examined(facts)))
    assert (told["group"], told["region"], told["at"]) == (
        GROUP,
        "eu-central-1",
        "2026-11-20T10:02:30Z",
    )
    assert told["counts"]["fault"] == 1
    assert told["counts"] == counts([finding for _, finding in found_in(facts)])
    (row,) = [row for row in told["findings"] if row["status"] == "fault"]
    assert (row["check"], row["area"]) == ("concurrency", "function")


def test_the_function_of_many_groups_is_compared_by_what_they_share() -> None:
    (check,) = [check for check in CHECKS if check.name == "function settings"]

    def found(**variables: str) -> list[Status]:
        listed = '{"groups": {"a": {}, "shop-web": {}}}'
        there = {
            **world.ENVIRONMENT,
            "ASG_NAME": "",
            "AUTOSCALER_GROUPS": listed,
            "AUTOSCALER_BOOT_MINUTES": "9",
            **variables,
        }
        facts = replace(healthy(), function=look(world.function(environment=there)))
        return [finding.status for finding in findings_of(check, facts)]

    assert found() == [Status.OK]
    assert found(AUTOSCALER_INTERVAL_MINUTES="10") == [WARNING]
    assert found(AUTOSCALER_INTERVAL_MINUTES="5") == [Status.OK]


def test_names_are_unique_and_areas_stand_together() -> None:
    names = [check.name for check in CHECKS]
    assert len(set(names)) == len(names)
    areas = [check.area for check in CHECKS]
    assert len(dict.fromkeys(areas)) == sum(
        area != before for area, before in zip(areas, [None, *areas], strict=False)
    )


def test_python_and_handler_are_both_told() -> None:
    (check,) = [check for check in CHECKS if check.name == "runtime"]
    old = world.function(runtime="python3.9", handler="app.handler")
    found = findings_of(check, replace(healthy(), function=look(old)))
    assert [finding.status for finding in found] == [FAULT, FAULT]
    assert "runs python3.9" in found[0].text
    assert "'app.handler'" in found[1].text


@pytest.mark.parametrize(
    "error",
    [
        UnknownSettingError("AUTOSCALER_BANANA", SETTING_NAMES),
        SettingsError("AUTOSCALER_CAPACITY_PER_INSTANCE is 'abc'; allowed is 1 to 1e+09"),
    ],
)
def test_what_is_wrong_with_the_settings_is_told_once(error: SettingsError) -> None:
    gone = lost(error)
    facts = replace(healthy(), settings=gone, metrics=gone, card=gone, other_versions=gone)
    findings = found_in(facts)
    told = [check.name for check, finding in findings if str(error) in finding.text]
    assert told == ["settings"]
    sent = [check.name for check, finding in findings if "see settings" in finding.text]
    assert {"reads", "metrics", "model", "model age", "timeout"} <= set(sent)
    assert {finding.status for _, finding in findings if "see settings" in finding.text} == {
        NOT_CHECKED
    }


def test_another_trouble_with_a_setting_is_told_where_it_is_met() -> None:
    facts = replace(healthy(), card=lost(SettingsError("AWS_REGION is not set")))
    assert ("model age", "AWS_REGION is not set") in [
        (check.name, finding.text) for check, finding in found_in(facts)
    ]


def test_a_record_that_is_not_there_was_not_read() -> None:
    (check,) = [check for check in CHECKS if check.name == "reads"]
    found = findings_of(check, replace(healthy(), record=look(None)))
    assert [finding.status for finding in found] == [NOT_CHECKED, Status.OK]
    assert "s3:GetObject on decisions (there is none to read)" in found[0].text
    assert "s3:GetObject on decisions" not in found[1].text


def test_the_sum_counts_checks_and_findings_apart() -> None:
    found = [fault("a", "b"), fault("c", "d"), warning("e", "f"), ok("g"), ok("h")]
    assert summary(4, found) == (
        "4 checks with 5 findings: 2 ok, 1 warning, 2 faults, 0 not checked."
    )
