"""The goods in memory, as trees whose branches bear the names of the schema's fields.

The catalogue does not change while the shop is open, so it is read once. Stock does, and is looked
up where it is asked for.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from predictive_autoscaler.storefront.ids import global_id

Tree = dict[str, Any]
# Saleor's limit of units of a variant in one checkout.
UNITS_PER_LINE = 50


@dataclass(frozen=True)
class Sold:
    """A variant as it is sold in a channel; money in cents of its currency."""

    tree: Tree
    product: int
    cents: int
    shipped: bool
    available: bool


@dataclass
class Channel:
    """What one channel sells: everything by its number."""

    id: int
    slug: str
    currency: str
    products: dict[int, Tree] = field(default_factory=dict)
    slugs: dict[str, int] = field(default_factory=dict)
    variants: dict[int, Sold] = field(default_factory=dict)
    methods: dict[int, tuple[str, int]] = field(default_factory=dict)

    def money(self, cents: int) -> Tree:
        """An amount."""
        return {"currency": self.currency, "amount": cents / 100}

    def taxed(self, cents: int) -> Tree:
        """An amount with taxes, of which this shop charges none."""
        amount = self.money(cents)
        return {
            "currency": self.currency,
            "gross": amount,
            "net": amount,
            "tax": self.money(0),
        }


class Catalogue:
    """All channels, categories and collections.

    Attributes:
        channels: by slug.
        members: (collection, product) pairs.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        rows = connection.execute("SELECT id, slug, currency, rate FROM channel ORDER BY id")
        self.channels: dict[str, Channel] = {}
        self.categories = self._groups("Category", "category", {"level": 0})
        self.collections = self._groups("Collection", "collection", {})
        self.members = set(connection.execute("SELECT collection, product FROM collected"))
        for number, slug, currency, rate in rows.fetchall():
            channel = Channel(number, slug, currency)
            self._stock_shelves(channel, rate)
            self.channels[slug] = channel

    def units(self, variant: int) -> int:
        """Units in stock."""
        found = self._connection.execute("SELECT units FROM stock WHERE variant = ?", (variant,))
        (units,) = found.fetchone()
        return int(units)

    def _groups(self, kind: str, table: str, more: Tree) -> dict[int, Tree]:
        statement = f"SELECT id, slug, name FROM {table} ORDER BY id"  # nosec B608 - names from here
        rows = self._connection.execute(statement)
        return {
            number: {"key": number, "id": global_id(kind, number), "slug": slug, "name": name}
            | more
            for number, slug, name in rows
        }

    def _stock_shelves(self, channel: Channel, rate: float) -> None:
        """Build the trees of a channel."""
        methods = self._connection.execute("SELECT id, name, cents FROM shipping ORDER BY id")
        channel.methods = {number: (name, int(cents * rate)) for number, name, cents in methods}
        sold = self._connection.execute(
            "SELECT product.id, slug, name, category, shipped, rating, sold FROM product "
            "JOIN listing ON listing.product = product.id WHERE channel = ? ORDER BY product.id",
            (channel.id,),
        )
        variants = defaultdict(list)
        for row in self._connection.execute(
            "SELECT product, id, sku, name, cents FROM variant "
            "LEFT JOIN price ON price.variant = variant.id AND channel = ? ORDER BY id",
            (channel.id,),
        ):
            variants[row[0]].append(row[1:])
        for row in sold:
            self._shelve(channel, row, variants[row[0]])

    def _shelve(self, channel: Channel, row: tuple[Any, ...], variants: list[Any]) -> None:
        number, slug, name, category, shipped, rating, sold = row
        tree: Tree = {
            "key": number,
            "id": global_id("Product", number),
            "name": name,
            "slug": slug,
            "description": _rich_text(f"{name}, made to be used every day."),
            "rating": rating,
            "channel": channel.slug,
            "category": self.categories[category],
            "collections": [
                self.collections[one] | {"channel": channel.slug}
                for one, product in sorted(self.members)
                if product == number
            ],
            "productType": _product_type(bool(shipped)),
            "isAvailableForPurchase": bool(sold),
        }
        trees = []
        for variant, sku, form, cents in variants:
            one = self._variant(channel, tree, variant, sku, form, cents)
            trees.append(one)
            if cents is not None:
                channel.variants[variant] = Sold(one, number, cents, bool(shipped), bool(sold))
        prices = [cents for *_, cents in variants if cents is not None]
        tree["variants"] = trees
        tree["defaultVariant"] = trees[0]
        tree["cheapest"] = min(prices, default=None)
        tree["pricing"] = _pricing(channel, prices)
        numbers = [variant for variant, *_ in variants]
        tree["isAvailable"] = lambda _info, **_: (
            bool(sold) and any(self.units(one) > 0 for one in numbers)
        )
        channel.products[number] = tree
        channel.slugs[slug] = number

    def _variant(
        self, channel: Channel, product: Tree, number: int, sku: str, form: str, cents: int | None
    ) -> Tree:
        pricing = None
        if cents is not None:
            pricing = {"onSale": False, "price": channel.taxed(cents)}
        return {
            "key": number,
            "id": global_id("ProductVariant", number),
            "name": form,
            "sku": sku,
            "product": product,
            "pricing": pricing,
            "quantityAvailable": lambda _info, **_: min(self.units(number), UNITS_PER_LINE),
        }


def _pricing(channel: Channel, prices: list[int]) -> Tree | None:
    if not prices:
        return None
    return {
        "onSale": False,
        "displayGrossPrices": True,
        "priceRange": {
            "start": channel.taxed(min(prices)),
            "stop": channel.taxed(max(prices)),
        },
    }


def _product_type(shipped: bool) -> Tree:
    name, number = ("Goods", 1) if shipped else ("Downloads", 2)
    return {
        "id": global_id("ProductType", number),
        "name": name,
        "slug": name.lower(),
        "isShippingRequired": shipped,
    }


def _rich_text(text: str) -> str:
    """Text in the form of a block editor, as the API gives descriptions."""
    return json.dumps({"blocks": [{"type": "paragraph", "data": {"text": text}}]})
