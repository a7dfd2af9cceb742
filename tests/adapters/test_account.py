"""Who asks, what may be done, and AWS's clock. moto simulates no policies, so stubs answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.stub import Stubber

from predictive_autoscaler.adapters.aws.account import AwsAccount, policy_source
from predictive_autoscaler.adapters.aws.clients import Clients
from predictive_autoscaler.core.surroundings import Right
from predictive_autoscaler.errors import AccessDeniedError, SourceError

NAMESPACE = "SaleorPredictiveScaling"
ROLE = "arn:aws:iam::123456789012:role/shop-controller"


def stubbed(aws: Clients, service: str) -> tuple[Clients, Stubber]:
    """Clients of which one answers what is put into the stubber; its parameters are checked
    against the service's own model.
    """
    clients = Clients("eu-central-1")
    return clients, Stubber(clients.of(service))


def test_the_caller_and_the_clock(aws: Clients) -> None:
    account = AwsAccount(Clients("eu-central-1"), NAMESPACE)
    assert account.caller().account == "123456789012"
    reading = account.clock()
    assert abs(reading.ahead_seconds) < 10
    assert abs(datetime.now(UTC) - reading.here) < timedelta(seconds=10)


def test_a_refusal_tells_the_time_as_well(aws: Clients) -> None:
    clients, stub = stubbed(aws, "sts")
    stub.add_client_error(
        "get_caller_identity",
        "SignatureDoesNotMatch",
        response_meta={"HTTPHeaders": {"date": "Fri, 20 Nov 2026 10:00:00 GMT"}},
    )
    with stub:
        reading = AwsAccount(clients, NAMESPACE).clock()
    assert reading.aws == datetime(2026, 11, 20, 10, tzinfo=UTC)


def test_an_answer_without_a_date_is_no_clock(aws: Clients) -> None:
    clients, stub = stubbed(aws, "sts")
    stub.add_client_error("get_caller_identity", "Forbidden")
    with stub, pytest.raises(SourceError, match="no date"):
        AwsAccount(clients, NAMESPACE).clock()


def asked(actions: list[str], resource: str) -> dict[str, Any]:
    return {
        "PolicySourceArn": ROLE,
        "ActionNames": actions,
        "ResourceArns": [resource],
        "ContextEntries": [
            {
                "ContextKeyName": "cloudwatch:namespace",
                "ContextKeyValues": [NAMESPACE],
                "ContextKeyType": "string",
            }
        ],
    }


def result(action: str, decision: str) -> dict[str, str]:
    return {"EvalActionName": action, "EvalDecision": decision}


def test_rights_are_simulated_resource_by_resource(aws: Clients) -> None:
    rights = [Right("a:One", "*"), Right("s3:PutObject", "arn:b"), Right("a:Two", "*")]
    clients, stub = stubbed(aws, "iam")
    results = [result("a:One", "allowed"), result("a:Two", "implicitDeny")]
    first = {"EvaluationResults": results[:1], "IsTruncated": True, "Marker": "more"}
    second = {"EvaluationResults": results[1:], "IsTruncated": False}
    both = asked(["a:One", "a:Two"], "*")
    operation = "simulate_principal_policy"
    stub.add_response(operation, first, both)
    stub.add_response(operation, second, both | {"Marker": "more"})
    denied = {"EvaluationResults": [result("s3:PutObject", "explicitDeny")], "IsTruncated": False}
    stub.add_response(operation, denied, asked(["s3:PutObject"], "arn:b"))
    with stub:
        found = AwsAccount(clients, NAMESPACE).simulated(ROLE, rights)
        stub.assert_no_pending_responses()
    assert found.allowed == (rights[0],)
    assert found.denied == (rights[1], rights[2])


def test_who_may_not_simulate_is_told_so(aws: Clients) -> None:
    clients, stub = stubbed(aws, "iam")
    stub.add_client_error("simulate_principal_policy", "AccessDenied", "not you")
    with stub, pytest.raises(AccessDeniedError, match="do iam:SimulatePrincipalPolicy"):
        AwsAccount(clients, NAMESPACE).simulated(ROLE, [Right("a:One", "*")])


@pytest.mark.parametrize(
    ("principal", "source"),
    [
        (ROLE, ROLE),
        ("arn:aws:iam::1:user/team/ann", "arn:aws:iam::1:user/team/ann"),
        ("arn:aws-cn:sts::1:assumed-role/ops/ann@x", "arn:aws-cn:iam::1:role/ops"),
    ],
)
def test_whose_policies_count(principal: str, source: str) -> None:
    assert policy_source(principal) == source


def test_root_has_no_policies_to_simulate() -> None:
    with pytest.raises(SourceError, match="neither a user nor a role"):
        policy_source("arn:aws:iam::1:root")
