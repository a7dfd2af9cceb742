"""A small load balancer on loopback: passes requests on, and measures as an ALB does.

It runs in a process of its own, so that nothing else delays what it measures. Whoever has started
it steers it through a second port: PUT /targets says where instances serve, POST /window takes
what was measured since the last time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from predictive_autoscaler.rehearsal.window import Recorder

PASSED_ON = ("Content-Type", "Accept", "Authorization", "User-Agent")
LOOPBACK = "127.0.0.1"
BUSY_STATUS = 503
LOST_STATUS = 502
LARGEST_BODY = 2**20


@dataclass
class Target:
    """An instance, and how many requests it is working at."""

    port: int
    outstanding: int = 0


@dataclass
class Balancer:
    """Sends each request to the instance with the fewest outstanding ones.

    That is the ALB's routing algorithm "least outstanding requests". Among equals the one that
    has waited longest is next.
    """

    recorder: Recorder
    _targets: list[Target] = field(default_factory=list)
    _session: aiohttp.ClientSession | None = None

    def retarget(self, ports: Sequence[int]) -> None:
        """Serve from these instances from now on; those left out finish what they have."""
        known = {target.port: target for target in self._targets}
        self._targets = [known.get(port) or Target(port) for port in ports]

    async def handle(self, request: web.Request) -> web.Response:
        """Pass one request on, and note how long it took."""
        target = min(self._targets, key=lambda one: one.outstanding, default=None)
        if target is None:
            self.recorder.refused()
            return web.Response(status=BUSY_STATUS, text="no instance is in service")
        # The next equal one gets the next request.
        self._targets.remove(target)
        self._targets.append(target)
        body = await request.read()
        begun = time.perf_counter()
        target.outstanding += 1
        try:
            answer = await self._ask(target, request, body)
        finally:
            target.outstanding -= 1
        self.recorder.answered(time.perf_counter() - begun, answer.status)
        return answer

    async def _ask(self, target: Target, request: web.Request, body: bytes) -> web.Response:
        assert self._session is not None
        headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
        url = f"http://{LOOPBACK}:{target.port}{request.rel_url}"
        try:
            async with self._session.request(
                request.method, url, data=body or None, headers=headers
            ) as got:
                content = await got.read()
                kind = got.headers.get("Content-Type", "application/octet-stream")
                return web.Response(status=got.status, body=content, headers={"Content-Type": kind})
        except (aiohttp.ClientError, OSError) as error:
            return web.Response(status=LOST_STATUS, text=f"the instance was lost: {error}")

    def application(self) -> web.Application:
        """What the users reach."""
        made = web.Application(client_max_size=LARGEST_BODY)
        made.router.add_route("*", "/{path:.*}", self.handle)
        made.cleanup_ctx.append(self._with_session)
        return made

    async def _with_session(self, _: web.Application) -> Any:
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30)
        async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
            self._session = session
            yield

    def controls(self) -> web.Application:
        """What whoever started it reaches."""
        made = web.Application()
        made.router.add_put("/targets", self._set_targets)
        made.router.add_post("/window", self._take_window)
        return made

    async def _set_targets(self, request: web.Request) -> web.Response:
        self.retarget(await request.json())
        return web.Response()

    async def _take_window(self, _: web.Request) -> web.Response:
        window = self.recorder.take(time.perf_counter())
        spent = time.process_time()
        return web.json_response(window.to_json() | {"cpu_seconds": spent})


async def run_balancer(objective_seconds: float, announce: Any) -> None:
    """Serve until cancelled; tells its two ports through a pipe's end: users', controls'."""
    balancer = Balancer(Recorder(objective_seconds, time.perf_counter()))
    runners = [
        web.AppRunner(made, access_log=None)
        for made in (balancer.application(), balancer.controls())
    ]
    try:
        ports = []
        for runner in runners:
            await runner.setup()
            site = web.TCPSite(runner, LOOPBACK, 0, backlog=1024)
            await site.start()
            ports.append(runner.addresses[0][1])
        announce.send(ports)
        await asyncio.Event().wait()
    finally:
        for runner in runners:
            await runner.cleanup()
