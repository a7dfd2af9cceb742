"""Changing things: the fields of the schema's Mutation. All of them are about a checkout."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Callable
from typing import Any

from predictive_autoscaler.storefront.catalogue import Catalogue, Tree
from predictive_autoscaler.storefront.checkout import Checkout, RefusedError, State
from predictive_autoscaler.storefront.database import writing
from predictive_autoscaler.storefront.ids import global_id, key_of


class Mutations:
    """The root of all mutations. Checkouts lie in the database, where every instance finds them."""

    def __init__(self, connection: sqlite3.Connection, catalogue: Catalogue) -> None:
        self._connection = connection
        self._catalogue = catalogue

    def fields(self) -> dict[str, Callable[..., Tree]]:
        """Name of a field -> what answers it."""
        return {
            "checkoutCreate": self.create,
            "checkoutLinesAdd": self._changing(lambda it, **given: it.add(given["lines"])),
            "checkoutShippingAddressUpdate": self._changing(
                lambda it, **given: it.ship_to(given["shippingAddress"])
            ),
            "checkoutBillingAddressUpdate": self._changing(
                lambda it, **given: it.bill_to(given["billingAddress"])
            ),
            "checkoutDeliveryMethodUpdate": self._changing(
                lambda it, **given: it.deliver_by(given.get("deliveryMethodId"))
            ),
            "checkoutPaymentCreate": self.pay,
            "checkoutComplete": self.complete,
        }

    def create(self, _info: object, input: dict[str, Any]) -> Tree:
        """Start a checkout."""

        def work() -> Tree:
            slug = input.get("channel")
            if slug not in self._catalogue.channels:
                raise RefusedError("channel", "NOT_FOUND", f"There is no channel {slug!r}.")
            state = State(str(uuid.uuid4()), slug, input.get("email"))
            checkout = Checkout(state, self._catalogue)
            if input["lines"]:
                checkout.add(input["lines"])
            if input.get("shippingAddress") and checkout.is_shipped():
                checkout.ship_to(input["shippingAddress"])
            if input.get("billingAddress"):
                checkout.bill_to(input["billingAddress"])
            self._connection.execute(
                "INSERT INTO checkout VALUES (?, ?)", (state.token, json.dumps(state.kept()))
            )
            return {"checkout": checkout.tree()}

        return self._answer(work)

    def pay(self, _info: object, input: dict[str, Any], id: str | None = None) -> Tree:
        """Pay for a checkout."""

        def work() -> Tree:
            checkout = self._read(id)
            checkout.pay(input["gateway"], input.get("amount"))
            self._keep(checkout)
            payment = {
                "id": global_id("Payment", checkout.state.token),
                "gateway": input["gateway"],
                "isActive": True,
            }
            return {"checkout": checkout.tree(), "payment": payment}

        return self._answer(work)

    def complete(self, _info: object, id: str | None = None, **_: object) -> Tree:
        """Turn a checkout into an order, and take its goods out of stock."""

        def work() -> Tree:
            checkout = self._read(id)
            checkout.check_complete()
            for variant, units in checkout.lines():
                taken = self._connection.execute(
                    "UPDATE stock SET units = units - ?1 WHERE variant = ?2 AND units >= ?1",
                    (units, variant),
                )
                if not taken.rowcount:
                    raise RefusedError("lines", "INSUFFICIENT_STOCK", "Others were faster.")
            return {"order": self._place(checkout), "confirmationNeeded": False}

        return {"confirmationNeeded": False} | self._answer(work)

    def _place(self, checkout: Checkout) -> Tree:
        state = checkout.state
        channel = self._catalogue.channels[state.channel]
        order = self._connection.execute(
            "INSERT INTO placed (checkout, channel, cents) VALUES (?, ?, ?)",
            (state.token, channel.id, checkout.total()),
        ).lastrowid
        self._connection.execute("DELETE FROM checkout WHERE token = ?", (state.token,))
        return {
            "id": global_id("Order", state.token),
            "number": str(order),
            "status": "UNFULFILLED",
            "isPaid": True,
            "total": channel.taxed(checkout.total()),
        }

    def _changing(self, change: Callable[..., None]) -> Callable[..., Tree]:
        """A mutation that reads a checkout, changes it and keeps it."""

        def mutation(_info: object, id: str | None = None, **given: Any) -> Tree:
            def work() -> Tree:
                checkout = self._read(id)
                change(checkout, **given)
                self._keep(checkout)
                return {"checkout": checkout.tree()}

            return self._answer(work)

        return mutation

    def _answer(self, work: Callable[[], Tree]) -> Tree:
        """What was done, in one transaction; or the one entry of `errors` and nothing done."""
        try:
            with writing(self._connection):
                return {"errors": []} | work()
        except RefusedError as error:
            entry = {"field": error.field, "message": str(error), "code": error.code}
            return {"errors": [entry]}

    def _read(self, identifier: str | None) -> Checkout:
        token = key_of("Checkout", identifier)
        found = self._connection.execute("SELECT state FROM checkout WHERE token = ?", (token,))
        row = found.fetchone()
        if row is None:
            raise RefusedError("id", "NOT_FOUND", f"There is no checkout {identifier}.")
        return Checkout(State(**json.loads(row[0])), self._catalogue)

    def _keep(self, checkout: Checkout) -> None:
        state = checkout.state
        self._connection.execute(
            "UPDATE checkout SET state = ? WHERE token = ?",
            (json.dumps(state.kept()), state.token),
        )
