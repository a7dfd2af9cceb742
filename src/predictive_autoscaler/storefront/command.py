"""The command line of the shop: options, the socket, the line that tells the port, the end."""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import random
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

import uvicorn

from predictive_autoscaler.errors import AutoscalerError, SourceError
from predictive_autoscaler.storefront.answers import Shop
from predictive_autoscaler.storefront.database import open_shop
from predictive_autoscaler.storefront.service import Service
from predictive_autoscaler.storefront.service_times import (
    MEAN_MS,
    REFERENCE,
    capacity_per_second,
)
from predictive_autoscaler.storefront.workers import Workers

PROGRAM = "python -m predictive_autoscaler.storefront"
LOOPBACK = "127.0.0.1"
# After SIGTERM, requests being served have this long to end.
GRACE_SECONDS = 0.5
EPILOG = f"""\
Service times are waited, not worked: an instance of 2 workers at --service-ms 82 saturates at
{capacity_per_second():.0f} requests a second of the load scenarios, on any machine. Operations keep
Saleor's proportions to a listing of 20 products: details 0.66, search 0.91, categories 0.28,
completing a checkout 6 times as long.

Several instances may share one --database; the first one makes it from --seed.

addresses:
  GET  /health/    200, or 503 while booting
  POST /graphql/   the shop; 503 at once if --queue requests are waiting
  GET  /stats      counts, busy share of the workers and percentiles since the last call

example:
  {PROGRAM} --database /tmp/shop.sqlite --port 8000 &
  curl -s -H 'Content-Type: application/json' http://127.0.0.1:8000/graphql/ \\
    -d '{{"query": "{{products(first: 2, channel: \\"default-channel\\"){{totalCount}}}}"}}'
"""


@dataclass(frozen=True)
class ShopInstance:
    """One instance of a shop.

    Attributes:
        database: SQLite file, shared by the instances of one shop; made from `seed` if absent.
        workers: requests served at a time; `queue`: that may wait for one.
        service_ms: mean time for a listing, in milliseconds.
        boot_seconds: until it is healthy.
    """

    database: Path
    workers: int = 2
    queue: int = 40
    service_ms: float = MEAN_MS[REFERENCE]
    seed: int = 1
    boot_seconds: float = 0.0


class _Parser(argparse.ArgumentParser):
    """One line on standard error instead of the usage."""

    def error(self, message: str) -> NoReturn:
        print(f"error: {message}", file=sys.stderr)
        raise SystemExit(2)


def _number(kind: type, lowest: float, highest: float) -> Callable[[str], float]:
    """Read a number within a range, both ends included."""

    def read(text: str) -> float:
        try:
            value = float(kind(text))
        except ValueError:
            value = math.nan
        if not lowest <= value <= highest:
            wanted = "a whole number" if kind is int else "a number"
            raise argparse.ArgumentTypeError(
                f"{text!r} is not {wanted} from {lowest:g} to {highest:g}"
            )
        return kind(value)  # type: ignore[no-any-return]

    return read


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = _Parser(
        prog=PROGRAM,
        description="A small shop with the part of Saleor's API that the load scenarios call.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument(
        "--host", default=LOOPBACK, help="address to listen on (default: %(default)s)"
    )
    made.add_argument(
        "--port",
        type=_number(int, 0, 65535),
        default=0,
        help="port to listen on; 0, the default, takes a free one and tells it",
    )
    made.add_argument(
        "--database",
        type=Path,
        required=True,
        metavar="FILE",
        help="SQLite file of the shop; made if there is none",
    )
    made.add_argument(
        "--workers",
        type=_number(int, 1, 64),
        default=2,
        help="requests served at a time, 1 to 64 (default: %(default)s)",
    )
    made.add_argument(
        "--queue",
        type=_number(int, 0, 10_000),
        default=40,
        help="requests that may wait for a worker, 0 to 10000 (default: %(default)s)",
    )
    made.add_argument(
        "--service-ms",
        type=_number(float, 0, 60_000),
        default=MEAN_MS[REFERENCE],
        help="mean time for a listing, milliseconds, 0 to 60000 (default: %(default)g)",
    )
    made.add_argument(
        "--seed",
        type=_number(int, 0, 2**31),
        default=1,
        help="decides the goods (default: %(default)s)",
    )
    made.add_argument(
        "--boot-seconds",
        type=_number(float, 0, 3600),
        default=0.0,
        help="time until it is healthy, seconds, 0 to 3600 (default: 0)",
    )
    return made


class _Server(uvicorn.Server):
    """Says when it accepts connections, and ends soon when it is told to."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._end_soon)

    def _end_soon(self) -> None:
        assert self._loop is not None
        self._loop.call_later(GRACE_SECONDS, setattr, self, "force_exit", True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT. Returns the exit code."""
    options = parser().parse_args(arguments)
    try:
        return _serve(options)
    except AutoscalerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _serve(options: argparse.Namespace) -> int:
    instance = ShopInstance(
        options.database,
        options.workers,
        options.queue,
        options.service_ms,
        options.seed,
        options.boot_seconds,
    )

    def tell(port: int) -> None:
        print(json.dumps({"port": port, "pid": os.getpid()}), flush=True)

    serve(instance, tell, options.host, options.port)
    return 0


def serve(
    instance: ShopInstance, tell: Callable[[int], None], host: str = LOOPBACK, port: int = 0
) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        tell: called with the port, once requests are accepted.

    Raises:
        AutoscalerError: the database cannot be used, or the address cannot be listened on.
    """
    shop = Shop(open_shop(instance.database, instance.seed))
    listening = _listen(host, port)
    # Instances of one fleet share the seed of their goods, but must not move in step.
    rng = random.Random(instance.seed * 65_537 + os.getpid())  # nosec B311 # waiting times
    service = Service(
        shop,
        Workers(instance.workers, instance.queue),
        instance.service_ms,
        rng,
        ready_at=time.monotonic() + instance.boot_seconds,
    )
    config = uvicorn.Config(
        service.app(),
        log_level="error",
        access_log=False,
        lifespan="off",
        ws="none",
        loop="asyncio",
        server_header=False,
        # Longer than a shopper thinks, as load balancers keep connections.
        timeout_keep_alive=75,
    )
    # uvicorn passes a signal on to whoever had it before; the end was asked for, so it is no fault.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    chosen = listening.getsockname()[1]
    _Server(config, lambda: tell(chosen)).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens there."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(1024)
    except OSError as error:
        raise SourceError(
            f"--host {host} --port {port}: cannot listen there: {error.strerror or error}"
        ) from error
    return listening
