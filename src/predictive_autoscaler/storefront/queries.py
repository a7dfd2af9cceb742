"""Looking things up: the fields of the schema's Query."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from graphql import GraphQLError

from predictive_autoscaler.storefront.catalogue import Catalogue, Channel, Tree
from predictive_autoscaler.storefront.ids import cursor_of, number_of, place_of

MAXIMUM_FIRST = 100


class Queries:
    """The root of all queries: each method answers the field of its name."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def fields(self) -> dict[str, Callable[..., Any]]:
        """Name of a field -> what answers it."""
        return {
            "products": self.products,
            "product": self.product,
            "categories": self.categories,
            "category": self.category,
            "collections": self.collections,
            "collection": self.collection,
        }

    def products(
        self, _info: object, channel: str | None = None, **arguments: Any
    ) -> dict[str, Any]:
        """Goods of a channel; none of one that is unknown."""
        found = self._channel(channel)
        goods = list(found.products.values()) if found is not None else []
        return self._listing(goods, arguments, "products")

    def product(
        self,
        _info: object,
        id: str | None = None,
        slug: str | None = None,
        channel: str | None = None,
    ) -> Tree | None:
        """One of them, or nothing."""
        _one_of(id=id, slug=slug)
        found = self._channel(channel)
        if found is None:
            return None
        number = number_of("Product", id) if slug is None else found.slugs.get(slug)
        return found.products.get(number) if number is not None else None

    def categories(
        self, _info: object, level: int | None = None, **arguments: Any
    ) -> dict[str, Any]:
        """All categories, which belong to no channel."""
        known = (one for one in self._catalogue.categories.values())
        trees = [self._category(one) for one in known if level is None or one["level"] == level]
        return page(trees, arguments, "categories", "id")

    def category(
        self,
        _info: object,
        id: str | None = None,
        slug: str | None = None,
    ) -> Tree | None:
        """One of them, or nothing."""
        found = _look_up(self._catalogue.categories, "Category", id, slug)
        return self._category(found) if found is not None else None

    def collections(
        self, _info: object, channel: str | None = None, **arguments: Any
    ) -> dict[str, Any]:
        """Collections of a channel; none of one that is unknown."""
        found = self._channel(channel)
        known = self._catalogue.collections.values() if found is not None else ()
        trees = [self._collection(one, found) for one in known]
        return page(trees, arguments, "collections", "id")

    def collection(
        self,
        _info: object,
        id: str | None = None,
        slug: str | None = None,
        channel: str | None = None,
    ) -> Tree | None:
        """One of them, or nothing."""
        found = self._channel(channel)
        tree = _look_up(self._catalogue.collections, "Collection", id, slug)
        return self._collection(tree, found) if tree is not None and found is not None else None

    def _channel(self, slug: str | None) -> Channel | None:
        if slug is None:
            # With one channel that would be the default.
            raise GraphQLError("Name a channel: there is more than one.")
        return self._catalogue.channels.get(slug)

    def _category(self, tree: Tree) -> Tree:
        def products(_info: object, channel: str | None = None, **arguments: Any) -> dict[str, Any]:
            found = self._channel(channel)
            goods = found.products.values() if found is not None else ()
            return self._listing(
                [one for one in goods if one["category"]["key"] == tree["key"]],
                arguments,
                "products",
            )

        return tree | {"products": products}

    def _collection(self, tree: Tree, channel: Channel | None) -> Tree:
        def products(_info: object, **arguments: Any) -> dict[str, Any]:
            goods = channel.products.values() if channel is not None else ()
            members = self._catalogue.members
            return self._listing(
                [one for one in goods if (tree["key"], one["key"]) in members],
                arguments,
                "products",
            )

        return tree | {"products": products, "channel": channel.slug if channel else None}

    def _listing(self, goods: list[Tree], arguments: dict[str, Any], name: str) -> dict[str, Any]:
        """Filter, search and sort goods, then cut out a page."""
        where, older = arguments.get("where"), arguments.get("filter")
        if where is not None and older is not None:
            raise GraphQLError("Give `where` or `filter`, not both.")
        search = arguments.get("search") or (older or {}).get("search")
        members = self._catalogue.members
        goods = [
            one
            for one in goods
            if _meets_where(one, where or {}, members)
            and _meets_filter(one, older or {}, members)
            and (not search or search.lower() in one["name"].lower())
        ]
        order = _sort(goods, arguments, bool(search))
        return page(goods, arguments, name, order)


def page(trees: list[Tree], arguments: dict[str, Any], name: str, order: str) -> dict[str, Any]:
    """A page of a list in that order: `first` items, those after the cursor `after`."""
    first, after = arguments.get("first"), arguments.get("after")
    if first is None:
        raise GraphQLError(f"`{name}` needs `first`, to page through it.")
    if not 0 < first <= MAXIMUM_FIRST:
        raise GraphQLError(f"`first` of `{name}` is {first}; allowed are 1 to {MAXIMUM_FIRST}.")
    start = 0
    if after is not None:
        last = place_of(order, after)
        keys = [one["key"] for one in trees]
        if last is None or last not in keys:
            raise GraphQLError("The cursor in `after` is not valid for this order.")
        start = keys.index(last) + 1
    cut = trees[start : start + first]
    edges = [{"node": one, "cursor": cursor_of(order, one["key"])} for one in cut]
    return {
        "edges": edges,
        "totalCount": len(trees),
        "pageInfo": {
            "hasNextPage": start + first < len(trees),
            "hasPreviousPage": start > 0,
            "startCursor": edges[0]["cursor"] if edges else None,
            "endCursor": edges[-1]["cursor"] if edges else None,
        },
    }


def _sort(goods: list[Tree], arguments: dict[str, Any], searched: bool) -> str:
    """Put the goods into the order asked for; returns what that order is called."""
    asked = arguments.get("sortBy")
    if asked is None and searched:
        # A search without an order comes by rank, the best first.
        asked = {"field": "RANK", "direction": "DESC"}
    wanted = (asked or {}).get("field") or "NAME"
    if wanted == "RANK" and not searched:
        raise GraphQLError("RANK orders the results of a `search`, and there is none.")
    down = (asked or {}).get("direction") == "DESC"
    goods.sort(key=lambda one: _rank(one, wanted), reverse=down)
    return f"{wanted} {'down' if down else 'up'}"


def _rank(tree: Tree, wanted: str) -> tuple[Any, int]:
    if wanted in ("PRICE", "MINIMAL_PRICE"):
        return (tree["cheapest"] or 0, tree["key"])
    if wanted == "RATING":
        return (tree["rating"], tree["key"])
    # Where the same word was looked for, a name that is shorter is matched better.
    return ((-len(tree["name"]) if wanted == "RANK" else tree["name"]), tree["key"])


def _meets_where(tree: Tree, where: dict[str, Any], members: set[Any]) -> bool:
    for name, condition in where.items():
        if condition is None:
            continue
        if name == "ids":
            met = tree["id"] in condition
        elif name in ("name", "slug"):
            met = _among(tree[name], condition)
        elif name == "category":
            met = _among(tree["category"]["id"], condition)
        elif name == "collection":
            met = any((one, tree["key"]) in members for one in _numbers("Collection", condition))
        elif name == "isAvailable":
            met = tree["isAvailableForPurchase"] == condition
        else:
            met = _priced(tree, condition.get("range") or {})
        if not met:
            return False
    return True


def _meets_filter(tree: Tree, older: dict[str, Any], members: set[Any]) -> bool:
    for name, chosen in older.items():
        if chosen is None or name == "search":
            continue
        if name == "isAvailable":
            met = tree["isAvailableForPurchase"] == chosen
        elif name == "ids":
            met = tree["id"] in chosen
        elif name == "slugs":
            met = tree["slug"] in chosen
        elif name == "categories":
            met = tree["category"]["id"] in chosen
        else:
            numbers = _numbers("Collection", {"oneOf": chosen})
            met = any((one, tree["key"]) in members for one in numbers)
        if not met:
            return False
    return True


def _among(value: str, condition: dict[str, Any]) -> bool:
    if condition.get("eq") is not None and value != condition["eq"]:
        return False
    return condition.get("oneOf") is None or value in condition["oneOf"]


def _numbers(kind: str, condition: dict[str, Any]) -> Iterable[int | None]:
    chosen = [condition["eq"]] if condition.get("eq") is not None else condition.get("oneOf") or []
    return [number_of(kind, one) for one in chosen]


def _priced(tree: Tree, limits: dict[str, Any]) -> bool:
    price = (tree["cheapest"] or 0) / 100
    low, high = limits.get("gte"), limits.get("lte")
    return (low is None or price >= float(low)) and (high is None or price <= float(high))


def _look_up(
    trees: dict[int, Tree], kind: str, identifier: str | None, slug: str | None
) -> Tree | None:
    _one_of(id=identifier, slug=slug)
    if slug is not None:
        return next((one for one in trees.values() if one["slug"] == slug), None)
    number = number_of(kind, identifier)
    return trees.get(number) if number is not None else None


def _one_of(**given: str | None) -> None:
    names = " or ".join(f"`{name}`" for name in given)
    if sum(value is not None for value in given.values()) != 1:
        raise GraphQLError(f"Give exactly one of {names}.")
