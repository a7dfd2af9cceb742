"""Addresses of shops, before anything is asked of them."""

from __future__ import annotations

import pytest

from predictive_autoscaler.errors import UsageError
from predictive_autoscaler.loadtest.preflight import shop_address


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("http://shop.example.com/", "http://shop.example.com"),
        ("https://shop:8443", "https://shop:8443"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_a_scheme_a_name_and_a_port(host: str, address: str) -> None:
    assert shop_address(host) == address


@pytest.mark.parametrize(
    "host",
    [
        *(None, "", "shop", "ftp://shop", "http://", "http://shop/graphql/", "http://shop?a=b"),
        *("http://moo bar", "http://shop:99999", "http://shop:0", "http://shop:x", "http://[::1"),
        *("http://sh\x07op", "http://caf\u00e9:80"),
    ],
)
def test_anything_else_is_refused(host: str | None) -> None:
    with pytest.raises(UsageError, match="--host"):
        shop_address(host)
