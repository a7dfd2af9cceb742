"""Decision records: JSON that explains a tick by itself and that the next tick starts from."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import MISSING, fields
from functools import cache
from typing import Any, TypeVar

from predictive_autoscaler.app.record_numbers import check_numbers
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
from predictive_autoscaler.core.why import (
    Alternative,
    Driver,
    Drivers,
    LastWeek,
    Limit,
    PriceGrounds,
)
from predictive_autoscaler.errors import DataError

T = TypeVar("T")
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
        "drivers": decision.drivers and _drivers_to_json(decision.drivers),
        "limits": [_limit_to_json(limit) for limit in decision.limits],
        "one_more": decision.one_more and _said(decision.one_more),
        "one_fewer": decision.one_fewer and _said(decision.one_fewer),
        "last_week": decision.last_week and vars(decision.last_week),
        "price_grounds": decision.price_grounds and _said(decision.price_grounds),
    }


def decision_from_json(content: dict[str, Any]) -> Decision:
    """Read what `decision_to_json` wrote.

    Raises:
        ValueError, KeyError, TypeError: it is something else. A ValueError says in words what is
            lacking, or which value is none.
    """
    _check_fields(Decision, content, "the decision")
    if not isinstance(content["quantiles"], dict):
        raise _wrong("quantiles", content["quantiles"], "an object of numbers")
    decision = Decision(
        **content
        | {
            "slot": utc_from_text(content["slot"]),
            "rung": Rung(content["rung"]),
            "present_quality": _quality(content["present_quality"]),
            "candidates": _each(Candidate, content["candidates"], "candidates"),
            "reasons": _each(Reason, content["reasons"], "reasons"),
            "faults": tuple(content["faults"]),
            # Records of older versions lack what follows.
            "drivers": _maybe(_drivers_from_json, content.get("drivers")),
            "limits": tuple(map(_limit_from_json, content.get("limits", ()))),
            "one_more": _maybe(_alternative, content.get("one_more")),
            "one_fewer": _maybe(_alternative, content.get("one_fewer")),
            "last_week": _maybe(lambda week: LastWeek(**week), content.get("last_week")),
            "price_grounds": _maybe(
                lambda grounds: PriceGrounds(**grounds), content.get("price_grounds")
            ),
        }
    )
    check_numbers(decision)
    return decision


@cache
def _names(kind: type) -> tuple[frozenset[str], frozenset[str]]:
    """Of a dataclass: the fields that it has to be given, and all."""
    own = fields(kind)
    needed = (one.name for one in own if one.default is MISSING and one.default_factory is MISSING)
    return frozenset(needed), frozenset(one.name for one in own)


def _check_fields(kind: type, content: object, where: str) -> None:
    if not isinstance(content, dict):
        raise ValueError(f"{where} is {reprlib.repr(content)}; an object is needed")
    needed, known = _names(kind)
    lacking, strange = sorted(needed - content.keys()), sorted(content.keys() - known)
    if lacking:
        raise ValueError(f"{where} has no {lacking[0]}")
    if strange:
        raise ValueError(f"{where} has {strange[0]}, which is no part of one")


def _wrong(name: str, value: object, needed: str) -> ValueError:
    return ValueError(f"{name} is {reprlib.repr(value)}; {needed} is needed")


def _quality(value: object) -> Quality:
    known = {quality.name.lower(): quality for quality in Quality}
    if not isinstance(value, str) or value not in known:
        raise _wrong("present_quality", value, f"one of {', '.join(known)}")
    return known[value]


def _each(kind: type[T], content: object, where: str) -> tuple[T, ...]:
    if not isinstance(content, list):
        raise _wrong(where, content, "a list")
    for index, one in enumerate(content):
        _check_fields(kind, one, f"{where}[{index}]")
    return tuple(kind(**one) for one in content)


def _said(value: object) -> Json:
    """The fields that say something: a record of a thousand groups has many."""
    return {name: field for name, field in vars(value).items() if field is not None}


def _drivers_to_json(drivers: Drivers) -> Json:
    families = {one.family: [one.moved, one.observed] for one in drivers.families}
    return vars(drivers) | {"families": families}


def _drivers_from_json(content: dict[str, Any]) -> Drivers:
    families = tuple(Driver(name, *values) for name, values in content["families"].items())
    return Drivers(**content | {"families": families})


def _limit_to_json(limit: Limit) -> Json:
    return _said(limit) | ({"until": utc_text(limit.until)} if limit.until else {})


def _limit_from_json(content: dict[str, Any]) -> Limit:
    return Limit(**content | {"until": _maybe(utc_from_text, content.get("until"))})


def _alternative(content: dict[str, Any]) -> Alternative:
    return Alternative(**content)


def _maybe(read: Callable[[Any], T], content: Any) -> T | None:
    return None if content is None else read(content)


@contextmanager
def refusing_what_is_no_record(where: str = "") -> Iterator[None]:
    """Around what reads a record.

    Args:
        where: the file or the key that it is from, to be told first.

    Raises:
        DataError: it is something else.
    """
    try:
        yield
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        whose = f"{where}: " if where else ""
        raise DataError(f"{whose}this is not a decision record: {_what(error)}") from error


def _what(error: Exception) -> str:
    """In words what does not fit."""
    if isinstance(error, KeyError):
        return f"it has no {error.args[0]}"
    if isinstance(error, ValueError):
        return str(error)
    return f"a value is of another kind than it should be ({error})"


def check_schema(record: Json) -> None:
    """Raises ValueError where it is not the one that this version reads."""
    if record["schema"] != SCHEMA:
        raise ValueError(
            f"schema is {reprlib.repr(record['schema'])}; this version reads {SCHEMA} only"
        )


def why_nothing(record: Json, group: str) -> str:
    """Why a record has no decision about a group; empty where it does not say that."""
    outcome = part_of(record, group).get("outcome")
    error = outcome.get("error") if isinstance(outcome, dict) else None
    return str(error or record.get("error") or "")


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


def decision_of(record: Json | None, group: str) -> Decision | None:
    """The decision about a group; None where a record has none that can be read."""
    if record is None or record.get("schema", SCHEMA) != SCHEMA:
        return None
    try:
        return decision_from_json(part_of(record, group)["decision"])
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


def state_of(record: Json | None, group: str) -> ControllerState | None:
    """The state that a record carries for a group; None if it has none that can be read."""
    if record is None or record.get("schema") != SCHEMA:
        return None
    try:
        return ControllerState.from_json(record["groups"][group]["state"])
    except (KeyError, ValueError, TypeError, AttributeError):
        return None
