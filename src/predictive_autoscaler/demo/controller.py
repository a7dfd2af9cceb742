"""The controller of a simulated group: what it is told, its model, what it has decided."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from predictive_autoscaler.app.record import decision_from_json
from predictive_autoscaler.core.explain import explain
from predictive_autoscaler.core.types import Json, Samples, utc_text
from predictive_autoscaler.demo.local_aws import BUCKET, GROUP, LocalAws
from predictive_autoscaler.errors import AutoscalerError
from predictive_autoscaler.report.replay import ExplainedDecision, ForecastBand

BAND_QUANTILES = ("0.05", "0.5", "0.95")
NOT_SKILLED_EXIT = 3
"""What the training script ends with when the model does not beat the baselines."""


def controller_environment(
    aws: LocalAws, capacity_per_instance: float, interval_minutes: int, boot_minutes: int
) -> dict[str, str]:
    """What Terraform would give the Lambda; metrics are complete when their interval ends."""
    return dict(aws.environment) | {
        "ASG_NAME": GROUP,
        "LOAD_BALANCER": aws.load_balancer,
        "TARGET_GROUP": aws.target_group,
        "S3_BUCKET": BUCKET,
        "AUTOSCALER_MODE": "full",
        "AUTOSCALER_INTERVAL_MINUTES": str(interval_minutes),
        "AUTOSCALER_BOOT_MINUTES": str(boot_minutes),
        "AUTOSCALER_METRIC_DELAY_SECONDS": "0",
        "AUTOSCALER_METRIC_PERIOD_SECONDS": str(interval_minutes * 60),
        "AUTOSCALER_CAPACITY_PER_INSTANCE": repr(capacity_per_instance),
    }


def train_and_publish(
    environment: Mapping[str, str], past: Samples, folder: Path, seed: int, script: Path | None
) -> bool:
    """Run the training script as a person would, on what is in CloudWatch.

    Args:
        folder: for the model.
        script: to run with this interpreter; None: the installed command's `train`.

    Returns:
        Whether it published a model.

    Raises:
        AutoscalerError: it failed for another reason than lack of skill.
    """
    days = -(-len(past) * past.interval_seconds // 86400)
    command = [
        sys.executable,
        *([str(script)] if script else ["-m", "predictive_autoscaler", "train"]),
        *("--from", "cloudwatch", "--days", str(days), "--until", utc_text(past.end)),
        *("--out", str(folder), "--seed", str(seed), "--publish"),
    ]
    # Its table goes where the other news goes: our standard output may be JSON for a machine.
    finished = subprocess.run(command, check=False, env=os.environ | environment, stdout=sys.stderr)
    if finished.returncode not in (0, NOT_SKILLED_EXIT):
        raise AutoscalerError(f"training ended with exit code {finished.returncode}; see above")
    return finished.returncode == 0


def explained(records: Iterable[Json]) -> list[ExplainedDecision]:
    """Each record's decision about the group, with its words."""
    found = []
    for record in records:
        entry = record["groups"][GROUP]
        decision = decision_from_json(entry["decision"])
        words = explain(decision, entry["mode"], entry["outcome"])
        found.append(ExplainedDecision(decision, words))
    return found


def forecast_band(
    decisions: Iterable[ExplainedDecision], demand: Samples, boot_bins: int
) -> ForecastBand:
    """Each forecast drawn at the bin for which its capacity first serves."""
    band = {name: np.full(len(demand), np.nan) for name in BAND_QUANTILES}
    for one in decisions:
        decision = one.decision
        index = (decision.slot - demand.start) // demand.interval + boot_bins
        if index < len(demand) and decision.quantiles:
            for name in BAND_QUANTILES:
                band[name][index] = decision.quantiles[name]
    low, middle, high = (band[name] for name in BAND_QUANTILES)
    return ForecastBand(low, middle, high)
