"""Who asks, what IAM lets whom do, and what time AWS has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import ClientError

from predictive_autoscaler.adapters.aws.clients import Clients
from predictive_autoscaler.adapters.aws.errors import aws_errors
from predictive_autoscaler.core.surroundings import Caller, ClockReading, Right, Simulated
from predictive_autoscaler.errors import SourceError

_ALLOWED = "allowed"


class AwsAccount:
    """Reads about the account.

    Args:
        namespace: of our own metrics: whether they may be published depends on it.
    """

    def __init__(self, clients: Clients, namespace: str) -> None:
        self._clients = clients
        self._namespace = namespace

    def caller(self) -> Caller:
        """Whose credentials are in use. Raises SourceError if there are none that hold."""
        with aws_errors("sts", "GetCallerIdentity", "these credentials"):
            answer = self._clients.of("sts").get_caller_identity()
        return Caller(answer["Arn"], answer["Account"])

    def clock(self) -> ClockReading:
        """Both clocks, by the date of an answer; a refusal has one as well.

        Raises:
            SourceError: nobody answered, or without a date.
        """
        with aws_errors("sts", "GetCallerIdentity", "AWS's clock"):
            client = self._clients.of("sts")
            try:
                answer = client.get_caller_identity()
            except ClientError as error:
                answer = error.response
        here = datetime.now(UTC)
        headers: Mapping[str, str] = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        try:
            return ClockReading(here, parsedate_to_datetime(headers["date"]).astimezone(UTC))
        except (KeyError, ValueError) as error:
            raise SourceError(f"the answer has no date that can be read: {error!r}") from error

    def simulated(self, principal: str, rights: Sequence[Right]) -> Simulated:
        """What IAM says that a principal may do. Policies of buckets, keys and topics have no say
        in it.

        Args:
            principal: ARN of a user, a role or a session of a role.
        """
        source = policy_source(principal)
        by_resource: dict[str, list[str]] = defaultdict(list)
        for right in rights:
            by_resource[right.resource].append(right.action)
        denied = {
            Right(action, resource)
            for resource, actions in by_resource.items()
            for action in self._denied(source, actions, resource)
        }
        return Simulated(
            principal=source,
            denied=tuple(right for right in rights if right in denied),
            allowed=tuple(right for right in rights if right not in denied),
        )

    def _denied(self, source: str, actions: Sequence[str], resource: str) -> list[str]:
        request: dict[str, Any] = {
            "PolicySourceArn": source,
            "ActionNames": list(actions),
            "ResourceArns": [resource],
            "ContextEntries": [
                {
                    "ContextKeyName": "cloudwatch:namespace",
                    "ContextKeyValues": [self._namespace],
                    "ContextKeyType": "string",
                }
            ],
        }
        with aws_errors("iam", "SimulatePrincipalPolicy", source):
            pages = self._clients.of("iam").get_paginator("simulate_principal_policy")
            results = [
                found for page in pages.paginate(**request) for found in page["EvaluationResults"]
            ]
        return [one["EvalActionName"] for one in results if one["EvalDecision"] != _ALLOWED]


def policy_source(principal: str) -> str:
    """The user or role whose policies are meant; of a role's session the role.

    Raises:
        SourceError: it has no policies of its own, as the account's root user.
    """
    start, _, name = principal.partition(":assumed-role/")
    if name:
        # The path of the role, if it has one, is not in its session's ARN.
        return f"{start.replace(':sts:', ':iam:')}:role/{name.split('/')[0]}"
    if ":user/" in principal or ":role/" in principal:
        return principal.replace(":sts:", ":iam:")
    raise SourceError(f"{principal} is neither a user nor a role, so nothing can be simulated")
