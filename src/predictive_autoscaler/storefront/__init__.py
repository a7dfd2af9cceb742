"""A small shop to rehearse against: the part of Saleor's API that the load scenarios call.

It answers from an SQLite file and waits instead of working, so that an instance saturates at a
known rate while many of them fit on one machine. `python -m predictive_autoscaler.storefront`.
"""

from __future__ import annotations

from predictive_autoscaler.storefront.service_times import capacity_per_second

__all__ = ["capacity_per_second"]
