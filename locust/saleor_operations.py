"""What a shopper asks of the shop: GraphQL documents valid against Saleor 3.20 to 3.23.

Nothing about the catalogue is known beforehand: slugs and identifiers come from earlier answers. A
good answer is HTTP 200 without `errors`; whatever else comes is a failure in the statistics, with
the reason in its message. Locust is not imported here, so that these can be tested without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

Json = dict[str, Any]

GATEWAY = "mirumee.payments.dummy"
PAGE = 20
# Saleor allows 50 units of a variant in one checkout.
MOST_UNITS = 50
ADDRESS: Mapping[str, str] = {
    "firstName": "Load",
    "lastName": "Test",
    "streetAddress1": "5 Example Avenue",
    "city": "New York",
    "countryArea": "NY",
    "postalCode": "10001",
    "country": "US",
    "phone": "+12125550100",
}

_CARDS = """
  totalCount
  pageInfo { hasNextPage endCursor }
  edges {
    node {
      id
      name
      slug
      rating
      category { id name slug }
      pricing { priceRange { start { gross { amount currency } } } }
    }
  }
"""
_PROBLEMS = "errors { field message code }"
_TOTAL = "totalPrice { gross { amount currency } }"

DOCUMENTS: Mapping[str, str] = {
    "products": f"""
query Products($channel: String!, $first: Int!, $after: String) {{
  products(
    channel: $channel
    first: $first
    after: $after
    where: {{ isAvailable: true }}
    sortBy: {{ field: NAME, direction: ASC }}
  ) {{ {_CARDS} }}
}}""",
    "search": f"""
query Search($channel: String!, $first: Int!, $text: String!) {{
  products(
    channel: $channel
    first: $first
    search: $text
    sortBy: {{ field: RANK, direction: DESC }}
  ) {{ {_CARDS} }}
}}""",
    "product": """
query Product($channel: String!, $slug: String!) {
  product(channel: $channel, slug: $slug) {
    id
    name
    slug
    description
    rating
    isAvailableForPurchase
    category { id name slug }
    productType { isShippingRequired }
    variants {
      id
      name
      sku
      quantityAvailable
      pricing { price { gross { amount currency } } }
    }
  }
}""",
    "categories": """
query Categories($first: Int!) {
  categories(first: $first, level: 0) { edges { node { id name slug } } }
}""",
    "category": f"""
query Category($channel: String!, $slug: String!, $first: Int!) {{
  category(slug: $slug) {{ id name products(channel: $channel, first: $first) {{ {_CARDS} }} }}
}}""",
    "collections": """
query Collections($channel: String!, $first: Int!) {
  collections(channel: $channel, first: $first) { edges { node { id name slug } } }
}""",
    "collection": f"""
query Collection($channel: String!, $slug: String!, $first: Int!) {{
  collection(slug: $slug, channel: $channel) {{ id name products(first: $first) {{ {_CARDS} }} }}
}}""",
    "checkoutCreate": f"""
mutation CheckoutCreate($channel: String!, $email: String!) {{
  checkoutCreate(input: {{ channel: $channel, email: $email, lines: [] }}) {{
    checkout {{ id }}
    {_PROBLEMS}
  }}
}}""",
    "checkoutLinesAdd": f"""
mutation CheckoutLinesAdd($id: ID!, $lines: [CheckoutLineInput!]!) {{
  checkoutLinesAdd(id: $id, lines: $lines) {{
    checkout {{ id isShippingRequired {_TOTAL} }}
    {_PROBLEMS}
  }}
}}""",
    "checkoutShippingAddressUpdate": f"""
mutation CheckoutShippingAddressUpdate($id: ID!, $address: AddressInput!) {{
  checkoutShippingAddressUpdate(id: $id, shippingAddress: $address) {{
    checkout {{ id shippingMethods {{ id name price {{ amount }} }} }}
    {_PROBLEMS}
  }}
}}""",
    "checkoutBillingAddressUpdate": f"""
mutation CheckoutBillingAddressUpdate($id: ID!, $address: AddressInput!) {{
  checkoutBillingAddressUpdate(id: $id, billingAddress: $address) {{
    checkout {{ id {_TOTAL} }}
    {_PROBLEMS}
  }}
}}""",
    "checkoutDeliveryMethodUpdate": f"""
mutation CheckoutDeliveryMethodUpdate($id: ID!, $method: ID!) {{
  checkoutDeliveryMethodUpdate(id: $id, deliveryMethodId: $method) {{
    checkout {{ id {_TOTAL} }}
    {_PROBLEMS}
  }}
}}""",
    "checkoutPaymentCreate": f"""
mutation CheckoutPaymentCreate($id: ID!, $gateway: String!, $amount: PositiveDecimal!) {{
  checkoutPaymentCreate(id: $id, input: {{ gateway: $gateway, amount: $amount, token: "test" }}) {{
    payment {{ id }}
    {_PROBLEMS}
  }}
}}""",
    "checkoutComplete": f"""
mutation CheckoutComplete($id: ID!) {{
  checkoutComplete(id: $id) {{
    order {{ id number }}
    confirmationNeeded
    {_PROBLEMS}
  }}
}}""",
}


class FailedOperation(Exception):  # noqa: N818 - told to Locust already; it only ends the journey
    """An answer was not good, and is counted as a failure."""


class Response(Protocol):
    """What is used of a response of Locust's client."""

    status_code: int
    text: str | None

    def json(self) -> Any:
        """The body."""

    def failure(self, exc: Any) -> None:
        """Count it as a failure, for that reason."""

    def success(self) -> None:
        """Count it as a success."""


class Saleor:
    """The shop as one shopper sees it.

    Each method sends one request, named in the statistics as in DOCUMENTS, and raises
    FailedOperation if the answer is not good.

    Args:
        client: one of Locust's; its `post(path, json=, name=, catch_response=True)` gives a context
            with a Response.
        channel: slug of the channel that is shopped in.
    """

    def __init__(self, client: Any, channel: str) -> None:
        self._client = client
        self._channel = channel

    def products(self, after: str | None = None) -> Json:
        """A page of the listing. The first page of a shop that sells anything is never empty."""
        return self._ask("products", first=PAGE, after=after, channel=self._channel)

    def search(self, text: str) -> Json:
        """Goods whose names hold the text."""
        return self._ask("search", first=PAGE, text=text, channel=self._channel)

    def product(self, slug: str) -> Json:
        """Everything about one of them."""
        return self._ask("product", slug=slug, channel=self._channel)

    def categories(self) -> list[Json]:
        """The categories of the first level."""
        return nodes(self._ask("categories", first=PAGE))

    def category(self, slug: str) -> Json:
        """One of them, with its goods."""
        return self._ask("category", slug=slug, first=PAGE, channel=self._channel)

    def collections(self) -> list[Json]:
        """The collections of the channel."""
        return nodes(self._ask("collections", first=PAGE, channel=self._channel))

    def collection(self, slug: str) -> Json:
        """One of them, with its goods."""
        return self._ask("collection", slug=slug, first=PAGE, channel=self._channel)

    def create_checkout(self, email: str) -> Json:
        """An empty checkout."""
        return self._checkout("checkoutCreate", channel=self._channel, email=email)

    def add_line(self, checkout: str, variant: str, units: int) -> Json:
        """Put units of a variant into it."""
        lines = [{"variantId": variant, "quantity": min(units, MOST_UNITS)}]
        return self._checkout("checkoutLinesAdd", id=checkout, lines=lines)

    def ship(self, checkout: str) -> Json:
        """Say where it goes; the answer holds the delivery methods."""
        return self._checkout("checkoutShippingAddressUpdate", id=checkout, address=dict(ADDRESS))

    def bill(self, checkout: str) -> Json:
        """Say where the bill goes; the answer holds the total so far."""
        return self._checkout("checkoutBillingAddressUpdate", id=checkout, address=dict(ADDRESS))

    def deliver(self, checkout: str, method: str) -> Json:
        """Choose the delivery; the answer holds the total."""
        return self._checkout("checkoutDeliveryMethodUpdate", id=checkout, method=method)

    def pay(self, checkout: str, amount: float) -> None:
        """Pay; the amount has to be exactly the total."""
        self._ask("checkoutPaymentCreate", id=checkout, gateway=GATEWAY, amount=amount)

    def complete(self, checkout: str) -> Json:
        """Order."""
        order: Json = self._ask("checkoutComplete", id=checkout)["order"]
        return order

    def _checkout(self, name: str, **variables: Any) -> Json:
        checkout: Json = self._ask(name, **variables)["checkout"]
        return checkout

    def _ask(self, name: str, **variables: Any) -> Json:
        """Send a document, and see that its answer is good."""
        body = {"query": DOCUMENTS[name], "variables": variables}
        with self._client.post("/graphql/", json=body, name=name, catch_response=True) as response:
            reason, answer = examined(name, response, variables)
            if reason is None:
                response.success()
                return answer
            response.failure(reason)
        raise FailedOperation(f"{name}: {reason}")


def examined(
    name: str, response: Response, variables: Mapping[str, Any]
) -> tuple[str | None, Json]:
    """Why the answer to a document is not good, if it is not; and what its root field holds."""
    try:
        content = response.json() if response.text else {}
    except ValueError:
        content = {}
    if not isinstance(content, dict):
        content = {}
    problems = _told(content.get("errors"))
    if response.status_code != 200:
        status = f"HTTP {response.status_code}" if response.status_code else "no answer"
        return (f"{status}: {problems}" if problems else status), {}
    if problems:
        return f"errors: {problems}", {}
    data = content.get("data") or {}
    root = "products" if name == "search" else name
    answer = data.get(root)
    if not isinstance(answer, dict):
        return f"the answer holds no {root}", {}
    problems = _told(answer.get("errors"))
    if problems:
        return f"refused: {problems}", {}
    return _empty(name, answer, variables), answer


def _empty(name: str, answer: Json, variables: Mapping[str, Any]) -> str | None:
    """Why an answer without an error is none all the same."""
    if name == "products" and variables.get("after") is None and not answer["edges"]:
        return f"no products: does the channel {variables['channel']!r} exist, and sell anything?"
    if name == "checkoutComplete" and answer.get("order") is None:
        return "no order: the payment waits to be confirmed"
    return None


def _told(errors: Any) -> str:
    """Errors in one line; without the identifiers that would make each of them look new."""
    if not errors:
        return ""
    entries = [one if isinstance(one, dict) else {"message": str(one)} for one in errors]
    texts = []
    for entry in entries[:3]:
        words = [entry.get("code"), entry.get("field"), entry.get("message")]
        texts.append(" ".join(str(word) for word in words if word))
    return "; ".join(texts)[:300]


def nodes(connection: Json) -> list[Json]:
    """The items of a page."""
    return [edge["node"] for edge in connection["edges"]]


def buyable(product: Json) -> list[Json]:
    """The variants of a product that can be bought now."""
    if not product["isAvailableForPurchase"]:
        return []
    return [
        variant
        for variant in product["variants"] or []
        if (variant["quantityAvailable"] or 0) > 0
        and ((variant["pricing"] or {}).get("price") is not None)
    ]


def total_of(checkout: Json) -> float:
    """What a checkout costs, in its currency."""
    return float(checkout["totalPrice"]["gross"]["amount"])
