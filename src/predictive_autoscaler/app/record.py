"""Decision records: JSON that explains a tick by itself and that the next tick starts from."""

from __future__ import annotations

from typing import Any

from predictive_autoscaler.core.state import ControllerState
from predictive_autoscaler.core.types import (
    Candidate,
    Decision,
    Json,
    Quality,
    Reason,
    Rung,
    utc_from_text,
    utc_text,
)

SCHEMA = 1


def decision_to_json(decision: Decision) -> Json:
    """Plain values; floats keep all their digits."""
    return vars(decision) | {
        "slot": utc_text(decision.slot),
        "rung": decision.rung.value,
        "present_quality": decision.present_quality.name.lower(),
        "candidates": [vars(candidate) for candidate in decision.candidates],
        "reasons": [vars(reason) for reason in decision.reasons],
        "faults": list(decision.faults),
    }


def decision_from_json(content: dict[str, Any]) -> Decision:
    """Read what `decision_to_json` wrote.

    Raises:
        ValueError, KeyError, TypeError: it is something else.
    """
    return Decision(
        **content
        | {
            "slot": utc_from_text(content["slot"]),
            "rung": Rung(content["rung"]),
            "present_quality": Quality[content["present_quality"].upper()],
            "candidates": tuple(Candidate(**candidate) for candidate in content["candidates"]),
            "reasons": tuple(Reason(**reason) for reason in content["reasons"]),
            "faults": tuple(content["faults"]),
        }
    )


def group_entry(mode: str, decision: Decision, state: ControllerState, status: str) -> Json:
    """One group's part of a record, before anything was done about it."""
    return {
        "mode": mode,
        "decision": decision_to_json(decision),
        "state": state.to_json(),
        "outcome": {"status": status},
    }


def capacity_of(record: Json | None, group: str) -> float | None:
    """Requests per interval that an instance carries, as a record last had it, without reading
    the whole state.
    """
    try:
        return float(part_of(record, group)["state"]["capacity_per_instance"])
    except (KeyError, ValueError, TypeError):
        return None


def part_of(record: Json | None, group: str) -> Json:
    """A group's part of a record; empty where the record has none, or is garbage."""
    groups = (record or {}).get("groups")
    part = groups.get(group) if isinstance(groups, dict) else None
    return part if isinstance(part, dict) else {}


def state_of(record: Json | None, group: str) -> ControllerState | None:
    """The state that a record carries for a group; None if it has none that can be read."""
    if record is None or record.get("schema") != SCHEMA:
        return None
    try:
        return ControllerState.from_json(record["groups"][group]["state"])
    except (KeyError, ValueError, TypeError, AttributeError):
        return None
