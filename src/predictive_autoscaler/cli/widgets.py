"""What the live views are made of: small pictures of numbers, and the place where they stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.live import Live
from rich.measure import Measurement
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from predictive_autoscaler.app.monitor.facts import Outlook, OutlookBin
from predictive_autoscaler.core.types import Rung
from predictive_autoscaler.core.words import count

T = TypeVar("T")
BARS = " ▁▂▃▄▅▆▇█"
LONGEST_TREND = 60
MODEL_BAND, OTHER_BAND, MEDIAN = "▒", "░", "━"


def sparkline(values: Sequence[float | None], width: int = LONGEST_TREND) -> str:
    """The newest values as a row of bars, the largest one full; what is absent leaves a gap."""
    shown = values[-width:]
    most = max((value for value in shown if value is not None), default=0.0)
    if most <= 0:
        return BARS[0] * len(shown)
    return "".join(BARS[round((value or 0.0) / most * (len(BARS) - 1))] for value in shown)


@dataclass(frozen=True)
class Trend:
    """A sparkline of as many of the newest values as there is room for."""

    values: Sequence[float | None]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = min(options.max_width, LONGEST_TREND)
        yield Text(sparkline(self.values, width), no_wrap=True)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        longest = min(len(self.values), LONGEST_TREND)
        return Measurement(min(8, longest), longest)


def trends(rows: Iterable[tuple[str, str, Sequence[float | None]]]) -> Table:
    """Measures by name, each with its newest value in words and how it came there."""
    table = Table(show_header=False, box=None)
    table.add_column(no_wrap=True)
    table.add_column(justify="left", no_wrap=True)
    table.add_column()
    for name, newest, values in rows:
        table.add_row(name, newest, Trend(values))
    return table


@dataclass(frozen=True)
class _Column:
    """One column of the chart: demand that came (`bar`), or a band with its median."""

    bar: float | None = None
    band: tuple[float, float, float] | None = None
    model: bool = False


@dataclass(frozen=True)
class OutlookChart:
    """Demand of the hours behind, and the forecast's 90 % band ahead, over the width there is.

    Where several intervals share a column, it shows the largest demand, the means of the
    medians, and the band that holds all of theirs.
    """

    outlook: Outlook
    height: int = 8

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        top = self._top()
        labels = [f"{count(top)} ", f"{count(top / 2)} ", "0 "]
        margin = max(map(len, labels))
        room = max(10, min(options.max_width, 110) - margin)
        behind, ahead = self._columns(room)
        for row in range(self.height):
            label = {0: labels[0], self.height // 2: labels[1], self.height - 1: labels[2]}
            line = Text(no_wrap=True)
            line.append(label.get(row, "").rjust(margin), "dim")
            cells = (self._cell(column, row, top) for column in (*behind, *ahead))
            for style, alike in groupby(cells, key=lambda cell: cell[1]):
                line.append("".join(sign for sign, _ in alike), style)
            yield line
        yield Text(" " * margin + self._axis(len(behind), len(ahead)), style="dim", no_wrap=True)

    def _top(self) -> float:
        """The largest value, rounded up to two digits."""
        known = [value for value in self.outlook.behind if value is not None]
        most = max([*known, *(one.upper for one in self.outlook.ahead)], default=0.0)
        if most <= 0:
            return 1.0
        unit = 10.0 ** (len(f"{most:.0f}") - 2)
        return unit * -(-most // unit)

    def _columns(self, room: int) -> tuple[list[_Column], list[_Column]]:
        """At most `room` columns: several bins in one, or several columns for each."""
        behind, ahead = self.outlook.behind, self.outlook.ahead
        rungs = self.outlook.by_rung
        most = max(len(behind), len(ahead), 1)
        for together in range(1, most + 1):
            # The oldest column, and the last one of each rung, may hold fewer intervals.
            came = _shared_out(behind, together, len(behind) % together)
            expected = [some for bins in rungs for some in _shared_out(bins, together)]
            if len(came) + len(expected) <= room:
                break
        each = max(1, min(4, room // max(1, len(came) + len(expected))))
        return (
            [column for column in map(_came, came) for _ in range(each)],
            [column for column in map(_expected, expected) for _ in range(each)],
        )

    def _cell(self, column: _Column, row: int, top: float) -> tuple[str, str]:
        low, high = (top * (self.height - row - edge) / self.height for edge in (1, 0))
        if column.bar is not None:
            share = (column.bar - low) / (high - low)
            return BARS[round(8 * min(max(share, 0.0), 1.0))], "cyan"
        if column.band is None:
            return " ", ""
        lower, median, upper = column.band
        if low <= median < high or (row == 0 and median >= high):
            return MEDIAN, "bold"
        if lower < high and upper > low:
            return (MODEL_BAND, "green") if column.model else (OTHER_BAND, "yellow")
        return " ", ""

    def _axis(self, behind: int, ahead: int) -> str:
        """Times below their columns, as far as there is room for them."""
        outlook = self.outlook
        end = outlook.reach[-1][1] if outlook.ahead else outlook.until
        width = behind + ahead
        line = [" "] * width
        for at, moment in ((behind, outlook.until), (0, outlook.start), (width - 5, end)):
            at = min(max(at, 0), max(0, width - 5))
            if all(sign == " " for sign in line[max(0, at - 1) : at + 6]):
                line[at : at + 5] = f"{moment:%H:%M}"
        return "".join(line[:width])


def _shared_out(items: Sequence[T], size: int, first: int = 0) -> list[Sequence[T]]:
    """Pieces of `size`, after a first one of `first`, if that is not 0."""
    head = [items[:first]] if first else []
    return [*head, *(items[at : at + size] for at in range(first, len(items), size))]


def _came(values: Sequence[float | None]) -> _Column:
    known = [value for value in values if value is not None]
    return _Column(bar=max(known)) if known else _Column()


def _expected(bins: Sequence[OutlookBin]) -> _Column:
    band = (
        min(one.lower for one in bins),
        sum(one.median for one in bins) / len(bins),
        max(one.upper for one in bins),
    )
    return _Column(band=band, model=bins[0].rung == Rung.FOREST.value)


def outlook_legend(outlook: Outlook) -> str:
    """Which sign stands for what, and how far each rung reaches."""
    parts = [f"{BARS[-1]} came"]
    for rung, until in outlook.reach:
        sign = MODEL_BAND if rung == Rung.FOREST.value else OTHER_BAND
        parts.append(f"{sign} 90 % band by {rung} until {until:%H:%M}")
    return ", ".join([*parts, f"{MEDIAN} median"] if outlook.ahead else parts)


def outlook_marks(outlook: Outlook) -> Table:
    """The forecast in figures: where each rung ends, and at each full hour."""
    table = Table("interval from", "by", "median", "90 % band", box=None, pad_edge=False)
    for index, one in enumerate(outlook.ahead):
        following = outlook.ahead[index + 1].rung if index + 1 < len(outlook.ahead) else None
        ends = following is not None and following != one.rung
        if ends or one.start.minute == 0 or len(outlook.ahead) <= 3:
            band = f"{count(one.lower)} to {count(one.upper)}"
            table.add_row(f"{one.start:%H:%M}", one.rung, count(one.median), band)
    return table


@dataclass(frozen=True)
class Fitted:
    """Cut at the bottom to the height there is, with a word about the rest."""

    content: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        height = console.size.height
        lines = console.render_lines(
            self.content, options.update(height=None), pad=False, new_lines=False
        )
        if len(lines) > height:
            rest = len(lines) - height + 1
            words = f"… {rest} more lines: make the window taller, or choose a --component"
            tail = Text(words[: options.max_width], style="dim", no_wrap=True)
            lines = [*lines[: height - 1], *console.render_lines(tail, pad=False)]
        for index, line in enumerate(lines):
            yield from line
            if index + 1 < len(lines):
                yield Segment.line()


class LivePicture:
    """A picture that is drawn over itself, where there is a terminal to do so.

    Args:
        screen: take the whole window, and give it back at the end.
    """

    def __init__(self, console: Console, *, screen: bool = False, wanted: bool = True) -> None:
        self._console = console
        self._live = Live(console=console, transient=True, auto_refresh=False, screen=screen)
        self._wanted = wanted

    def __enter__(self) -> LivePicture:
        if self._wanted and self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, picture: RenderableType) -> None:
        """Draw this in place of what was there."""
        self._live.update(picture, refresh=True)
