"""Addresses of shops, before anything is asked of them, and how long a shop is waited for."""

from __future__ import annotations

import json
import socket
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from predictive_autoscaler.errors import SourceError, UsageError
from predictive_autoscaler.loadtest import preflight
from predictive_autoscaler.loadtest.preflight import look, shop_address


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


class _Shop(BaseHTTPRequestHandler):
    """Sells one chair."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"data": {"products": {"edges": [{"node": {"name": "Chair"}}]}}})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""


class TestAShopThatIsStillStarting:
    @pytest.fixture(autouse=True)
    def quickly(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(preflight, "BETWEEN_SECONDS", 0.02)

    def test_it_is_asked_again_and_the_wait_is_told(self) -> None:
        with HTTPServer(("127.0.0.1", 0), _Shop, bind_and_activate=False) as server:
            server.server_bind()  # Until it listens, connections are refused.
            host = f"http://127.0.0.1:{server.server_address[1]}"
            told: list[str] = []

            def start(text: str) -> None:
                told.append(text)
                server.server_activate()
                Thread(target=server.handle_request).start()

            assert look(host, "default-channel", start, start_seconds=5) == "Chair"
        assert told == [f"nobody listens at {host} yet; waiting up to 5 s"]

    def test_after_that_it_is_given_up(self) -> None:
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            host = f"http://127.0.0.1:{silent.getsockname()[1]}"
            told: list[str] = []
            with pytest.raises(SourceError, match="no answer"):
                look(host, "default-channel", told.append, start_seconds=0.1)
        assert len(told) == 1
