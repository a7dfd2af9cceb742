"""Functions and their rules: of moto where it can play the part, of stubs where not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.stub import Stubber

from predictive_autoscaler.adapters.aws.clients import Clients
from predictive_autoscaler.adapters.aws.lambda_functions import LambdaFunctions, may_be_called
from predictive_autoscaler.core.surroundings import ControllerFunction
from predictive_autoscaler.errors import AccessDeniedError

FUNCTION = ControllerFunction(
    name="tick",
    arn="arn:aws:lambda:eu-central-1:1:function:tick",
    role="arn:aws:iam::1:role/tick",
    state="Active",
    update="Successful",
    reason="",
    runtime="python3.13",
    handler="h.h",
    timeout_seconds=60,
    memory_mb=512,
    code_sha256="",
    modified="",
    environment={},
)
RULE = "arn:aws:events:eu-central-1:1:rule/tick"


@pytest.fixture
def clients(aws: Clients) -> Clients:
    return Clients("eu-central-1")


def statement(**changes: Any) -> str:
    made = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Condition": {"ArnLike": {"AWS:SourceArn": RULE}},
    }
    return json.dumps({"Statement": [made | changes]})


def test_what_lets_a_rule_call() -> None:
    assert may_be_called(statement(), RULE)
    assert may_be_called(statement(Condition={}), RULE)
    assert not may_be_called(statement(), f"{RULE}-other")
    assert not may_be_called(statement(Effect="Deny"), RULE)
    assert not may_be_called(statement(Principal={"Service": "s3.amazonaws.com"}), RULE)
    assert not may_be_called("", RULE)


@pytest.mark.parametrize(
    ("code", "may"), [("AccessDeniedException", None), ("ResourceNotFoundException", False)]
)
def test_rules_whose_right_to_call_is_not_there_or_not_known(
    clients: Clients, code: str, may: bool | None
) -> None:
    events, functions = Stubber(clients.of("events")), Stubber(clients.of("lambda"))
    events.add_response("list_rule_names_by_target", {"RuleNames": ["tick"]})
    told = {"Arn": RULE, "State": "DISABLED", "ScheduleExpression": "rate(5 minutes)"}
    events.add_response("describe_rule", told)
    functions.add_client_error("get_policy", code)
    with events, functions:
        (rule,) = LambdaFunctions(clients).rules(FUNCTION)
    assert (rule.name, rule.enabled, rule.schedule) == ("tick", False, "rate(5 minutes)")
    assert rule.may_call is may


def test_a_function_that_is_not_there(clients: Clients) -> None:
    assert LambdaFunctions(clients).named("gone") is None
    assert LambdaFunctions(clients).with_environment(lambda environment: True) is None


def test_a_role_that_may_not_list_functions(clients: Clients) -> None:
    stub = Stubber(clients.of("lambda"))
    stub.add_client_error("list_functions", "AccessDeniedException")
    with stub, pytest.raises(AccessDeniedError, match="do lambda:ListFunctions"):
        LambdaFunctions(clients).with_environment(lambda environment: True)
