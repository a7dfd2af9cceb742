"""Stand-ins for AWS where moto cannot play the part: limits, pages and failures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError


def client_error(code: str, message: str = "", status: int = 400) -> ClientError:
    """What boto3 raises for an error answer."""
    answer: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "AnyOperation")


class FakeClient:
    """Answers every operation from one function and keeps what was asked.

    Attributes:
        calls: (operation, arguments) in order.
    """

    def __init__(self, answer: Callable[[str, dict[str, Any]], Any]) -> None:
        self._answer = answer
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            self.calls.append((operation, arguments))
            return self._answer(operation, arguments)

        return call


def failing(error: Exception) -> Any:
    """A client that fails at everything."""

    def answer(operation: str, arguments: dict[str, Any]) -> Any:
        raise error

    return FakeClient(answer)
