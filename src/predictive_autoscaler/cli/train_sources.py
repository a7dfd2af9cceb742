"""Where the metrics come from that `train` learns from."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from predictive_autoscaler.app.settings import GroupSettings, Settings
from predictive_autoscaler.cli.moments import moment_of
from predictive_autoscaler.core.types import Samples


def from_csv(
    path: Path, interval_seconds: int, until: str | None
) -> tuple[Samples, dict[str, Any]]:
    """A recording on the grid of decisions, and facts about it.

    Raises:
        DataError: it cannot be used.
    """
    from predictive_autoscaler.model.recorded import at_interval, read_recording

    recording = read_recording(path)
    samples = at_interval(recording.samples, interval_seconds)
    if until is not None:
        samples = samples.between(samples.start, moment(until))
    facts: dict[str, Any] = {"source": str(path), "absent_rows": recording.absent_rows}
    if recording.samples.interval_seconds > interval_seconds:
        facts["interpolated_from_minutes"] = recording.samples.interval_seconds // 60
    return samples, facts


def from_cloudwatch(
    settings: Settings, days: int, until: str | None, tell: Callable[[str], None]
) -> tuple[Samples, dict[str, Any]]:
    """The recorded metrics of the settings' group, and facts about them.

    Raises:
        SourceError, DataError: they cannot be read, or there are none.
    """
    from predictive_autoscaler.wiring import aws_history

    group: GroupSettings = settings.groups[0]
    now = moment(until) if until else datetime.now(UTC)
    samples = aws_history(
        settings, group, now, days, lambda day: tell(f"reading the metrics of {day}")
    )
    return samples, {"source": "cloudwatch", "group": group.name, "days": days}


def moment(text: str) -> datetime:
    """`--until` as a time.

    Raises:
        UsageError: it is none, or has no zone.
    """
    return moment_of(text, "--until")


def interpolation_note(facts: dict[str, Any]) -> str:
    """What a reader must know where a file's bins are longer than those of the decisions."""
    minutes = facts.get("interpolated_from_minutes")
    if not minutes:
        return ""
    return (
        f"the file's bins of {minutes} minutes were drawn out between their values. That knows "
        "more than will be known in service, so the scores flatter"
    )
