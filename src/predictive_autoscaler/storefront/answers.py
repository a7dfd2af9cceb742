"""From the text of a GraphQL request to the bytes of its answer."""

from __future__ import annotations

import json
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLResolveInfo,
    execute_sync,
)

from predictive_autoscaler.storefront.catalogue import Catalogue
from predictive_autoscaler.storefront.documents import (
    Document,
    Documents,
    priced_as,
    shop_schema,
)
from predictive_autoscaler.storefront.mutations import Mutations
from predictive_autoscaler.storefront.queries import Queries

KEPT_ANSWERS = 2048


@dataclass(frozen=True)
class Answer:
    """An HTTP status and the body that goes with it."""

    status: int
    body: bytes


@dataclass(frozen=True)
class Request:
    """A request that can be executed, or the answer to one that cannot.

    Attributes:
        operations: entries of the table of service times that its time adds up from.
    """

    operations: list[str]
    answer: Callable[[], Answer]


class Shop:
    """Answers requests from the database."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        catalogue = Catalogue(connection)
        self._schema = shop_schema()
        self._documents = Documents(self._schema)
        self._root = Queries(catalogue).fields() | Mutations(connection, catalogue).fields()
        self._kept: OrderedDict[tuple[str, str | None, str], Answer] = OrderedDict()

    def read(self, body: bytes) -> Request:
        """Read a request: a JSON object with `query`, and maybe `variables`, `operationName`."""
        try:
            asked = json.loads(body)
        except ValueError:
            return _refused("The body is not JSON.")
        if not isinstance(asked, dict) or not isinstance(asked.get("query"), str):
            return _refused("The body is not a JSON object with a `query`.")
        variables, name = asked.get("variables") or {}, asked.get("operationName")
        if not isinstance(variables, dict):
            return _refused("`variables` is not an object.")
        document = self._documents.read(asked["query"])
        if document.errors:
            return _refused(*document.errors)
        operation = document.operation(name)
        if operation is None:
            return _refused(f"The document has no operation {name!r} to choose.")
        return Request(
            priced_as(operation),
            lambda: self._answer(asked["query"], document, variables, name),
        )

    def _answer(
        self, text: str, document: Document, variables: dict[str, Any], name: str | None
    ) -> Answer:
        """Execute; an answer that lasts is kept and found again."""
        if not document.lasting:
            return self._executed(document, variables, name)
        key = (text, name, json.dumps(variables, sort_keys=True))
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = self._executed(document, variables, name)
            if len(self._kept) > KEPT_ANSWERS:
                self._kept.popitem(last=False)
        return found

    def _executed(self, document: Document, variables: dict[str, Any], name: str | None) -> Answer:
        assert document.tree is not None
        result = execute_sync(
            self._schema,
            document.tree,
            root_value=self._root,
            variable_values=variables,
            operation_name=name,
            field_resolver=_resolve,
        )
        return _told(result)


def _resolve(source: Mapping[str, Any], info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
    """A branch of a tree; where it is a function, what that returns."""
    value = source.get(info.field_name)
    return value(info, **arguments) if callable(value) else value


def _told(result: ExecutionResult) -> Answer:
    """Errors of resolvers are part of a good answer; wrong variables are a bad request."""
    errors = result.errors or []
    bad = result.data is None and all(error.path is None for error in errors) and bool(errors)
    content: dict[str, Any] = {} if bad else {"data": result.data}
    if errors:
        content["errors"] = [error.formatted for error in errors]
    return Answer(400 if bad else 200, json.dumps(content, separators=(",", ":")).encode())


def _refused(*errors: GraphQLError | str) -> Request:
    entries = [
        error.formatted if isinstance(error, GraphQLError) else {"message": error}
        for error in errors
    ]
    answer = Answer(400, json.dumps({"errors": entries}).encode())
    return Request(["refused"], lambda: answer)
