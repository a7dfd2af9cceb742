"""What shoppers do: five journeys, with time to think between the pages.

Weights are shares of the journeys in percent. The first journeys of the users of a process follow
these shares in a fixed order, so that a short run has seen all of them; later ones are drawn.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import gevent
from locust import FastHttpUser, task
from saleor_operations import FailedOperation, Json, Saleor, buyable, nodes, total_of

# Seconds between two pages, and between two steps of a checkout.
THINK = (1.0, 5.0)
FORM = (0.5, 2.0)
PAGES = 3
MOST_OF_ONE = 3

_T = TypeVar("_T")


class Shopper(FastHttpUser):
    """One user: a journey, a pause, the next journey."""

    network_timeout = 30.0
    connection_timeout = 10.0
    insecure = False

    def __init__(self, environment: Any) -> None:
        options = environment.parsed_options
        self.insecure = bool(options.insecure)
        super().__init__(environment)
        self._think_scale: float = options.think_scale
        self._first = True
        number, seed = next(_NUMBERS), options.seed
        own_seed = None if seed is None else f"{seed} {number}"
        self._rng = random.Random(own_seed)  # nosec B311 - pauses and choices
        self.shop = Saleor(self.client, options.channel)

    @task
    def journey(self) -> None:
        """Make one of the journeys; an answer that is not good ends it."""
        if self._first:
            self._first = False
            chosen = next(_ORDER)
        else:
            chosen = self._rng.choices(list(JOURNEYS), list(JOURNEYS.values()))[0]
        # It has been counted where it was seen.
        with contextlib.suppress(FailedOperation):
            chosen(self)
        self.think()

    def think(self, pause: tuple[float, float] = THINK) -> None:
        """Wait as long as a person takes, in seconds."""
        gevent.sleep(self._rng.uniform(*pause) * self._think_scale)

    def pick(self, things: Sequence[_T]) -> _T | None:
        """One of several, if there is any."""
        return self._rng.choice(things) if things else None

    def listed(self) -> list[Json]:
        """The goods of the first page."""
        return nodes(self.shop.products())

    def units(self) -> int:
        """How many of a thing are bought."""
        return self._rng.randint(1, MOST_OF_ONE)


def browse(shopper: Shopper) -> None:
    """Page through the listing."""
    after = None
    for _ in range(PAGES):
        page = shopper.shop.products(after)["pageInfo"]
        shopper.think()
        after = page["endCursor"]
        if not page["hasNextPage"]:
            break


def details(shopper: Shopper) -> None:
    """Look at some of the goods of the listing."""
    goods = shopper.listed()
    for _ in range(PAGES):
        shopper.think()
        if thing := shopper.pick(goods):
            shopper.shop.product(thing["slug"])


def search(shopper: Shopper) -> None:
    """Look for a word that the listing taught, then at what was found."""
    thing = shopper.pick(shopper.listed())
    shopper.think()
    words = [word for word in (thing or {}).get("name", "").split() if len(word) > 2]
    found = nodes(shopper.shop.search(shopper.pick(words) or "a"))
    if thing := shopper.pick(found):
        shopper.think()
        shopper.shop.product(thing["slug"])


def departments(shopper: Shopper) -> None:
    """Go through the categories, then the collections."""
    if category := shopper.pick(shopper.shop.categories()):
        shopper.think()
        shopper.shop.category(category["slug"])
    shopper.think()
    if collection := shopper.pick(shopper.shop.collections()):
        shopper.think()
        shopper.shop.collection(collection["slug"])


def buy(shopper: Shopper) -> None:
    """Choose something that is to be had, and check out to completion."""
    variant = find_something(shopper)
    if variant is None:
        return
    shop = shopper.shop
    checkout = shop.create_checkout(f"load-{uuid.uuid4().hex[:12]}@example.com")["id"]
    shopper.think(FORM)
    needs_shipping = shop.add_line(checkout, variant["id"], shopper.units())["isShippingRequired"]
    shopper.think()
    methods = shop.ship(checkout)["shippingMethods"] if needs_shipping else []
    shopper.think(FORM)
    total = total_of(shop.bill(checkout))
    if method := shopper.pick(methods):
        shopper.think(FORM)
        total = total_of(shop.deliver(checkout, method["id"]))
    shopper.think(FORM)
    shop.pay(checkout, total)
    shopper.think(FORM)
    shop.complete(checkout)


def find_something(shopper: Shopper) -> Json | None:
    """A variant that can be bought; None if the first few looked at are sold out."""
    goods = shopper.listed()
    for _ in range(2 * PAGES):
        shopper.think()
        thing = shopper.pick(goods)
        if thing is None:
            return None
        if variant := shopper.pick(buyable(shopper.shop.product(thing["slug"]))):
            return variant
    return None


JOURNEYS: Mapping[Callable[[Shopper], None], int] = {
    buy: 15,
    details: 30,
    browse: 25,
    search: 15,
    departments: 15,
}
# Every journey once, then in the shares of the rest: what the first users begin with.
_NUMBERS = itertools.count()
_ORDER = itertools.cycle([*JOURNEYS, details, browse, details, browse, search])
