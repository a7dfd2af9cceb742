"""Draw the pictures of the documentation anew.

    .venv/bin/python scripts/draw_pictures.py            # all of them
    .venv/bin/python scripts/draw_pictures.py quality    # by name: day, quality, parts, monitor

The day runs the demonstration (about two minutes); the quality is drawn from the README's own
table, and the parts from the list below.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("svg")
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from predictive_autoscaler.demo.run import DemoOptions, Progress, run_demo
from predictive_autoscaler.demo.traffic import generated
from predictive_autoscaler.report.replay import ReplayReport

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from scripts import draw_monitor  # noqa: E402

FOLDER = ROOT / "docs"
OURS, TRACKING, NEED, BAND = "#0b62a4", "#1b7f5c", "#8a8f98", "#9ecae9"
MARKS = {
    "predictive": ("o", OURS),
    "target tracking 70 %": ("^", TRACKING),
    "target tracking 80 %": (">", TRACKING),
    "target tracking 90 %": ("v", TRACKING),
    "holt-winters + reactive": ("s", "#b8860b"),
    "aws predictive": ("D", "#7a4fa3"),
}


def save(figure: Figure, path: Path) -> None:
    """Write a picture that has the same bytes each time, without time or place."""
    figure.savefig(path, metadata={"Date": None, "Creator": None}, facecolor="white")
    plt.close(figure)


# --- The day ------------------------------------------------------------------------------------


def day() -> Figure:
    """Run the demonstration's default and draw its day."""
    with tempfile.TemporaryDirectory() as folder:
        progress = Progress(print, lambda done, total: None)
        result = run_demo(generated(1), DemoOptions(out=Path(folder)), progress)
    return drawn_day(result.report)


def drawn_day(report: ReplayReport) -> Figure:
    """Two panels over one day: demand with its forecast, and capacity."""
    hours = np.arange(len(report.times)) * report.interval_seconds / 3600
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(9, 5.2), sharex=True)
    band = report.band
    top.fill_between(
        hours, band.lower, band.upper, color=BAND, step="post", label="forecast, 90 % band"
    )
    top.step(hours, report.demand, color="black", lw=1, where="post", label="demand")
    top.set_ylabel("requests in 5 minutes")
    ours, tracking = report.runs[0], report.runs[1]
    bottom.fill_between(hours, report.needed, color=NEED, alpha=0.4, step="post", label="needed")
    bottom.step(hours, tracking.ready, color=TRACKING, ls="--", where="post", label=tracking.name)
    bottom.step(hours, ours.ready, color=OURS, lw=1.6, where="post", label=ours.name)
    missed = hours[report.needed > ours.ready]
    bottom.plot(missed, np.zeros(len(missed)), "|", color="#c8400f", ms=12, mew=3, label="missed")
    bottom.set_ylabel("instances serving")
    bottom.set_xlabel("hour of the day (UTC)")
    bottom.set_xlim(0, 24)
    bottom.set_xticks(range(0, 25, 3))
    for axes in (top, bottom):
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.25)
        axes.legend(loc="upper left", frameon=False)
    figure.tight_layout()
    return figure


# --- Cost and misses on the recordings ----------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """One recording of the README's table: policy -> (cost against the oracle, missed %)."""

    kind: str
    recording: str
    results: dict[str, tuple[float, float]]


def measured(document: str) -> list[Row]:
    """The rows of the table between the marks of `make quality`."""
    table = document.split("<!-- quality -->\n")[1].split("<!-- /quality -->")[0].splitlines()
    heading, _, *lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    rows = []
    for kind, recording, *cells in lines:
        results = {}
        for policy, cell in zip(heading[2:], cells, strict=True):
            if policy in MARKS:
                cost, missed = map(float, cell.split("/"))
                results[policy] = (cost, missed)
        rows.append(Row(kind, recording.strip("`"), results))
    return rows


def quality() -> Figure:
    """A panel for each recording: instance-hours to the right, missed requests upwards."""
    rows = measured((ROOT / "README.md").read_text())
    figure, axes = plt.subplots(2, 4, figsize=(11, 5.6))
    for row, panel in zip(rows, axes.flat, strict=True):
        for policy, (cost, missed) in row.results.items():
            mark, colour = MARKS[policy]
            front = 4 if colour == OURS else 3
            style = {"color": colour, "label": policy, "clip_on": False, "zorder": front}
            panel.plot(cost, missed, mark, ms=8, **style)
        panel.set_title(f"{row.recording} ({row.kind})", fontsize=9)
        panel.set_xlim(1, 1.8)
        panel.set_ylim(0, 1.08 * max(missed for _, missed in row.results.values()))
        panel.grid(alpha=0.25)
    for panel in axes[:, 0]:
        panel.set_ylabel("missed requests, %")
    for panel in axes[1]:
        panel.set_xlabel("instance-hours / oracle's")
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="lower center", ncols=3, frameon=False)
    figure.tight_layout(rect=(0, 0.1, 1, 1))
    return figure


# --- The parts ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Box:
    """A part: its middle in hundredths of the picture, its text, and whether it is ours."""

    x: float
    y: float
    text: str
    ours: bool = False


BOXES = {
    "shoppers": Box(11, 86, "requests"),
    "balancer": Box(38, 86, "load balancer"),
    "group": Box(80, 86, "Auto Scaling group\n(policies as a net)"),
    "schedule": Box(11, 46, "EventBridge\nevery 5 minutes"),
    "cloudwatch": Box(38, 62, "CloudWatch"),
    "lambda": Box(58, 40, "Lambda: a control step\ncollect, forecast, decide,\nrecord, act", True),
    "topic": Box(90, 46, "SNS topic\nto people"),
    "bucket": Box(58, 10, "S3 bucket\nrecords, models, history, control"),
    "training": Box(15, 16, "train, retrain\n(anywhere, once a day)", True),
    "people": Box(92, 10, "mode, explain\n(at a terminal)", True),
}
ARROWS = (
    ("shoppers", "balancer", ""),
    ("balancer", "group", "only to healthy instances"),
    ("balancer", "cloudwatch", "count, time, errors"),
    ("group", "cloudwatch", "CPU, instances"),
    ("schedule", "lambda", ""),
    ("cloudwatch", "lambda", "metrics"),
    ("lambda", "group", "desired capacity"),
    ("lambda", "topic", "news"),
    ("cloudwatch", "topic", "alarms"),
    ("bucket", "lambda", ""),
    ("lambda", "bucket", "model, records"),
    ("cloudwatch", "training", "metrics"),
    ("training", "bucket", "model and its card"),
    ("people", "bucket", ""),
    ("bucket", "people", "records"),
)


def parts() -> Figure:
    """What runs where, and what goes from one to the other."""
    figure, axes = plt.subplots(figsize=(9.6, 5.4))
    axes.set_axis_off()
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 100)
    labels = {}
    for name, box in BOXES.items():
        frame = {
            "boxstyle": "round,pad=0.6",
            "facecolor": "#dcecf8" if box.ours else "#f4f4f4",
            "edgecolor": OURS if box.ours else NEED,
        }
        labels[name] = axes.text(
            box.x, box.y, box.text, ha="center", va="center", bbox=frame, zorder=3
        )
    for begin, end, text in ARROWS:
        axes.annotate(
            "",
            (BOXES[end].x, BOXES[end].y),
            (BOXES[begin].x, BOXES[begin].y),
            arrowprops={
                "arrowstyle": "-|>",
                "color": "#444444",
                "patchA": labels[begin].get_bbox_patch(),
                "patchB": labels[end].get_bbox_patch(),
                "shrinkA": 2,
                "shrinkB": 2,
            },
            zorder=1,
        )
        x = (BOXES[begin].x + BOXES[end].x) / 2
        y = (BOXES[begin].y + BOXES[end].y) / 2
        axes.text(
            x,
            y,
            text,
            ha="center",
            va="center",
            fontsize=8,
            color="#444444",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
            zorder=2,
        )
    figure.tight_layout(pad=0.2)
    return figure


PICTURES: dict[str, Callable[[], Figure]] = {"day": day, "quality": quality, "parts": parts}
OTHERS: dict[str, Callable[[], None]] = {"monitor": draw_monitor.main}
"""Pictures of another kind, which draw and write themselves."""


def main() -> None:
    """Draw the pictures that are named, or all."""
    known = [*PICTURES, *OTHERS]
    parser = argparse.ArgumentParser(description="Draw the pictures of the documentation.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    names = parser.parse_args().names or known
    unknown = [name for name in names if name not in known]
    if unknown:
        parser.error(f"there is no picture {unknown[0]!r}; there are {', '.join(known)}")
    for name in names:
        if name in OTHERS:
            OTHERS[name]()
            continue
        with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "none", "font.size": 9}):
            save(PICTURES[name](), FOLDER / f"{name}.svg")
        print(f"Wrote docs/{name}.svg.")


if __name__ == "__main__":
    main()
