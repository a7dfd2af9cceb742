"""What `retrain` tells: a table of both models, the verdict, and the same for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from predictive_autoscaler.cli.console import err, out
from predictive_autoscaler.core.contest import Verdict
from predictive_autoscaler.core.types import Json

if TYPE_CHECKING:
    from predictive_autoscaler.cli.retrain import Attempt


def outcome_of(attempt: Attempt, *, dry_run: bool) -> str:
    """One word, or two: what became of a group."""
    if attempt.error:
        return "failed"
    if attempt.result is None:
        return "skipped"
    if attempt.result.unchanged:
        return "unchanged"
    if not attempt.result.verdict.published:
        return "refused"
    return "would publish" if dry_run else "published"


def as_dict(attempt: Attempt, *, dry_run: bool) -> Json:
    """One group for JSON."""
    content: Json = {
        "group": attempt.group,
        "outcome": outcome_of(attempt, dry_run=dry_run),
        "error": attempt.error,
        "note": attempt.note,
    }
    result = attempt.result
    if result is not None:
        content |= {
            "verdict": result.verdict.as_dict(),
            "scores": dict(result.trained.card.scores) if result.trained else None,
            "published": result.published,
            "deleted": list(result.deleted),
            "warnings": list(result.warnings),
        }
    return content


def show(attempt: Attempt, *, dry_run: bool) -> None:
    """Print what became of a group."""
    outcome = outcome_of(attempt, dry_run=dry_run)
    result = attempt.result
    if result is None:
        if attempt.note:
            _say(f"{attempt.group}: {attempt.note}, so there is nothing to retrain.")
        return
    verdict = result.verdict
    if verdict.champion is not None:
        out.print(_table(verdict))
    _say(_sentence(verdict, outcome))
    if result.deleted:
        _say(f"Deleted, being too old to keep: {', '.join(result.deleted)}.")
    for warning in result.warnings:
        err.print(f"[yellow]warning:[/] {escape(warning)}", soft_wrap=True, highlight=False)


def _sentence(verdict: Verdict, outcome: str) -> str:
    version, serving = verdict.challenger_version, verdict.champion_version
    what = {
        "published": f"published as {version}",
        "would publish": f"{version} would be published (dry run)",
        "refused": f"{version} is refused"
        + (f", {serving} serves on" if serving else ", so there is still no model"),
        "unchanged": f"{serving} serves on, there is nothing newer to learn",
    }[outcome]
    return f"{verdict.group}: {what}: {verdict.reason}."


def _table(verdict: Verdict) -> Table:
    assert verdict.judged_from is not None
    assert verdict.judged_until is not None
    price = verdict.rules.miss_price
    title = (
        f"{verdict.group}, {verdict.judged_from:%Y-%m-%d %H:%M} to "
        f"{verdict.judged_until:%Y-%m-%d %H:%M} UTC"
    )
    table = Table(title=title, title_justify="left")
    table.add_column("")
    headings = ("learned until", "instance-hours", "missed", "missed hours", "cost")
    for heading in headings:
        table.add_column(heading, justify="right")
    for name, played in (("champion", verdict.champion), ("challenger", verdict.challenger)):
        if played is None:
            continue
        table.add_row(
            name,
            played.trained_until.removesuffix("T00:00:00Z"),
            f"{played.instance_hours:,.1f}",
            f"{100 * played.missed_share:.3f} %",
            f"{played.missed_hours:,.2f}",
            f"{played.cost(price):,.1f}",
        )
    table.caption = f"cost: instance-hours + {price:g} x missed hours"
    table.caption_justify = "left"
    return table


def _say(text: str) -> None:
    out.print(escape(text), soft_wrap=True, highlight=False)
