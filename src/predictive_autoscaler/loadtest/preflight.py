"""A look at the shop before any load: is it there, and does the channel sell anything?

A run against the wrong channel would look green, since Saleor answers it with an empty page.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from predictive_autoscaler.errors import SourceError, UsageError

DOCUMENT = """
query Preflight($channel: String!) {
  products(channel: $channel, first: 1) { edges { node { id name } } }
}"""
PATIENCE_SECONDS = 15.0
START_SECONDS = 10.0
"""A shop that was started by the command before needs some time until it listens."""
BETWEEN_SECONDS = 0.5


class _NobodyListensError(SourceError):
    """The connection was refused."""


def shop_address(host: str | None) -> str:
    """The base address of the shop, without a slash at its end.

    Raises:
        UsageError: it is no address.
    """
    if not host:
        raise UsageError("--host is needed: the address of the shop, such as http://shop:8000")
    try:
        parts = urlsplit(host)
        sound = parts.port != 0  # Reading it checks it.
    except ValueError as error:
        raise UsageError(f"--host {host}: {error}") from None
    sound = sound and parts.netloc.isascii() and parts.netloc.isprintable()
    if parts.scheme not in ("http", "https") or not parts.hostname or not sound or " " in host:
        raise UsageError(f"--host {host}: give the address of the shop, such as http://shop:8000")
    if parts.path.strip("/") or parts.query:
        raise UsageError(f"--host {host}: give it without a path; /graphql/ is added")
    return f"{parts.scheme}://{parts.netloc}"


def look(
    address: str,
    channel: str,
    tell: Callable[[str], None],
    *,
    insecure: bool = False,
    start_seconds: float | None = None,
) -> str:
    """Ask for one product, and tell its name.

    Args:
        tell: is told when the shop has to be waited for.
        start_seconds: how long to ask again while nobody listens there; None is START_SECONDS.

    Raises:
        SourceError: there is no shop, or it sells nothing in this channel.
    """
    wait_seconds = START_SECONDS if start_seconds is None else start_seconds
    content = _ask_patiently(address, channel, insecure, wait_seconds, tell)
    if errors := content.get("errors"):
        raise SourceError(f"--host {address}: the shop refuses a listing: {str(errors)[:300]}")
    edges = ((content.get("data") or {}).get("products") or {}).get("edges")
    if not edges:
        raise SourceError(
            f"--channel {channel}: the shop at {address} lists no products in it; "
            "does it exist, and sell anything?"
        )
    return str(edges[0]["node"]["name"])


def _ask_patiently(
    address: str, channel: str, insecure: bool, wait_seconds: float, tell: Callable[[str], None]
) -> dict[str, Any]:
    end: float | None = None
    while True:
        try:
            return _ask(address, channel, insecure)
        except _NobodyListensError:
            if wait_seconds <= 0 or (end is not None and time.monotonic() >= end):
                raise
        if end is None:
            end = time.monotonic() + wait_seconds
            tell(f"nobody listens at {address} yet; waiting up to {wait_seconds:g} s")
        time.sleep(BETWEEN_SECONDS)


def _ask(address: str, channel: str, insecure: bool) -> dict[str, Any]:
    body = json.dumps({"query": DOCUMENT, "variables": {"channel": channel}}).encode()
    request = Request(
        f"{address}/graphql/", data=body, headers={"Content-Type": "application/json"}
    )
    context = ssl.create_default_context()
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        answer = urlopen(  # nosec B310 - shop_address has seen that it is http or https
            request, timeout=PATIENCE_SECONDS, context=context
        )
        with answer as response:
            content = json.load(response)
    except HTTPError as error:
        raise SourceError(
            f"--host {address}: /graphql/ answers with HTTP {error.code}; {_hint(error.code)}"
        ) from error
    except (URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        refused = isinstance(reason, ConnectionRefusedError)
        kind = _NobodyListensError if refused else SourceError
        raise kind(f"--host {address}: no answer: {reason}") from error
    except ValueError as error:
        raise SourceError(f"--host {address}: /graphql/ does not answer with JSON") from error
    if not isinstance(content, dict):
        raise SourceError(f"--host {address}: /graphql/ does not answer as GraphQL does")
    return content


def _hint(status: int) -> str:
    if status == 400:
        return "is the host's name in the shop's ALLOWED_HOSTS?"
    if status == 404:
        return "is this the shop's API?"
    return "is an instance healthy?"
