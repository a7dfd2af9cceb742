"""The measured figures as Markdown: a short table for the README, a long one for the docs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from predictive_autoscaler.backtest.lab import OURS, known_policies
from predictive_autoscaler.backtest.quality.aims import Aim, better_in_both
from predictive_autoscaler.backtest.quality.figures import Figure, Figures
from predictive_autoscaler.backtest.quality.plan import BUDGET, GROUPS, MISS_PRICES, at_price

SHORT = (
    OURS,
    "target tracking 70 %",
    "target tracking 80 %",
    "target tracking 90 %",
    "holt-winters + reactive",
    "aws predictive",
)
NOBODY = "–"
PRICED = (BUDGET.label, *(at_price(price).label for price in MISS_PRICES))


def short_table(figures: Figures) -> str:
    """Cost / missed % of a few policies on every recording, and who beats ours."""
    rows = [
        [
            kind,
            f"`{trace}`",
            *(_cell(figures[trace].get(policy), _two) for policy in SHORT),
            ", ".join(better_in_both(figures, trace)) or NOBODY,
        ]
        for kind, trace in _measured(figures)
    ]
    return _table(["kind", "recording", *SHORT, "better in both"], rows)


def long_tables(figures: Figures, by_minute: Figures, aims: Iterable[Aim]) -> str:
    """Everything that was measured: all policies, by the minute, budgets and prices, aims."""
    return "\n".join(
        [
            "Cost / missed % / changes of capacity, misses counted by the interval:",
            "",
            _of_all(figures, known_policies(), _three, best=True),
            "Cost / missed %, misses counted by the minute:",
            "",
            _of_all(by_minute, known_policies(), _two, best=True),
            "Cost / missed % with a budget of 1 %, and at constant prices of a miss:",
            "",
            _of_all(figures, PRICED, _two, best=False),
            "Aims:",
            "",
            _of_aims(aims),
        ]
    )


def _of_all(
    figures: Figures, policies: Sequence[str], show: Callable[[Figure], str], *, best: bool
) -> str:
    traces = [trace for _, trace in _measured(figures)]
    rows = [
        [policy, *(_cell(figures[trace].get(policy), show) for trace in traces)]
        for policy in policies
    ]
    if best:
        beaten = [", ".join(better_in_both(figures, trace)) or NOBODY for trace in traces]
        rows.append([f"better than {OURS} in both", *beaten])
    return _table(["policy", *(f"`{trace}`" for trace in traces)], rows)


def _of_aims(aims: Iterable[Aim]) -> str:
    rows = [
        [
            str(aim.number),
            aim.what,
            aim.measured + (f" ({aim.note})" if aim.note else ""),
            aim.allowed,
            aim.verdict,
        ]
        for aim in aims
    ]
    return _table(["", "what", "measured", "aim", ""], rows)


def _measured(figures: Figures) -> list[tuple[str, str]]:
    """Kind and name of the recordings that our own policy was measured on."""
    return [
        (kind, trace)
        for kind, traces in GROUPS.items()
        for trace in traces
        if OURS in figures.get(trace, {})
    ]


def _cell(figure: Figure | None, show: Callable[[Figure], str]) -> str:
    return NOBODY if figure is None else show(figure)


def _two(figure: Figure) -> str:
    return f"{figure.cost:.2f} / {100 * figure.missed:.2f}"


def _three(figure: Figure) -> str:
    return f"{_two(figure)} / {figure.actions}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
