"""`explain`: why a decision came out as it did."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from predictive_autoscaler.app.record import (
    check_schema,
    decision_from_json,
    decision_of,
    decision_to_json,
    refusing_what_is_no_record,
    why_nothing,
)
from predictive_autoscaler.cli.console import Bucket, Region, out, print_json, use_region
from predictive_autoscaler.cli.moments import moment_of
from predictive_autoscaler.core.explain import CANDIDATES_NOTE
from predictive_autoscaler.core.explain import explain as in_words
from predictive_autoscaler.core.types import Decision, Json, utc_from_text, utc_text
from predictive_autoscaler.errors import DataError, SettingsError
from predictive_autoscaler.files import read_named

WEEK = timedelta(days=7)


def explain(
    slot: Annotated[
        str | None,
        typer.Argument(help="Time of the decision (ISO 8601, with zone). Default: the newest."),
    ] = None,
    record_file: Annotated[
        Path | None,
        typer.Option(
            "--record",
            help="Explain a record from this file instead: one record, or one a line, as the "
            "demo's out/demo/decisions.jsonl.",
        ),
    ] = None,
    bucket: Bucket = None,
    region: Region = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the record, and the words about each group.")
    ] = False,
) -> None:
    """Explain the newest decision, or a given one, from its record.

    Says what moved the forecast, what was decided at the same time a week before if there is a
    record of it, and what it would have taken to decide otherwise.
    """
    moment = moment_of(slot, "the slot", "2026-11-20T08:05:00Z") if slot else None
    if record_file:
        record, week_before = _from_file(record_file, moment)
        where = str(record_file)
    else:
        record, week_before = _from_store(moment, bucket, region)
        where = _key(record)
    if as_json:
        print_json(record | {"explanations": _in_json(record, week_before, where)})
    else:
        print_record(record, week_before, where)
        if week_before is None:
            out.print("There is no record of the same time a week before.")
    silent = _said_nothing(record)
    if silent:
        raise DataError(f"{where}: the record says nothing of {silent}")


def _key(record: Json) -> str:
    """Under which it lies in the bucket, as far as it tells."""
    from predictive_autoscaler.adapters.stores.keys import decision_key

    slot = _slot_of(record)
    return decision_key(slot) if slot else "the newest record"


def _said_nothing(record: Json) -> str:
    """The groups of which a record has neither a decision nor why there is none."""
    names = [name for name, entry in record["groups"].items() if entry.get("decision") is None]
    if not record["groups"] and not why_nothing(record, ""):
        return "any group"
    return ", ".join(repr(name) for name in names if not why_nothing(record, name))


def _entries(record: Json) -> Iterator[tuple[str, Json]]:
    """The groups' parts. Raises KeyError or ValueError where this is no record."""
    check_schema(record)
    groups = record["groups"]
    if not isinstance(groups, dict):
        raise ValueError(f"groups is {reprlib.repr(groups)}; an object is needed")
    for name, entry in groups.items():
        if not isinstance(entry, dict):
            found = reprlib.repr(entry)
            raise ValueError(f"the part of {name!r} is {found}; an object is needed")
        yield name, entry


def print_record(record: Json, week_before: Json | None = None, where: str = "") -> None:
    """Print a decision record in words, group by group.

    Args:
        week_before: the record of the same time a week before, if there is one.
        where: the file or the key that it is from.

    Raises:
        DataError: it is no record, or of another schema.
    """
    with refusing_what_is_no_record(where):
        entries = list(_entries(record))
        if not entries:
            why = why_nothing(record, "") or "the record says nothing of any group"
            out.print(f"{record['slot']}: No decision: {escape(why)}.", soft_wrap=True)
        for name, entry in entries:
            mode = entry.get("mode", "unknown")
            out.print(f"[bold]{escape(name)}[/], {record['slot']}, mode {escape(str(mode))}")
            if entry.get("decision") is None:
                why = why_nothing(record, name) or f"the record says nothing of {name!r}"
                out.print(f"No decision: {escape(why)}.")
                continue
            then = decision_of(week_before, name)
            _print_decision(decision_from_json(entry["decision"]), entry, then)


def _in_json(record: Json, week_before: Json | None, where: str) -> Json:
    """By group, what `print_record` prints, and the decision of a week before as it was."""
    found = {}
    with refusing_what_is_no_record(where):
        for name, entry in _entries(record):
            if entry.get("decision") is None:
                continue
            then = decision_of(week_before, name)
            decision = decision_from_json(entry["decision"])
            words = in_words(decision, entry["mode"], entry["outcome"], then)
            found[name] = vars(words) | {"week_before": then and decision_to_json(then)}
    return found


def _print_decision(decision: Decision, entry: dict[str, Any], then: Decision | None) -> None:
    words = in_words(decision, entry["mode"], entry["outcome"], then)
    out.print(f"[bold]{escape(words.headline)}[/]")
    for paragraph in words.paragraphs:
        out.print(escape(paragraph))
    if decision.candidates:
        priced = decision.miss_price is not None
        table = Table("instances", "expected missed")
        if priced:
            table.add_column("cost in instance-intervals")
        for candidate in decision.candidates:
            chosen = candidate.instances == decision.wish_instances
            table.add_row(
                f"{candidate.instances}{' ←' if chosen else ''}",
                f"{100 * candidate.expected_missed_share:.3g} %",
                *([] if candidate.cost is None else [f"{candidate.cost:.2f}"]),
                style="bold" if chosen else "",
            )
        out.print(table)
        if priced:
            out.print(CANDIDATES_NOTE, style="dim")
    out.print(escape(words.outcome))


def _from_file(path: Path, slot: datetime | None) -> tuple[Json, Json | None]:
    """The record of a slot, or the last one, from a file with one or with one a line; and that of
    a week before, if the file has it.
    """
    text = read_named(path, "a decision record", DataError)
    lines = [text] if text.lstrip().startswith("{\n") else text.splitlines()
    records = [_parsed(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    fitting = [
        record
        for record in records
        if isinstance(record, dict) and (slot is None or record.get("slot") == utc_text(slot))
    ]
    if not fitting:
        raise DataError(f"{path}: holds no decision record{_not_there(records, slot)}")
    found: Json = fitting[-1]
    before = _week_before(found)
    theirs = [one for one in records if before and _slot_of(one) == before]
    return found, theirs[-1] if theirs else None


def _parsed(path: Path, number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        at = number + getattr(error, "lineno", 1) - 1
        raise DataError(
            f"{path}: cannot be read as a decision record: line {at} is not JSON"
        ) from None


def _not_there(records: list[Any], slot: datetime | None) -> str:
    """Of which slot there is none, and of which there are."""
    if slot is None:
        return ""
    known = sorted(one for one in map(_slot_of, records) if one is not None)
    if not known:
        return f" of {utc_text(slot)}, nor of any other time"
    nearest = min(known, key=lambda one: abs(one - slot))
    return (
        f" of {utc_text(slot)}; it holds {utc_text(known[0])} to {utc_text(known[-1])}, and "
        f"{utc_text(nearest)} is the nearest"
    )


def _slot_of(record: Any) -> datetime | None:
    """None where it is no record."""
    try:
        return utc_from_text(record["slot"])
    except (KeyError, ValueError, TypeError):
        return None


def _week_before(record: Json) -> datetime | None:
    slot = _slot_of(record)
    return slot and slot - WEEK


def _from_store(
    slot: datetime | None, bucket: str | None, region: str | None
) -> tuple[Json, Json | None]:
    from predictive_autoscaler.wiring import find_decision

    if not bucket:
        raise SettingsError("S3_BUCKET is not set; give --bucket, or --record FILE")
    use_region(region)
    record = find_decision(bucket, slot)
    if record is None:
        when = f"for {utc_text(slot)}" if slot else "in the last weeks"
        raise DataError(
            f"there is no decision {when} in bucket {bucket!r} (a dry run leaves no record)"
        )
    before = _week_before(record)
    return record, _loaded(bucket, before) if before else None


def _loaded(bucket: str, slot: datetime) -> Json | None:
    """A record that would only be shown beside another: none, where it cannot be read."""
    from predictive_autoscaler.wiring import find_decision

    try:
        return find_decision(bucket, slot)
    except DataError:
        return None
