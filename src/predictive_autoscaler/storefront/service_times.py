"""How long a request keeps a worker, and what rate that allows."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping

# Mean milliseconds per operation, by its root field, on an instance of the size that was measured.
# Measured on Saleor 3.23: products, search, product, categories. checkoutComplete took 0.9 to 1.3
# seconds there, but under load: about half of it is taken to have been waiting. The others were not
# measured: they are set by what they do, so that an instance saturates where one of Saleor did.
MEAN_MS: Mapping[str, float] = {
    "products": 82.0,
    "search": 75.0,
    "product": 54.0,
    "categories": 23.0,
    "collections": 23.0,
    "category": 82.0,
    "collection": 82.0,
    "checkoutCreate": 160.0,
    "checkoutLinesAdd": 160.0,
    "checkoutShippingAddressUpdate": 140.0,
    "checkoutBillingAddressUpdate": 120.0,
    "checkoutDeliveryMethodUpdate": 140.0,
    "checkoutPaymentCreate": 130.0,
    "checkoutComplete": 500.0,
    # What is refused before anything is looked up: a broken document.
    "refused": 4.0,
}
# The operation that --service-ms speaks of.
REFERENCE = "products"
# Spread of the logarithm: the 95th percentile is at about 1.7 times the mean.
SPREAD = 0.35
# Requests of a hundred journeys of the load scenarios, by operation.
SHOPPING: Mapping[str, float] = {
    "products": 135,
    "product": 122,
    "search": 15,
    "categories": 15,
    "category": 15,
    "collections": 15,
    "collection": 15,
    "checkoutCreate": 15,
    "checkoutLinesAdd": 15,
    "checkoutShippingAddressUpdate": 13,
    "checkoutBillingAddressUpdate": 15,
    "checkoutDeliveryMethodUpdate": 13,
    "checkoutPaymentCreate": 15,
    "checkoutComplete": 15,
}


def mean_seconds(operation: str, service_ms: float = MEAN_MS[REFERENCE]) -> float:
    """Mean service time of an operation, in seconds, where a listing takes `service_ms`."""
    return MEAN_MS[operation] * service_ms / MEAN_MS[REFERENCE] / 1000.0


def drawn_seconds(mean: float, rng: random.Random) -> float:
    """A service time around a mean, both in seconds, log-normally distributed."""
    if mean <= 0:
        return 0.0
    return rng.lognormvariate(math.log(mean) - SPREAD**2 / 2, SPREAD)


def capacity_per_second(
    mix: Mapping[str, float] = SHOPPING,
    workers: int = 2,
    service_ms: float = MEAN_MS[REFERENCE],
) -> float:
    """Requests a second at which one instance saturates.

    Args:
        mix: operation -> its share of the requests, or any weight in proportion to that; the
            load scenarios' own if not given.
        workers: requests that an instance serves at a time.
        service_ms: mean service time of a listing, in milliseconds.
    """
    weight = sum(mix.values())
    mean = sum(share * mean_seconds(name, service_ms) for name, share in mix.items()) / weight
    return workers / mean if mean > 0 else math.inf
