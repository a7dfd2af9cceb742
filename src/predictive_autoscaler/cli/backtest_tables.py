"""What `backtest` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from predictive_autoscaler.cli.console import out
from predictive_autoscaler.core.outlay import Outlay, difference

if TYPE_CHECKING:
    from predictive_autoscaler.backtest.lab import LabResult


def print_summary(result: LabResult) -> None:
    """Every policy on every trace, in a table for each trace."""
    from predictive_autoscaler.backtest.lab import summary_rows

    rows = summary_rows(result)
    for trace in result.results:
        headings = ("missed", "instance-hours", "cost / oracle", "actions")
        table = _table(trace, "policy", headings)
        for row in rows:
            if row["trace"] == trace:
                table.add_row(
                    escape(str(row["policy"])),
                    _percent(float(row["missed_share"])),
                    f"{float(row['instance_hours']):.1f}",
                    f"{float(row['cost']):.3f}",
                    str(row["actions"]),
                )
        if table.row_count:
            out.print(table)


def print_what_if(found: Mapping[str, Sequence[Outlay]]) -> None:
    """What each setting would have cost and missed, trace by trace."""
    for trace, outlays in found.items():
        days = f"{outlays[0].days:.1f} days, instance-hours"
        table = _outlay_table(f"What if, on {trace} ({days})", outlays)
        for outlay in outlays:
            style = "bold" if outlay.present else ""
            mark = " ← now" if outlay.present else ""
            cells = _measures(outlay, outlays)
            table.add_row(f"{escape(outlay.name)}{mark}", *cells, style=style)
        out.print(table)


def print_trials(found: Mapping[str, Sequence[Outlay]]) -> None:
    """Settings side by side, and what each takes more or less than the first."""
    for trace, outlays in found.items():
        days = f"{outlays[0].days:.1f} days, instance-hours"
        table = _outlay_table(f"Side by side, on {trace} ({days})", outlays)
        for outlay in outlays:
            table.add_row(escape(outlay.name), *_measures(outlay, outlays))
        for outlay in outlays[1:]:
            apart = difference(outlay, outlays[0])
            table.add_row(
                escape(f"{outlay.name} − {outlays[0].name}"),
                f"{100 * apart.missed_share:+.3f} %",
                f"{apart.hours_per_day:+.1f}",
                *_money((apart.usd_per_day, apart.usd_per_month), outlays, "+,.2f"),
                f"{apart.actions:+d}",
                style="bold",
            )
        out.print(table)


def _outlay_table(title: str, outlays: Sequence[Outlay]) -> Table:
    money = ("USD / day", "USD / 30 days") if _priced(outlays) else ()
    return _table(title, "setting", ("missed", "hours / day", *money, "actions"))


def _table(title: str, names: str, headings: Sequence[str]) -> Table:
    """A column of names, and columns of numbers."""
    table = Table(title=escape(title), title_justify="left")
    table.add_column(names)
    for heading in headings:
        # Numbers are never cut; on a narrow terminal the names are wrapped.
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _measures(outlay: Outlay, outlays: Sequence[Outlay]) -> list[str]:
    return [
        _percent(outlay.score.missed_share),
        f"{outlay.hours_per_day:.1f}",
        *_money((outlay.usd_per_day, outlay.usd_per_month), outlays, ",.2f"),
        str(outlay.score.actions),
    ]


def _money(values: Sequence[float | None], outlays: Sequence[Outlay], form: str) -> list[str]:
    """Cells of money, if there is any in the table."""
    if not _priced(outlays):
        return []
    return ["–" if value is None else format(value, form) for value in values]


def _priced(outlays: Sequence[Outlay]) -> bool:
    return any(outlay.hour_price is not None for outlay in outlays)


def _percent(share: float) -> str:
    return f"{100 * share:.3f} %"
