"""What settings cost by the day and missed: rows and a chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from predictive_autoscaler.core.outlay import Outlay, difference
from predictive_autoscaler.report.lab import LabTrace
from predictive_autoscaler.report.lab_scatter import Panel, outlay_panel
from predictive_autoscaler.report.numbers import THIN, UNKNOWN, grouped, hours, percent


@dataclass(frozen=True)
class OutlayTable:
    """A table of settings.

    Attributes:
        priced: whether there are columns of money.
        rows: name, kind and cells; kind is "ours" for the present setting.
        panel: cost against missed; None where there is nothing to see.
    """

    title: str
    lead: str
    priced: bool
    rows: Sequence[tuple[str, str, Sequence[str]]]
    panel: Panel | None = None


def outlay_tables(trace: LabTrace) -> list[OutlayTable]:
    """What if, and side by side, as far as they were asked for."""
    tables = []
    if trace.outlays:
        tables.append(_what_if(trace.outlays))
    if trace.compared:
        tables.append(_side_by_side(trace.compared))
    return tables


def _what_if(outlays: Sequence[Outlay]) -> OutlayTable:
    present = next((outlay.name for outlay in outlays if outlay.present), "")
    return OutlayTable(
        "What if",
        "What other prices of a miss, and budgets of misses, would have cost and missed on the "
        "same traffic. Tinted: as it is set now.",
        _priced(outlays),
        [(one.name, "ours" if one.present else "", _cells(one, outlays)) for one in outlays],
        outlay_panel(outlays, present),
    )


def _side_by_side(outlays: Sequence[Outlay]) -> OutlayTable:
    first = outlays[0]
    rows = [(one.name, "", _cells(one, outlays)) for one in outlays]
    rows += [(f"{one.name} − {first.name}", "", _apart(one, first, outlays)) for one in outlays[1:]]
    lead = "The same traffic under each settings file, and what it takes more (+) or less (−)."
    return OutlayTable("Side by side", lead, _priced(outlays), rows)


def _priced(outlays: Sequence[Outlay]) -> bool:
    return any(outlay.hour_price is not None for outlay in outlays)


def _cells(one: Outlay, outlays: Sequence[Outlay]) -> list[str]:
    money = (one.usd_per_day, one.usd_per_month) if _priced(outlays) else ()
    return [
        percent(one.score.missed_share),
        hours(one.hours_per_day),
        *(UNKNOWN if value is None else grouped(value, 2) for value in money),
        grouped(one.score.actions),
    ]


def _apart(one: Outlay, first: Outlay, outlays: Sequence[Outlay]) -> list[str]:
    more = difference(one, first)
    money = (more.usd_per_day, more.usd_per_month) if _priced(outlays) else ()
    return [
        f"{_signed(100 * more.missed_share, 3)}{THIN}%",
        _signed(more.hours_per_day, 1),
        *(UNKNOWN if value is None else _signed(value, 2) for value in money),
        _signed(more.actions, 0),
    ]


def _signed(value: float, decimals: int) -> str:
    text = grouped(value, decimals)
    return f"+{text}" if round(value, decimals) > 0 else text
