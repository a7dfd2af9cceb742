"""A shopper's checkout: what it holds, what it costs, and what is still missing.

The rules and their order are Saleor's: lines, addresses, delivery, a payment of exactly the total,
completion.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import Any

from predictive_autoscaler.storefront.catalogue import UNITS_PER_LINE, Catalogue, Channel, Tree
from predictive_autoscaler.storefront.ids import global_id, number_of

GATEWAY = "mirumee.payments.dummy"
_POSTAL_CODES = {"US": r"\d{5}(-\d{4})?", "PL": r"\d{2}-\d{3}", "DE": r"\d{5}", "FR": r"\d{5}"}


class RefusedError(Exception):
    """What the shopper asked for is not possible: an entry of the mutation's `errors`.

    Attributes:
        field: the argument at fault, if it is one.
        code: one of the schema's error codes.
    """

    def __init__(self, field: str | None, code: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.code = code


@dataclass
class State:
    """A checkout as it is kept between requests. Money in cents of the channel's currency.

    Attributes:
        lines: variant -> units.
        method: number of the delivery method, once chosen.
        paid: amount of the payment, once made.
    """

    token: str
    channel: str
    email: str | None = None
    lines: dict[str, int] = field(default_factory=dict)
    shipping_address: dict[str, Any] | None = None
    billing_address: dict[str, Any] | None = None
    method: int | None = None
    paid: int | None = None

    def kept(self) -> dict[str, Any]:
        """As it is written down."""
        return asdict(self)


class Checkout:
    """A checkout among the goods of its channel."""

    def __init__(self, state: State, catalogue: Catalogue) -> None:
        self.state = state
        self._catalogue = catalogue
        self._channel: Channel = catalogue.channels[state.channel]

    def lines(self) -> list[tuple[int, int]]:
        """Variants and their units."""
        return [(int(variant), units) for variant, units in self.state.lines.items()]

    def is_shipped(self) -> bool:
        """Whether anything of it has to be delivered."""
        return any(self._channel.variants[variant].shipped for variant, _ in self.lines())

    def subtotal(self) -> int:
        """The lines, in cents."""
        return sum(self._channel.variants[variant].cents * units for variant, units in self.lines())

    def shipping(self) -> int:
        """The delivery, in cents; 0 until it is chosen."""
        return self._channel.methods[self.state.method][1] if self.state.method is not None else 0

    def total(self) -> int:
        """Everything, in cents."""
        return self.subtotal() + self.shipping()

    def add(self, lines: list[dict[str, Any]]) -> None:
        """Add units of variants; more of the same adds up."""
        for line in lines:
            identifier, units = line["variantId"], line["quantity"]
            variant = number_of("ProductVariant", identifier)
            sold = self._channel.variants.get(variant) if variant is not None else None
            if sold is None or variant is None:
                code = "UNAVAILABLE_VARIANT_IN_CHANNEL" if variant is not None else "NOT_FOUND"
                raise RefusedError("lines", code, f"This channel does not sell {identifier}.")
            if not sold.available:
                code = "PRODUCT_UNAVAILABLE_FOR_PURCHASE"
                raise RefusedError("lines", code, "This product cannot be bought now.")
            self._add(variant, units)
        self.state.paid = None

    def _add(self, variant: int, units: int) -> None:
        if units < 1:
            raise RefusedError("quantity", "ZERO_QUANTITY", f"{units} units cannot be ordered.")
        wanted = self.state.lines.get(str(variant), 0) + units
        if wanted > UNITS_PER_LINE:
            message = f"{wanted} units are more than the {UNITS_PER_LINE} allowed."
            raise RefusedError("quantity", "QUANTITY_GREATER_THAN_LIMIT", message)
        if wanted > self._catalogue.units(variant):
            raise RefusedError("quantity", "INSUFFICIENT_STOCK", "There are not enough in stock.")
        self.state.lines[str(variant)] = wanted

    def ship_to(self, address: dict[str, Any]) -> None:
        """Set the address of the delivery."""
        if not self.is_shipped():
            message = "Nothing in this checkout is delivered."
            raise RefusedError("shippingAddress", "SHIPPING_NOT_REQUIRED", message)
        check_address(address)
        self.state.shipping_address = address

    def bill_to(self, address: dict[str, Any]) -> None:
        """Set the address of the bill."""
        check_address(address)
        self.state.billing_address = address

    def deliver_by(self, identifier: str | None) -> None:
        """Choose the delivery."""
        if not self.is_shipped():
            message = "Nothing in this checkout is delivered."
            raise RefusedError("deliveryMethodId", "SHIPPING_NOT_REQUIRED", message)
        if self.state.shipping_address is None:
            message = "A delivery can be chosen once there is a shipping address."
            raise RefusedError("deliveryMethodId", "SHIPPING_ADDRESS_NOT_SET", message)
        method = number_of("ShippingMethod", identifier)
        if method not in self._channel.methods:
            message = f"{identifier} is no delivery method for this checkout."
            raise RefusedError("deliveryMethodId", "DELIVERY_METHOD_NOT_APPLICABLE", message)
        self.state.method = method
        self.state.paid = None

    def pay(self, gateway: str, amount: float | None) -> None:
        """Pay the whole of it; without an amount, the total."""
        if not self.state.lines:
            raise RefusedError("lines", "NO_CHECKOUT_LINES", "There is nothing to pay for.")
        if not self.state.email:
            raise RefusedError("email", "CHECKOUT_EMAIL_NOT_SET", "There is no email address.")
        if gateway != GATEWAY:
            message = f"The gateway {gateway} is not one of this checkout's."
            raise RefusedError("gateway", "NOT_SUPPORTED_GATEWAY", message)
        if self.state.billing_address is None:
            message = "A payment needs a billing address."
            raise RefusedError("billingAddress", "BILLING_ADDRESS_NOT_SET", message)
        cents = self.total() if amount is None else round(amount * 100)
        if cents != self.total():
            message = f"{cents / 100:.2f} is not the total of {self.total() / 100:.2f}."
            raise RefusedError("amount", "PARTIAL_PAYMENT_NOT_ALLOWED", message)
        self.state.paid = cents

    def check_complete(self) -> None:
        """See that nothing is missing for an order."""
        state = self.state
        missing = (
            (not state.lines, "lines", "NO_LINES", "There is nothing to order."),
            (
                self.is_shipped() and state.shipping_address is None,
                "shippingAddress",
                "SHIPPING_ADDRESS_NOT_SET",
                "There is no shipping address.",
            ),
            (
                self.is_shipped() and state.method is None,
                "shippingMethod",
                "SHIPPING_METHOD_NOT_SET",
                "No delivery has been chosen.",
            ),
            (
                state.billing_address is None,
                "billingAddress",
                "BILLING_ADDRESS_NOT_SET",
                "There is no billing address.",
            ),
            (not state.email, "email", "EMAIL_NOT_SET", "There is no email address."),
            (
                state.paid != self.total(),
                None,
                "CHECKOUT_NOT_FULLY_PAID",
                "The payments do not cover the total.",
            ),
        )
        for is_missing, name, code, message in missing:
            if is_missing:
                raise RefusedError(name, code, message)

    def tree(self) -> Tree:
        """The fields of the schema's Checkout."""
        state, channel = self.state, self._channel
        method = None if state.method is None else self._method(state.method)
        return {
            "id": global_id("Checkout", state.token),
            "token": state.token,
            "channel": {"id": global_id("Channel", channel.id), "slug": channel.slug},
            "email": state.email,
            "isShippingRequired": self.is_shipped(),
            "quantity": sum(state.lines.values()),
            "lines": [self._line(variant, units) for variant, units in self.lines()],
            "shippingMethods": self._methods(),
            "deliveryMethod": method,
            "availablePaymentGateways": [
                {"id": GATEWAY, "name": "Dummy", "currencies": [channel.currency]}
            ],
            "shippingPrice": channel.taxed(self.shipping()),
            "subtotalPrice": channel.taxed(self.subtotal()),
            "totalPrice": channel.taxed(self.total()),
            "totalBalance": channel.money((state.paid or 0) - self.total()),
        }

    def _methods(self) -> list[Tree]:
        if not self.is_shipped() or self.state.shipping_address is None:
            return []
        return [self._method(one) for one in self._channel.methods]

    def _method(self, number: int) -> Tree:
        name, cents = self._channel.methods[number]
        return {
            "__typename": "ShippingMethod",
            "id": global_id("ShippingMethod", number),
            "name": name,
            "price": self._channel.money(cents),
            "active": True,
        }

    def _line(self, variant: int, units: int) -> Tree:
        sold = self._channel.variants[variant]
        return {
            "id": global_id("CheckoutLine", f"{self.state.token}:{variant}"),
            "variant": sold.tree,
            "quantity": units,
            "unitPrice": self._channel.taxed(sold.cents),
            "totalPrice": self._channel.taxed(sold.cents * units),
            "requiresShipping": sold.shipped,
        }


def check_address(address: dict[str, Any]) -> None:
    """See that an address can be delivered to: complete, and well formed for its country."""
    needed = ["country", "firstName", "lastName", "streetAddress1", "city", "postalCode"]
    if address.get("country") == "US":
        needed.append("countryArea")
    for name in needed:
        if not address.get(name):
            raise RefusedError(name, "REQUIRED", f"An address needs `{name}`.")
    pattern = _POSTAL_CODES.get(address["country"])
    if pattern is not None and not re.fullmatch(pattern, address["postalCode"]):
        message = f"{address['postalCode']!r} is no postal code of {address['country']}."
        raise RefusedError("postalCode", "INVALID", message)
    phone = address.get("phone")
    if phone and not re.fullmatch(r"\+[1-9]\d{7,14}", phone):
        raise RefusedError("phone", "INVALID", f"{phone!r} is no phone number.")
