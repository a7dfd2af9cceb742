"""GraphQL documents: parsed and checked once, however often they come."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    build_schema,
    parse,
    validate,
)
from graphql.language import Visitor, visit

from predictive_autoscaler.storefront.service_times import MEAN_MS

KEPT_DOCUMENTS = 256
# Answers that other requests change are looked up anew each time.
LIVE_FIELDS = frozenset({"quantityAvailable", "isAvailable"})


def shop_schema() -> GraphQLSchema:
    """The schema of this package."""
    text = files(__package__).joinpath("schema.graphql").read_text(encoding="utf-8")
    schema = build_schema(text)
    for name in ("parse_value", "coerce_input_value"):
        setattr(schema.type_map["PositiveDecimal"], name, _positive)
    return schema


def _positive(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise GraphQLError(f"{value!r} is not a number.")
    try:
        number = float(value)
    except ValueError as error:
        raise GraphQLError(f"{value!r} is not a number.") from error
    if not 0 <= number < float("inf"):
        raise GraphQLError(f"{value!r} is negative or not finite.")
    return number


@dataclass(frozen=True)
class Document:
    """A document and what is wrong with it.

    Attributes:
        tree: None if the text could not be parsed.
        errors: none if the document may be executed.
    """

    tree: DocumentNode | None
    errors: list[GraphQLError]

    @cached_property
    def operations(self) -> list[OperationDefinitionNode]:
        """The operations that may be chosen from."""
        nodes = self.tree.definitions if self.tree is not None else ()
        return [node for node in nodes if isinstance(node, OperationDefinitionNode)]

    @cached_property
    def lasting(self) -> bool:
        """Whether all its answers hold for as long as the catalogue does."""
        if any(one.operation is not OperationType.QUERY for one in self.operations):
            return False
        seen = _Fields()
        if self.tree is not None:
            visit(self.tree, seen)
        return not seen.names & LIVE_FIELDS

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        """The operation of that name; the only one if no name is given."""
        if name is None:
            return self.operations[0] if len(self.operations) == 1 else None
        named = (one for one in self.operations if one.name is not None and one.name.value == name)
        return next(named, None)


class _Fields(Visitor):
    """Gather the names of all fields of a document."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_field(self, node: FieldNode, *_: object) -> None:
        self.names.add(node.name.value)


def priced_as(operation: OperationDefinitionNode) -> list[str]:
    """The entries of the table of service times that an operation adds up from."""
    found = []
    for node in operation.selection_set.selections:
        if isinstance(node, FieldNode):
            name = node.name.value
            if name == "products" and any(
                one.name.value == "search" for one in node.arguments or ()
            ):
                name = "search"
            found.append(name)
    return [name for name in found if name in MEAN_MS] or ["refused"]


class Documents:
    """The documents that came last, by their text."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._kept: OrderedDict[str, Document] = OrderedDict()

    def read(self, text: str) -> Document:
        """Parse and check a document, or find that this has been done."""
        found = self._kept.get(text)
        if found is None:
            found = self._kept[text] = self._read(text)
            if len(self._kept) > KEPT_DOCUMENTS:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(text)
        return found

    def _read(self, text: str) -> Document:
        try:
            tree = parse(text)
        except GraphQLError as error:
            return Document(None, [error])
        return Document(tree, list(validate(self._schema, tree)))
