"""The operations of the load scenarios, without Locust and without a network."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    parse,
    validate,
)

from predictive_autoscaler.loadtest.preflight import DOCUMENT
from predictive_autoscaler.storefront.documents import shop_schema
from predictive_autoscaler.storefront.service_times import MEAN_MS
from tests.helpers.locust_files import locust_file

operations = locust_file("saleor_operations")
DOCUMENTS: dict[str, str] = dict(operations.DOCUMENTS) | {"preflight": DOCUMENT}


def full_schema() -> GraphQLSchema:
    """Saleor's own schema, where the environment names the file."""
    name = os.environ.get("SALEOR_SCHEMA")
    if not name:
        pytest.skip("SALEOR_SCHEMA names no schema file of Saleor")
    return build_schema(Path(name).read_text(encoding="utf-8"), assume_valid=True)


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_each_document_is_valid_for_the_storefront(name: str) -> None:
    assert validate(shop_schema(), parse(DOCUMENTS[name])) == []


def test_each_document_is_valid_for_saleor() -> None:
    schema = full_schema()
    found = {name: validate(schema, parse(text)) for name, text in DOCUMENTS.items()}
    assert {name: errors for name, errors in found.items() if errors} == {}


def test_the_storefront_speaks_a_part_of_saleors_schema() -> None:
    """Every type, field, argument and value of ours is there as well, with the same type."""
    theirs, ours = full_schema(), shop_schema()
    assert list(differences(ours, theirs)) == []


def test_each_operation_has_a_service_time() -> None:
    assert set(operations.DOCUMENTS) <= set(MEAN_MS)


def differences(ours: GraphQLSchema, theirs: GraphQLSchema) -> Iterator[str]:
    """What the one schema has, and the other has not, or otherwise."""
    for name, kind in ours.type_map.items():
        other = theirs.type_map.get(name)
        if name.startswith("__"):
            continue
        if other is None:
            yield name
        elif isinstance(kind, GraphQLEnumType):
            assert isinstance(other, GraphQLEnumType)
            yield from (f"{name}.{value}" for value in set(kind.values) - set(other.values))
        elif isinstance(kind, GraphQLObjectType | GraphQLInputObjectType):
            assert isinstance(other, GraphQLObjectType | GraphQLInputObjectType)
            for field, ours_there in kind.fields.items():
                theirs_there = other.fields.get(field)
                if theirs_there is None or str(theirs_there.type) != str(ours_there.type):
                    yield f"{name}.{field}"
                elif isinstance(ours_there, GraphQLField):
                    assert isinstance(theirs_there, GraphQLField)
                    for argument, given in ours_there.args.items():
                        found = theirs_there.args.get(argument)
                        if found is None or str(found.type) != str(given.type):
                            yield f"{name}.{field}({argument})"


class FakeResponse:
    def __init__(self, status: int, content: Any) -> None:
        self.status_code = status
        self.text = content if isinstance(content, str) else json.dumps(content)
        self.told: str | None = None

    def json(self) -> Any:
        return json.loads(self.text)

    def success(self) -> None:
        self.told = "success"

    def failure(self, reason: str) -> None:
        self.told = reason


class FakeClient:
    def __init__(self, status: int, content: Any) -> None:
        self.response = FakeResponse(status, content)
        self.sent: dict[str, Any] = {}

    @contextmanager
    def post(self, path: str, **options: Any) -> Iterator[FakeResponse]:
        self.sent = {"path": path} | options
        yield self.response


def listing(*nodes: Any) -> Any:
    return {"data": {"products": {"edges": [{"node": one, "cursor": "c"} for one in nodes]}}}


def test_a_good_answer_is_a_success_under_the_name_of_the_operation() -> None:
    client = FakeClient(200, listing({"slug": "a"}))
    page = operations.Saleor(client, "here").products()
    assert operations.nodes(page) == [{"slug": "a"}]
    assert client.response.told == "success"
    assert client.sent["path"] == "/graphql/"
    assert client.sent["name"] == "products"
    assert client.sent["json"]["variables"]["channel"] == "here"


@pytest.mark.parametrize(
    ("status", "content", "reason"),
    [
        (200, {"data": {"products": None}, "errors": [{"message": "no"}]}, "errors: no"),
        (200, listing(), "no products: does the channel 'here' exist"),
        (200, {"data": {}}, "the answer holds no products"),
        (200, "", "the answer holds no products"),
        (200, "<html>", "the answer holds no products"),
        (200, [1], "the answer holds no products"),
        (400, {"errors": [{"message": "Unknown field"}]}, "HTTP 400: Unknown field"),
        (503, "busy", "HTTP 503"),
        (0, "", "no answer"),
    ],
)
def test_what_is_not_good_is_a_failure_that_tells_why(
    status: int, content: Any, reason: str
) -> None:
    client = FakeClient(status, content)
    with pytest.raises(operations.FailedOperation, match=r"products: "):
        operations.Saleor(client, "here").products()
    assert client.response.told is not None
    assert client.response.told.startswith(reason)


def test_a_later_page_may_be_empty() -> None:
    client = FakeClient(200, listing())
    operations.Saleor(client, "here").products("cursor")
    assert client.response.told == "success"


def test_errors_of_a_mutation_are_a_failure_with_code_and_field() -> None:
    problem = {"field": "lines", "code": "INSUFFICIENT_STOCK", "message": "gone"}
    content = {"data": {"checkoutComplete": {"order": None, "errors": [problem]}}}
    client = FakeClient(200, content)
    with pytest.raises(operations.FailedOperation):
        operations.Saleor(client, "here").complete("id")
    assert client.response.told == "refused: INSUFFICIENT_STOCK lines gone"


def test_a_completion_without_an_order_is_a_failure() -> None:
    content: Any = {"data": {"checkoutComplete": {"order": None, "errors": []}}}
    client = FakeClient(200, content)
    with pytest.raises(operations.FailedOperation):
        operations.Saleor(client, "here").complete("id")
    assert client.response.told is not None
    assert client.response.told.startswith("no order")


def test_never_more_than_saleor_allows_of_one_thing() -> None:
    content = {"data": {"checkoutLinesAdd": {"checkout": {"id": "c"}, "errors": []}}}
    client = FakeClient(200, content)
    operations.Saleor(client, "here").add_line("c", "v", 51)
    assert client.sent["json"]["variables"]["lines"] == [{"variantId": "v", "quantity": 50}]


def test_buyable_is_what_is_for_sale_in_stock_and_priced() -> None:
    price = {"price": {"gross": {"amount": 1.0}}}
    good = {"quantityAvailable": 1, "pricing": price}
    product = {
        "isAvailableForPurchase": True,
        "variants": [
            good,
            {"quantityAvailable": 0, "pricing": price},
            {"quantityAvailable": None, "pricing": price},
            {"quantityAvailable": 9, "pricing": None},
            {"quantityAvailable": 9, "pricing": {"price": None}},
        ],
    }
    assert operations.buyable(product) == [good]
    assert operations.buyable(product | {"isAvailableForPurchase": False}) == []
    assert operations.buyable(product | {"variants": None}) == []
