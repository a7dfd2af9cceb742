"""A load test in steps against one instance of the shop, simulated in a moment."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator

import numpy as np

from predictive_autoscaler.core.types import FloatArray
from predictive_autoscaler.storefront.service_times import drawn_seconds, mean_seconds

USERS = (20, 40, 60, 80, 100)
WORKERS = 2
THINK = (1.0, 5.0)
FORM = (0.5, 2.0)
CHECKOUT = (
    *("checkoutCreate", "checkoutLinesAdd", "checkoutShippingAddressUpdate"),
    *("checkoutBillingAddressUpdate", "checkoutDeliveryMethodUpdate", "checkoutPaymentCreate"),
    "checkoutComplete",
)
JOURNEYS = {
    (*(("products", THINK), ("product", FORM)), *((name, FORM) for name in CHECKOUT)): 15,
    (("products", THINK), *3 * (("product", THINK),)): 30,
    3 * (("products", THINK),): 25,
    (("products", THINK), ("search", THINK), ("product", THINK)): 15,
    tuple((name, THINK) for name in ("categories", "category", "collections", "collection")): 15,
}
"""(operation, seconds to think after it) of each page -> weight, much as locust/scenarios.py."""


def simulated_test(
    seed: int, seconds_per_step: int
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Seconds, users, rates and 95th percentiles, second by second, as Locust writes them."""
    total = seconds_per_step * len(USERS)
    ends, took = np.array(sorted(_answers(random.Random(seed), seconds_per_step))).T
    seconds = np.arange(1, total)
    rates, p95 = np.empty(len(seconds)), np.full(len(seconds), np.nan)
    for row, second in enumerate(seconds):
        first, last = np.searchsorted(ends, (second - 10, second), side="right")
        rates[row] = (last - first) / 10
        if last > first:
            p95[row] = np.quantile(took[first:last], 0.95)
    users = np.array(USERS)[seconds // seconds_per_step]
    return seconds.astype(float), users.astype(float), rates, p95


def _answers(rng: random.Random, seconds_per_step: int) -> Iterator[tuple[float, float]]:
    """When each request was answered, and how long it took, in seconds."""
    free_at = [0.0] * WORKERS
    pages: dict[int, list[tuple[str, tuple[float, float]]]] = {}
    waiting = [
        (step * seconds_per_step + user / 20, user)
        for step, users in enumerate(USERS)
        for user in range(users - 20, users)
    ]
    heapq.heapify(waiting)
    while waiting:
        now, user = heapq.heappop(waiting)
        if now >= seconds_per_step * len(USERS):
            continue
        if not pages.get(user):
            pages[user] = list(rng.choices(list(JOURNEYS), list(JOURNEYS.values()))[0])
        operation, think = pages[user].pop(0)
        end = max(now, free_at[0]) + drawn_seconds(mean_seconds(operation), rng)
        heapq.heapreplace(free_at, end)
        yield end, end - now
        heapq.heappush(waiting, (end + rng.uniform(*think), user))
