"""Decision records in which one number is none."""

from __future__ import annotations

import json

from predictive_autoscaler.core.types import Json
from tests.helpers.shop import entry

ODD: list[tuple[str, object]] = [
    ("after_instances", "many"),
    ("after_instances", 3.5),
    ("before_instances", None),
    ("wish_instances", True),
    ("wish_instances", -1),
    ("capacity_per_instance", 0),
    ("capacity_per_instance", float("nan")),
    ("miss_price", "dear"),
    ("quantiles", {"0.05": 1.0, "0.5": float("nan"), "0.95": 3.0}),
    ("quantiles", {"0.5": 10**400, "0.05": 1, "0.95": 2}),
    ("quantiles", {"0.5": 2.0}),
    ("candidates", [{"instances": "2", "expected_missed_share": 0.1, "cost": None}]),
]
"""Fields of a decision, with values that JSON can carry and no controller writes."""


def with_odd(record: Json, field: str, value: object) -> Json:
    """The same record, with this in place of that field of its decision."""
    found: Json = json.loads(json.dumps(record))
    entry(found)["decision"][field] = value
    return found
