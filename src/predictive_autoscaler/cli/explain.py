"""`explain`: why a decision came out as it did."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from predictive_autoscaler.app.record import decision_from_json
from predictive_autoscaler.cli.console import Bucket, Region, out, print_json
from predictive_autoscaler.core.explain import explain as in_words
from predictive_autoscaler.core.types import Decision, Json, utc_from_text, utc_text
from predictive_autoscaler.errors import DataError, SettingsError, UsageError


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
            "demo's decisions.jsonl.",
        ),
    ] = None,
    bucket: Bucket = None,
    region: Region = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the record itself.")] = False,
) -> None:
    """Explain the newest decision, or a given one, from its record alone."""
    moment = _moment(slot) if slot else None
    if record_file:
        record = _from_file(record_file, moment)
    else:
        record = _from_store(moment, bucket, region)
    if as_json:
        print_json(record)
    else:
        print_record(record)


def print_record(record: Json) -> None:
    """Print a decision record in words, group by group."""
    try:
        for name, entry in record["groups"].items():
            out.print(f"[bold]{escape(name)}[/], {record['slot']}, mode {entry['mode']}")
            if entry.get("decision") is None:
                out.print(f"No decision: {escape(str(entry['outcome'].get('error')))}.")
                continue
            _print_decision(decision_from_json(entry["decision"]), entry)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise DataError(f"this is not a decision record: {error!r}") from error


def _print_decision(decision: Decision, entry: dict[str, Any]) -> None:
    words = in_words(decision, entry["mode"], entry["outcome"])
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
    out.print(escape(words.outcome))


def _from_file(path: Path, slot: datetime | None) -> Json:
    """The record of a slot, or the last one, from a file with one or with one a line."""
    try:
        text = path.read_text()
        lines = [text] if text.lstrip().startswith("{\n") else text.splitlines()
        records = [json.loads(line) for line in lines if line.strip()]
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as a decision record: {error}") from error
    fitting = [
        record
        for record in records
        if isinstance(record, dict) and (slot is None or record.get("slot") == utc_text(slot))
    ]
    if not fitting:
        raise DataError(f"{path}: holds no decision record" + (f" of {slot}" if slot else ""))
    found: Json = fitting[-1]
    return found


def _from_store(slot: datetime | None, bucket: str | None, region: str | None) -> Json:
    from predictive_autoscaler.wiring import find_decision

    if not bucket:
        raise SettingsError("S3_BUCKET is not set; give --bucket, or --record FILE")
    if region:
        os.environ["AWS_DEFAULT_REGION"] = region
    record = find_decision(bucket, slot)
    if record is None:
        when = f"for {utc_text(slot)}" if slot else "in the last weeks"
        raise DataError(
            f"there is no decision {when} in bucket {bucket!r} (a dry run leaves no record)"
        )
    return record


def _moment(text: str) -> datetime:
    try:
        return utc_from_text(text)
    except ValueError:
        raise UsageError(
            f"the slot is {text!r}; write it as 2026-11-20T08:05:00Z, with a zone"
        ) from None
