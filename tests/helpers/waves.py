"""Traffic in waves up to the present, and a controller's environment for it in the local AWS."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from predictive_autoscaler.backtest.world import Instances, recorded_under
from predictive_autoscaler.core.types import Samples
from predictive_autoscaler.demo.local_aws import BUCKET, GROUP, LocalAws

INTERVAL = timedelta(minutes=5)
CAPACITY = 1000.0
DAYS = 2


def recorded(start: datetime) -> Samples:
    """Days of traffic up to two hours after `start`, in waves of 100 minutes.

    Waves that do not repeat daily are easy for a forest and hard for its baselines, whatever
    the time of the day at which the tests run.
    """
    bins = np.arange((DAYS * 24 + 2) * 12)
    noise = np.random.default_rng(1).normal(0.0, 100.0, len(bins))
    requests = np.round(12_000 + 5_000 * np.sin(2 * np.pi * bins / 20) + noise)
    demand = Samples.of(start - timedelta(days=DAYS), 300, {"requests": requests})
    return recorded_under(demand, np.full(len(bins), 30.0), Instances(CAPACITY))


def controller_environment(aws: LocalAws) -> dict[str, str]:
    """What the Lambda's environment holds, and where its AWS is."""
    return dict(aws.environment) | {
        "ASG_NAME": GROUP,
        "LOAD_BALANCER": aws.load_balancer,
        "TARGET_GROUP": aws.target_group,
        "S3_BUCKET": BUCKET,
        "AUTOSCALER_MODE": "full",
        "AUTOSCALER_NOTIFY_STEP": "0",
        "AUTOSCALER_CAPACITY_PER_INSTANCE": str(CAPACITY),
        "AUTOSCALER_METRIC_PERIOD_SECONDS": "300",
        "AUTOSCALER_HISTORY_DAYS": "9",
    }
