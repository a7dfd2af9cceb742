"""What the processes of a rehearsal do; the fork server has imported this before any is needed."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from predictive_autoscaler.rehearsal.balancer import run_balancer
from predictive_autoscaler.storefront.command import ShopInstance, serve


def balance(objective_seconds: float, announce: Any) -> None:
    """Be the load balancer."""
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(run_balancer(objective_seconds, announce))


def keep_shop(instance: ShopInstance, announce: Any) -> None:
    """Be one instance of the shop."""
    serve(instance, announce.send)
