"""Decision records and models, in what an operator looks for first."""

from __future__ import annotations

from datetime import datetime

from predictive_autoscaler.app.model_check import check_model
from predictive_autoscaler.app.monitor.facts import DecisionNote, ModelNote
from predictive_autoscaler.app.record import (
    check_schema,
    decision_from_json,
    part_of,
    refusing_what_is_no_record,
    why_nothing,
)
from predictive_autoscaler.app.settings import GroupSettings
from predictive_autoscaler.core.artifact import Model
from predictive_autoscaler.core.explain import headline
from predictive_autoscaler.core.types import Json, utc_from_text
from predictive_autoscaler.errors import ModelError


def decision_note(record: Json, group: str) -> DecisionNote:
    """A group's part of a record; one without it says so.

    Raises:
        DataError: this is no decision record.
    """
    entry = part_of(record, group)
    with refusing_what_is_no_record():
        if "schema" in record:
            check_schema(record)
        slot = utc_from_text(record["slot"])
        outcome = entry.get("outcome") or {}
        status = str(outcome.get("status", "absent"))
        decision = entry.get("decision") and decision_from_json(entry["decision"])
        troubles = [str(trouble) for trouble in entry.get("troubles", ())]
        error = outcome.get("error")
        if not decision:
            why = why_nothing(record, group) or f"the record says nothing of {group!r}"
            return DecisionNote(
                slot=slot,
                status=str(record.get("status")),
                mode=str(entry.get("mode", "unknown")),
                outcome=status,
                before=None,
                after=None,
                wish=None,
                text=f"No decision: {why}",
                troubles=tuple(troubles),
            )
        return DecisionNote(
            slot=slot,
            status=str(record.get("status")),
            mode=str(entry["mode"]),
            outcome=status,
            before=decision.before_instances,
            after=decision.after_instances,
            wish=decision.wish_instances,
            text=headline(decision),
            rung=decision.rung.value,
            model_id=decision.model_id,
            troubles=(*([str(error)] if error else []), *troubles, *decision.faults),
            quantiles=dict(decision.quantiles),
        )


def model_note(found: Model | ModelError, settings: GroupSettings, now: datetime) -> ModelNote:
    """The published model, or why there is none, and whether the controller can use it."""
    if isinstance(found, ModelError):
        return ModelNote(
            settings.model, None, None, None, settings.max_model_age_days, None, str(found)
        )
    fault = ""
    try:
        check_model(found, settings, now)
    except ModelError as error:
        fault = str(error)
    card = found.card
    return ModelNote(
        group=settings.model,
        model_id=card.model_id,
        trained_until=card.trained_until,
        rows=card.rows,
        max_age_days=settings.max_model_age_days,
        reach_minutes=card.parameters.horizon_bins * card.parameters.interval_seconds / 60,
        fault=fault,
    )
