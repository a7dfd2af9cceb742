"""The storefront's answers, at the level of its ASGI application."""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from predictive_autoscaler.errors import DataError, UsageError
from predictive_autoscaler.storefront.answers import Shop
from predictive_autoscaler.storefront.database import open_shop
from predictive_autoscaler.storefront.service import Service
from predictive_autoscaler.storefront.workers import Workers
from tests.helpers.locust_files import locust_file

operations = locust_file("saleor_operations")
CHANNEL = "default-channel"
Json = dict[str, Any]


class Browser:
    """Talks ASGI to an application, without a network."""

    def __init__(self, application: Any) -> None:
        self.application = application

    def request(
        self, method: str, path: str, body: bytes = b"", host: str = "shop"
    ) -> tuple[int, bytes]:
        sent: list[Json] = []
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(b"host", host.encode())],
            "server": ("127.0.0.1", 80),
            "client": ("127.0.0.1", 1),
            "scheme": "http",
            "root_path": "",
        }

        async def receive() -> Json:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Json) -> None:
            sent.append(message)

        asyncio.run(self.application(scope, receive, send))
        return sent[0]["status"], b"".join(one.get("body", b"") for one in sent[1:])

    def post(self, content: object) -> tuple[int, Any]:
        text = content if isinstance(content, bytes) else json.dumps(content).encode()
        status, answer = self.request("POST", "/graphql/", text)
        return status, json.loads(answer)

    def ask(self, document: str, **variables: Any) -> tuple[int, Any]:
        return self.post({"query": document, "variables": variables})

    def operation(self, name: str, **variables: Any) -> Json:
        """The root field of one of the load scenarios' operations."""
        status, content = self.ask(operations.DOCUMENTS[name], **variables)
        assert status == 200
        assert "errors" not in content
        (root,) = content["data"].values()
        answer: Json = root
        return answer


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shop") / "shop.sqlite"


@pytest.fixture
def browser(database: Path) -> Iterator[Browser]:
    connection = open_shop(database, 1)
    yield Browser(service(connection).app())
    connection.close()


def service(connection: sqlite3.Connection, **more: Any) -> Service:
    workers = Workers(2, 10)
    return Service(Shop(connection), workers, service_ms=0.0, rng=random.Random(1), **more)


def messages(content: Any) -> str:
    return "; ".join(error["message"] for error in content["errors"])


class TestErrors:
    def test_a_broken_document_is_a_bad_request(self, browser: Browser) -> None:
        for document in (
            "{products(",
            "{nothing}",
            "{products(first:1){edges{node{colour}}}}",
            "{a}{b}",
        ):
            status, content = browser.ask(document)
            assert status == 400
            assert content["errors"]
            assert "data" not in content

    def test_a_body_that_is_no_request_is_one_too(self, browser: Browser) -> None:
        for body in (b"", b"{", b"[]", b'{"query": 1}', b'{"query": "{a}", "variables": []}'):
            assert browser.post(body)[0] == 400

    def test_wrong_variables_are_one_too(self, browser: Browser) -> None:
        document = 'query($n: Int!) {products(channel: "default-channel", first: $n) {totalCount}}'
        assert browser.ask(document)[0] == 400
        assert browser.ask(document, n="many")[0] == 400
        assert browser.ask(document, n=1)[0] == 200

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            ('channel: "default-channel", first: 101', "101"),
            ('channel: "default-channel", first: 0', "1 to 100"),
            ('channel: "default-channel"', "needs `first`"),
            ("first: 10", "channel"),
            (
                'channel: "default-channel", first: 1, where: {ids: []}, filter: {search: "a"}',
                "not both",
            ),
            (
                'channel: "default-channel", first: 1, sortBy: {field: RANK, direction: ASC}',
                "RANK",
            ),
            ('channel: "default-channel", first: 1, after: "bm8="', "cursor"),
        ],
    )
    def test_an_error_of_a_resolver_comes_with_200(
        self, browser: Browser, arguments: str, told: str
    ) -> None:
        status, content = browser.ask(f"{{products({arguments}) {{totalCount}}}}")
        assert status == 200
        assert content["data"] == {"products": None}
        assert told in messages(content)

    def test_an_unknown_channel_is_empty_and_no_error(self, browser: Browser) -> None:
        for field in ("products", "collections"):
            status, content = browser.ask(
                f'{{{field}(channel: "nowhere", first: 9) {{totalCount edges {{cursor}}}}}}'
            )
            assert (status, content) == (
                200,
                {"data": {field: {"totalCount": 0, "edges": []}}},
            )
        assert browser.ask('{product(channel: "nowhere", slug: "a") {id}}')[1] == {
            "data": {"product": None}
        }

    def test_slashes_at_the_end_belong_to_the_addresses(self, browser: Browser) -> None:
        assert browser.request("GET", "/health")[0] == 404
        assert browser.request("POST", "/graphql")[0] == 404
        assert browser.request("GET", "/graphql/")[0] == 405

    def test_a_body_beyond_all_measure_is_refused(self, browser: Browser) -> None:
        assert browser.request("POST", "/graphql/", b"x" * 300_000)[0] == 413


class TestHealth:
    def test_it_is_healthy_for_any_host_without_the_database(self, browser: Browser) -> None:
        for host in ("10.1.2.3", "example.com:81", ""):
            assert browser.request("GET", "/health/", host=host) == (200, b"")

    def test_until_it_has_booted_it_is_not(self, database: Path) -> None:
        connection = open_shop(database, 1)
        browser = Browser(service(connection, ready_at=float("inf")).app())
        assert browser.request("GET", "/health/")[0] == 503
        assert browser.post({"query": "{categories(first: 1) {totalCount}}"})[0] == 503
        assert json.loads(browser.request("GET", "/stats")[1])["booting"] is True
        connection.close()


class TestListing:
    def test_pages_join_into_the_whole_of_the_listing(self, browser: Browser) -> None:
        seen: list[str] = []
        after = None
        while True:
            page = browser.operation("products", channel=CHANNEL, first=100, after=after)
            seen += [one["slug"] for one in operations.nodes(page)]
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                break
        assert len(seen) == len(set(seen)) == page["totalCount"] > 200

    def test_a_cursor_is_bound_to_its_order(self, browser: Browser) -> None:
        document = (
            "query($after: String, $field: ProductOrderField!, $down: OrderDirection!) {"
            'products(channel: "default-channel", first: 5, after: $after, '
            "sortBy: {field: $field, direction: $down}) {pageInfo {endCursor} edges {cursor}}}"
        )
        _, content = browser.ask(document, field="NAME", down="ASC")
        cursor = content["data"]["products"]["pageInfo"]["endCursor"]
        assert "errors" not in browser.ask(document, field="NAME", down="ASC", after=cursor)[1]
        for field, down in (("NAME", "DESC"), ("PRICE", "ASC"), ("RATING", "ASC")):
            status, content = browser.ask(document, field=field, down=down, after=cursor)
            assert status == 200
            assert "not valid for this order" in messages(content)

    def test_goods_are_found_by_what_they_are(self, browser: Browser) -> None:
        (category, *_) = operations.nodes(browser.operation("categories", first=20))
        (collection, *_) = operations.nodes(
            browser.operation("collections", channel=CHANNEL, first=20)
        )

        def slugs(given: str) -> set[str]:
            document = (
                f'{{products(channel: "{CHANNEL}", first: 100, {given}) '
                "{edges {node {slug category {id} collections {id} isAvailableForPurchase "
                "pricing {priceRange {start {gross {amount}}}}}}}}"
            )
            _, content = browser.ask(document)
            found = operations.nodes(content["data"]["products"])
            return {one["slug"] for one in found}

        by_category = slugs(f'where: {{category: {{eq: "{category["id"]}"}}}}')
        assert by_category == slugs(f'filter: {{categories: ["{category["id"]}"]}}')
        page = browser.operation("category", channel=CHANNEL, slug=category["slug"], first=100)
        assert by_category == {one["slug"] for one in operations.nodes(page["products"])}
        by_collection = slugs(f'where: {{collection: {{oneOf: ["{collection["id"]}"]}}}}')
        assert by_collection == slugs(f'filter: {{collections: ["{collection["id"]}"]}}')
        page = browser.operation("collection", channel=CHANNEL, slug=collection["slug"], first=100)
        assert by_collection == {one["slug"] for one in operations.nodes(page["products"])}
        assert len(by_category) > 20
        assert len(by_collection) > 20
        (slug, *_) = by_category
        assert slugs(f'where: {{slug: {{eq: "{slug}"}}}}') == {slug}
        assert slugs(f'filter: {{slugs: ["{slug}"]}}') == {slug}
        assert slugs("where: {isAvailable: false}") == slugs("filter: {isAvailable: false}")
        cheap = slugs("where: {price: {range: {gte: 10, lte: 20}}}")
        assert 0 < len(cheap) < 100

    def test_a_search_finds_names(self, browser: Browser) -> None:
        page = browser.operation("search", channel=CHANNEL, first=100, text="OAK")
        names = [one["name"] for one in operations.nodes(page)]
        assert len(names) > 5
        assert len(names[0]) == min(map(len, names))
        assert all("Oak" in name for name in names)
        page = browser.operation("search", channel=CHANNEL, first=100, text="no such thing")
        assert operations.nodes(page) == []

    def test_two_channels_have_prices_of_their_own(self, browser: Browser) -> None:
        page = browser.operation("products", channel="channel-pln", first=100, after=None)
        priced = [one for one in operations.nodes(page) if one["pricing"]]
        gross = priced[0]["pricing"]["priceRange"]["start"]["gross"]
        assert gross["currency"] == "PLN"
        product = browser.operation("product", channel=CHANNEL, slug=priced[0]["slug"])
        dollars = [v["pricing"]["price"]["gross"] for v in product["variants"] if v["pricing"]]
        assert {one["currency"] for one in dollars} <= {"USD"}

    def test_an_answer_that_is_kept_is_the_same_and_stock_is_looked_up(
        self, browser: Browser, database: Path
    ) -> None:
        page = browser.operation("products", channel=CHANNEL, first=20, after=None)
        assert browser.operation("products", channel=CHANNEL, first=20, after=None) == page
        product = bought(browser)
        variant = operations.buyable(product)[0]
        number = int(variant["sku"].removeprefix("G-"))
        with sqlite3.connect(database) as other:
            (units,) = other.execute(
                "SELECT units FROM stock WHERE variant = ?", (number,)
            ).fetchone()
            other.execute("UPDATE stock SET units = 3 WHERE variant = ?", (number,))
            other.commit()
            again = browser.operation("product", channel=CHANNEL, slug=product["slug"])
            other.execute("UPDATE stock SET units = ? WHERE variant = ?", (units, number))
        other.close()
        found = {one["id"]: one["quantityAvailable"] for one in again["variants"]}
        assert found[variant["id"]] == 3
        assert variant["quantityAvailable"] == 50


def bought(browser: Browser, shipped: bool = True) -> Json:
    """A product with a variant that can be bought."""
    page = browser.operation("products", channel=CHANNEL, first=100, after=None)
    for one in operations.nodes(page):
        product = browser.operation("product", channel=CHANNEL, slug=one["slug"])
        if product["productType"]["isShippingRequired"] is shipped and operations.buyable(product):
            return product
    raise AssertionError("nothing can be bought")


def code(answer: Json) -> tuple[str | None, str]:
    (problem,) = answer["errors"]
    return problem["field"], problem["code"]


class TestCheckout:
    def start(self, browser: Browser, email: str = "a@example.com") -> str:
        answer = browser.operation("checkoutCreate", channel=CHANNEL, email=email)
        assert answer["errors"] == []
        return str(answer["checkout"]["id"])

    def add(self, browser: Browser, checkout: str, units: int = 2, shipped: bool = True) -> Json:
        variant = operations.buyable(bought(browser, shipped))[0]
        lines = [{"variantId": variant["id"], "quantity": units}]
        return browser.operation("checkoutLinesAdd", id=checkout, lines=lines)

    def with_address(self, browser: Browser, name: str, checkout: str, **changes: Any) -> Json:
        address = dict(operations.ADDRESS) | changes
        return browser.operation(name, id=checkout, address=address)

    def pay(self, browser: Browser, checkout: str, amount: float) -> Json:
        return browser.operation(
            "checkoutPaymentCreate", id=checkout, gateway=operations.GATEWAY, amount=amount
        )

    def test_in_the_right_order_it_becomes_an_order(self, browser: Browser) -> None:
        checkout = self.start(browser)
        added = self.add(browser, checkout)
        assert added["errors"] == []
        assert added["checkout"]["isShippingRequired"] is True
        goods = operations.total_of(added["checkout"])
        methods = self.with_address(browser, "checkoutShippingAddressUpdate", checkout)
        method = methods["checkout"]["shippingMethods"][0]
        billed = self.with_address(browser, "checkoutBillingAddressUpdate", checkout)
        assert operations.total_of(billed["checkout"]) == goods
        delivered = browser.operation(
            "checkoutDeliveryMethodUpdate", id=checkout, method=method["id"]
        )
        total = operations.total_of(delivered["checkout"])
        assert total == pytest.approx(goods + method["price"]["amount"])
        assert self.pay(browser, checkout, total)["errors"] == []
        done = browser.operation("checkoutComplete", id=checkout)
        assert done["errors"] == []
        assert done["confirmationNeeded"] is False
        assert int(done["order"]["number"]) >= 1
        # It is an order now, and no checkout any more.
        assert code(browser.operation("checkoutComplete", id=checkout)) == ("id", "NOT_FOUND")

    def test_downloads_need_no_delivery(self, browser: Browser) -> None:
        checkout = self.start(browser)
        added = self.add(browser, checkout, shipped=False)
        assert added["checkout"]["isShippingRequired"] is False
        shipped = self.with_address(browser, "checkoutShippingAddressUpdate", checkout)
        assert code(shipped)[1] == "SHIPPING_NOT_REQUIRED"
        billed = self.with_address(browser, "checkoutBillingAddressUpdate", checkout)
        total = operations.total_of(billed["checkout"])
        assert self.pay(browser, checkout, total)["errors"] == []
        assert browser.operation("checkoutComplete", id=checkout)["order"]

    def test_what_is_missing_is_named_in_turn(self, browser: Browser) -> None:
        checkout = self.start(browser)

        def complete() -> str:
            return code(browser.operation("checkoutComplete", id=checkout))[1]

        assert complete() == "NO_LINES"
        total = operations.total_of(self.add(browser, checkout)["checkout"])
        assert complete() == "SHIPPING_ADDRESS_NOT_SET"
        assert code(self.pay(browser, checkout, total))[1] == "BILLING_ADDRESS_NOT_SET"
        early = browser.operation("checkoutDeliveryMethodUpdate", id=checkout, method="x")
        assert code(early)[1] == "SHIPPING_ADDRESS_NOT_SET"
        shipped = self.with_address(browser, "checkoutShippingAddressUpdate", checkout)
        assert complete() == "SHIPPING_METHOD_NOT_SET"
        wrong = browser.operation("checkoutDeliveryMethodUpdate", id=checkout, method="x")
        assert code(wrong) == ("deliveryMethodId", "DELIVERY_METHOD_NOT_APPLICABLE")
        method = shipped["checkout"]["shippingMethods"][0]["id"]
        browser.operation("checkoutDeliveryMethodUpdate", id=checkout, method=method)
        assert complete() == "BILLING_ADDRESS_NOT_SET"
        billed = self.with_address(browser, "checkoutBillingAddressUpdate", checkout)
        assert complete() == "CHECKOUT_NOT_FULLY_PAID"
        total = operations.total_of(billed["checkout"])
        for amount in (total - 0.01, total + 0.01, 0):
            assert code(self.pay(browser, checkout, amount)) == (
                "amount",
                "PARTIAL_PAYMENT_NOT_ALLOWED",
            )
        assert self.pay(browser, checkout, total)["errors"] == []
        # What is added after the payment has to be paid as well.
        self.add(browser, checkout)
        assert complete() == "CHECKOUT_NOT_FULLY_PAID"

    def test_a_payment_goes_through_its_gateway(self, browser: Browser) -> None:
        checkout = self.start(browser)
        total = operations.total_of(self.add(browser, checkout)["checkout"])
        answer = browser.operation(
            "checkoutPaymentCreate", id=checkout, gateway="bank", amount=total
        )
        assert code(answer) == ("gateway", "NOT_SUPPORTED_GATEWAY")

    def test_without_an_email_address_nothing_is_paid(self, browser: Browser) -> None:
        checkout = self.start(browser, "")
        self.add(browser, checkout)
        assert code(self.pay(browser, checkout, 1.0)) == ("email", "CHECKOUT_EMAIL_NOT_SET")

    @pytest.mark.parametrize(
        ("units", "expected"),
        [(51, "QUANTITY_GREATER_THAN_LIMIT"), (0, "ZERO_QUANTITY"), (-1, "ZERO_QUANTITY")],
    )
    def test_units_are_limited(self, browser: Browser, units: int, expected: str) -> None:
        answer = self.add(browser, self.start(browser), units)
        assert code(answer) == ("quantity", expected)
        assert answer["checkout"] is None

    def test_units_of_one_variant_add_up_to_the_limit(self, browser: Browser) -> None:
        checkout = self.start(browser)
        assert self.add(browser, checkout, 30)["errors"] == []
        assert code(self.add(browser, checkout, 30))[1] == "QUANTITY_GREATER_THAN_LIMIT"
        # What was refused has changed nothing.
        assert self.add(browser, checkout, 20)["errors"] == []

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({"city": ""}, ("city", "REQUIRED")),
            ({"countryArea": None}, ("countryArea", "REQUIRED")),
            ({"country": None}, ("country", "REQUIRED")),
            ({"postalCode": "ABC"}, ("postalCode", "INVALID")),
            ({"phone": "12"}, ("phone", "INVALID")),
        ],
    )
    def test_an_address_has_to_be_whole(
        self, browser: Browser, changes: Json, expected: tuple[str, str]
    ) -> None:
        checkout = self.start(browser)
        self.add(browser, checkout)
        answer = self.with_address(browser, "checkoutShippingAddressUpdate", checkout, **changes)
        assert code(answer) == expected

    def test_what_the_channel_does_not_sell_cannot_be_added(self, browser: Browser) -> None:
        checkout = self.start(browser)
        for variant, expected in (
            ("nonsense", "NOT_FOUND"),
            ("UHJvZHVjdFZhcmlhbnQ6OTk5OTk5", "UNAVAILABLE_VARIANT_IN_CHANNEL"),
        ):
            lines = [{"variantId": variant, "quantity": 1}]
            answer = browser.operation("checkoutLinesAdd", id=checkout, lines=lines)
            assert code(answer) == ("lines", expected)

    def test_a_channel_that_is_not_there_starts_no_checkout(self, browser: Browser) -> None:
        answer = browser.operation("checkoutCreate", channel="nowhere", email="a@example.com")
        assert code(answer) == ("channel", "NOT_FOUND")

    def test_a_negative_amount_is_a_bad_request(self, browser: Browser) -> None:
        variables = {"id": "x", "gateway": "g", "amount": -1}
        status, _ = browser.ask(operations.DOCUMENTS["checkoutPaymentCreate"], **variables)
        assert status == 400


class TestDatabase:
    def test_the_same_seed_gives_the_same_goods(self, tmp_path: Path) -> None:
        def goods(seed: int, name: str) -> list[Any]:
            connection = open_shop(tmp_path / name, seed)
            rows = connection.execute(
                "SELECT * FROM product JOIN variant ON product = product.id "
                "JOIN price ON variant = variant.id JOIN stock USING (variant)"
            ).fetchall()
            connection.close()
            return rows

        assert goods(7, "one") == goods(7, "two")
        assert goods(7, "one") != goods(8, "three")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "three", "two"]

    def test_another_seed_is_told(self, database: Path) -> None:
        open_shop(database, 1).close()
        with pytest.raises(UsageError, match=r"--seed 2: .* was made from seed 1"):
            open_shop(database, 2)

    def test_a_file_of_something_else_is_left_alone(self, tmp_path: Path) -> None:
        notes = tmp_path / "notes.txt"
        notes.write_text("do not lose this, it is longer than a header of a hundred bytes " * 3)
        with pytest.raises(DataError, match="cannot be used"):
            open_shop(notes, 1)
        other = tmp_path / "other.sqlite"
        with sqlite3.connect(other) as connection:
            connection.execute("CREATE TABLE mine (a)")
        connection.close()
        with pytest.raises(DataError, match="not a shop's file"):
            open_shop(other, 1)

    def test_a_folder_that_cannot_be_made_is_told(self) -> None:
        with pytest.raises(DataError, match=r"--database .*nowhere"):
            open_shop(Path("/proc/nowhere/shop.sqlite"), 1)
