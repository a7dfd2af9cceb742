"""Write the example of docs/explanations.md between its two marks.

    python scripts/write_explained_example.py

A shop in memory is scaled on one morning and again a week later; then the command explains the
newest record.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from predictive_autoscaler.core.types import Json  # noqa: E402
from predictive_autoscaler.model.fit import ForestOptions  # noqa: E402
from predictive_autoscaler.model.train import TrainOptions, train  # noqa: E402
from scripts.marks import between, bring_up_to_date  # noqa: E402
from tests.helpers.commands import clean_environment  # noqa: E402
from tests.helpers.shop import (  # noqa: E402
    DECIDED_FROM,
    FIRST_TICK,
    GROUP,
    START,
    features,
    shop,
    world,
)

DOCUMENT = ROOT / "docs" / "explanations.md"
BEGIN, END = "<!-- example -->\n", "<!-- /example -->"
COMMAND = "predictive-autoscaler explain --record decisions.jsonl"
TICKS = 3
MORNING = timedelta(hours=7)
TREES = 40
INSTANCES = 14


def records() -> list[Json]:
    """Of the ticks after seven o'clock on a Wednesday, and on the next one."""
    samples = shop(900, days=18)
    samples = samples.replaced(in_service=np.full(len(samples), float(INSTANCES)))
    past = samples.between(START, DECIDED_FROM)
    options = TrainOptions(GROUP, parameters=features(), forest=ForestOptions(trees=TREES))
    made = world(samples, desired=INSTANCES, with_model=False)
    made.publish(train(past, options))
    found = []
    for week in range(2):
        made.clock.advance(FIRST_TICK + MORNING + week * timedelta(days=7) - made.clock.now())
        found += made.run(TICKS)
    return found


def example() -> str:
    """What the command prints about the newest of them, as a block of the document."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "decisions.jsonl"
        path.write_text("".join(json.dumps(record) + "\n" for record in records()))
        done = subprocess.run(
            [sys.executable, "-m", "predictive_autoscaler", "explain", "--record", str(path)],
            env=clean_environment(COLUMNS="100", NO_COLOR="1"),
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
    lines = "\n".join(line.rstrip() for line in done.stdout.splitlines())
    return f"```console\n$ {COMMAND}\n{lines}\n```\n"


def with_example(text: str) -> str:
    """The document with its example brought up to date."""
    return between(text, {"example": example()})


if __name__ == "__main__":
    bring_up_to_date(__doc__, DOCUMENT, with_example)
