"""`collect`: the group's recorded metrics as a CSV file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from predictive_autoscaler.cli.console import (
    AsgName,
    AsJson,
    Bucket,
    LoadBalancer,
    Region,
    TargetGroup,
    group_flags,
    out,
    print_json,
    settings_from,
    working,
)
from predictive_autoscaler.core.csv_text import samples_to_csv
from predictive_autoscaler.core.types import utc_text
from predictive_autoscaler.errors import UsageError
from predictive_autoscaler.folders import check_writable


def collect(
    output: Annotated[Path, typer.Option("--out", help="The CSV file to write.")] = Path(
        "out/metrics.csv"
    ),
    days: Annotated[int, typer.Option(min=1, max=455, help="Days to look back.")] = 14,
    asg_name: AsgName = None,
    load_balancer: LoadBalancer = None,
    target_group: TargetGroup = None,
    bucket: Bucket = None,
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """Collect the group's metrics from CloudWatch into a CSV file.

    `train --csv` reads it. Days that the controller has kept in S3 are taken from there.
    """
    from predictive_autoscaler.wiring import aws_history

    flags = group_flags(asg_name, load_balancer, target_group, bucket)
    settings = settings_from(**flags, AWS_REGION=region)
    if output.is_dir():
        raise UsageError(f"--out is {output}, a folder; allowed is a file")
    check_writable(output.parent)
    with working("reading the metrics", quiet=as_json) as tell:
        samples = aws_history(
            settings,
            settings.groups[0],
            datetime.now(UTC),
            days,
            lambda day: tell(f"reading the metrics of {day}"),
        )
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_name(f"{output.name}.partial")
    partial.write_text(samples_to_csv(samples))
    partial.replace(output)
    known = int((~np.isnan(samples.requests)).sum())
    if as_json:
        print_json(
            {
                "file": str(output),
                "from": utc_text(samples.start),
                "until": utc_text(samples.end),
                "bins": len(samples),
                "bins_with_requests": known,
            }
        )
        return
    out.print(
        f"{len(samples):,} intervals from {samples.start:%Y-%m-%d %H:%M} to "
        f"{samples.end:%Y-%m-%d %H:%M} UTC, {known:,} with a request count, are in {output}."
    )
