"""Draw the README's picture: the generated shop's day, forecast and scaled.

`.venv/bin/python scripts/draw_day.py` runs the demonstration and writes docs/day.svg.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("svg")
from matplotlib import pyplot as plt

from predictive_autoscaler.demo.run import DemoOptions, Progress, run_demo
from predictive_autoscaler.demo.traffic import generated
from predictive_autoscaler.report.replay import ReplayReport

PICTURE = Path("docs/day.svg")
OURS, TRACKING, NEED, BAND = "#0b62a4", "#1b7f5c", "#8a8f98", "#9ecae9"


def draw(report: ReplayReport, path: Path) -> None:
    """Two panels over one day: demand with its forecast, and capacity."""
    mpl.rcParams |= {"svg.hashsalt": "day", "svg.fonttype": "none", "font.size": 9}
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
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None, "Creator": None}, facecolor="white")


def main() -> None:
    """Run the demonstration's default and draw its day."""
    with tempfile.TemporaryDirectory() as folder:
        progress = Progress(print, lambda done, total: None)
        result = run_demo(generated(1), DemoOptions(out=Path(folder)), progress)
    draw(result.report, PICTURE)
    print(f"Wrote {PICTURE}.")


if __name__ == "__main__":
    main()
