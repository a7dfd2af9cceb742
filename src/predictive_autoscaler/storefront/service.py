"""The HTTP side: health, statistics, and GraphQL behind a limited number of workers."""

from __future__ import annotations

import asyncio
import json
import random
import time
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from predictive_autoscaler.storefront.answers import Shop
from predictive_autoscaler.storefront.service_times import drawn_seconds, mean_seconds
from predictive_autoscaler.storefront.workers import Workers

JSON = "application/json"
LARGEST_BODY = 256 * 1024


@dataclass
class Service:
    """One instance.

    Attributes:
        service_ms: mean service time of a listing, in milliseconds.
        ready_at: when it has booted, in seconds of time.monotonic.
    """

    shop: Shop
    workers: Workers
    service_ms: float
    rng: random.Random
    ready_at: float = 0.0

    def app(self) -> Starlette:
        """The ASGI application."""
        application = Starlette(
            routes=[
                Route("/health/", self.health),
                Route("/stats", self.stats),
                Route("/graphql/", self.graphql, methods=["POST"]),
            ]
        )
        # As the shop that this stands for does: the slash at the end belongs to the address.
        application.router.redirect_slashes = False
        return application

    def booting(self) -> bool:
        """Whether it still has to come up."""
        return time.monotonic() < self.ready_at

    async def health(self, _request: HttpRequest) -> Response:
        """200 once booted; the database is not asked."""
        return Response(status_code=503 if self.booting() else 200)

    async def stats(self, _request: HttpRequest) -> Response:
        """Counts, and what has gone on since the last call."""
        content = self.workers.statistics() | {"booting": self.booting()}
        return Response(json.dumps(content), media_type=JSON)

    async def graphql(self, request: HttpRequest) -> Response:
        """Wait for a worker, keep it for the service time, and answer."""
        if self.booting():
            return _unavailable("The instance is starting.")
        body = await request.body()
        if len(body) > LARGEST_BODY:
            return Response(status_code=413)
        asked = self.shop.read(body)
        mean = sum(mean_seconds(name, self.service_ms) for name in asked.operations)
        turn = self.workers.book(drawn_seconds(mean, self.rng))
        if turn is None:
            return _unavailable("Too many requests are waiting.")
        try:
            await _until(turn.starts)
            answer = asked.answer()
            await _until(turn.ends)
        except asyncio.CancelledError:
            # The server was told to end and does not wait for all that wait.
            return _unavailable("The instance is going away.")
        self.workers.finish(turn)
        return Response(answer.body, answer.status, media_type=JSON)


async def _until(moment: float) -> None:
    """Wait for a moment of time.monotonic."""
    seconds = moment - time.monotonic()
    if seconds > 0:
        await asyncio.sleep(seconds)


def _unavailable(message: str) -> Response:
    content = json.dumps({"errors": [{"message": message}]})
    return Response(content, 503, media_type=JSON, headers={"Retry-After": "1"})
