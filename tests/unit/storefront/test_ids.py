from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from predictive_autoscaler.storefront.ids import (
    cursor_of,
    global_id,
    key_of,
    number_of,
    place_of,
)


def test_an_identifier_names_a_type_and_a_key() -> None:
    assert global_id("Product", 1) == "UHJvZHVjdDox"
    assert number_of("Product", "UHJvZHVjdDox") == 1
    assert number_of("Category", "UHJvZHVjdDox") is None
    assert key_of("Checkout", global_id("Checkout", "a-b")) == "a-b"


@given(st.text() | st.none())
def test_any_text_can_be_asked_for(text: str | None) -> None:
    number_of("Product", text)
    place_of("NAME up", text or "")


def test_a_cursor_belongs_to_its_order() -> None:
    cursor = cursor_of("NAME up", 7)
    assert place_of("NAME up", cursor) == 7
    assert place_of("PRICE up", cursor) is None
