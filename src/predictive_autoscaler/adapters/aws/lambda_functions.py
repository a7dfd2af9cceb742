"""Lambda functions as they are set up, and the EventBridge rules that call them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from predictive_autoscaler.adapters.aws.clients import Clients
from predictive_autoscaler.adapters.aws.errors import aws_errors, error_code
from predictive_autoscaler.core.surroundings import ControllerFunction, Rule
from predictive_autoscaler.errors import AccessDeniedError

Environment = Mapping[str, str]
_GONE = "ResourceNotFoundException"


class LambdaFunctions:
    """Reads about Lambda functions and EventBridge rules. All raise SourceError."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def named(self, name: str) -> ControllerFunction | None:
        """The function of this name; None if there is none."""
        with aws_errors("lambda", "GetFunctionConfiguration", f"function {name!r}"):
            try:
                found = self._clients.of("lambda").get_function_configuration(FunctionName=name)
            except ClientError as error:
                if error_code(error) == _GONE:
                    return None
                raise
        return _function(found)

    def with_environment(self, fits: Callable[[Environment], bool]) -> ControllerFunction | None:
        """The first function of the region whose environment fits; None if there is none."""
        with aws_errors("lambda", "ListFunctions", "this region"):
            for page in self._clients.of("lambda").get_paginator("list_functions").paginate():
                for found in page["Functions"]:
                    if fits(_environment(found)):
                        # The list says nothing of state and update.
                        return self.named(found["FunctionName"])
        return None

    def rules(self, function: ControllerFunction) -> list[Rule]:
        """The EventBridge rules that have it as a target."""
        client = self._clients.of("events")
        with aws_errors("events", "ListRuleNamesByTarget", f"function {function.name!r}"):
            names = client.list_rule_names_by_target(TargetArn=function.arn)["RuleNames"]
        return [self._rule(name, function) for name in names]

    def reserved_concurrency(self, function: ControllerFunction) -> int | None:
        """How many calls at once are reserved for it; None if none are, 0 switches it off."""
        with aws_errors("lambda", "GetFunctionConcurrency", f"function {function.name!r}"):
            answer = self._clients.of("lambda").get_function_concurrency(FunctionName=function.name)
        reserved: int | None = answer.get("ReservedConcurrentExecutions")
        return reserved

    def _rule(self, name: str, function: ControllerFunction) -> Rule:
        with aws_errors("events", "DescribeRule", f"rule {name!r}"):
            found = self._clients.of("events").describe_rule(Name=name)
        return Rule(
            name=name,
            enabled=found["State"].startswith("ENABLED"),
            schedule=found.get("ScheduleExpression", ""),
            may_call=self._may_call(function, found["Arn"]),
        )

    def _may_call(self, function: ControllerFunction, rule_arn: str) -> bool | None:
        try:
            return may_be_called(self._policy(function.name), rule_arn)
        except AccessDeniedError:
            return None

    def _policy(self, name: str) -> str:
        with aws_errors("lambda", "GetPolicy", f"function {name!r}"):
            try:
                policy: str = self._clients.of("lambda").get_policy(FunctionName=name)["Policy"]
            except ClientError as error:
                if error_code(error) == _GONE:
                    return ""
                raise
        return policy


def _function(found: Mapping[str, Any]) -> ControllerFunction:
    return ControllerFunction(
        name=found["FunctionName"],
        arn=found["FunctionArn"],
        role=found["Role"],
        state=found.get("State", "Active"),
        update=found.get("LastUpdateStatus", "Successful"),
        reason=found.get("StateReason") or found.get("LastUpdateStatusReason") or "",
        runtime=found.get("Runtime", ""),
        handler=found.get("Handler", ""),
        timeout_seconds=int(found["Timeout"]),
        memory_mb=int(found["MemorySize"]),
        code_sha256=found.get("CodeSha256", ""),
        modified=found.get("LastModified", "?"),
        environment=_environment(found),
    )


def may_be_called(policy: str, rule_arn: str) -> bool:
    """Whether a function's policy, as JSON, lets EventBridge call it for a rule."""
    if not policy:
        return False
    return any(_allows(statement, rule_arn) for statement in json.loads(policy)["Statement"])


def _allows(statement: Mapping[str, Any], rule_arn: str) -> bool:
    principal = statement.get("Principal")
    service = principal.get("Service") if isinstance(principal, dict) else principal
    if statement.get("Effect") != "Allow" or service not in ("events.amazonaws.com", "*"):
        return False
    sources = [
        arn
        for condition in statement.get("Condition", {}).values()
        for key, arn in condition.items()
        if key.lower() == "aws:sourcearn"
    ]
    return not sources or rule_arn in sources


def _environment(found: Mapping[str, Any]) -> Environment:
    variables: Environment = found.get("Environment", {}).get("Variables", {})
    return variables
