"""`decide`: one control step by hand."""

from __future__ import annotations

from typing import Annotated

import typer

from predictive_autoscaler.cli.console import (
    AsgName,
    AsJson,
    Bucket,
    LoadBalancer,
    Region,
    TargetGroup,
    environment_with,
    group_flags,
    out,
    print_json,
    settings_from,
    working,
)
from predictive_autoscaler.cli.explain import print_record
from predictive_autoscaler.errors import SourceError


def decide(
    apply: Annotated[
        bool, typer.Option("--apply", help="Claim the slot, record, and set the capacity.")
    ] = False,
    asg_name: AsgName = None,
    load_balancer: LoadBalancer = None,
    target_group: TargetGroup = None,
    bucket: Bucket = None,
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """Run one control step now and explain it.

    A dry run unless --apply is given. With --apply the mode decides as in the Lambda:
    `observe` records only, `full` acts.
    """
    from predictive_autoscaler.wiring import AwsController

    flags = group_flags(asg_name, load_balancer, target_group, bucket)
    settings_from(**flags, AWS_REGION=region)
    with working("reading the metrics and deciding", quiet=as_json):
        controller = AwsController(environment_with(**flags), log=lambda line: None)
        record = controller.run_once(dry_run=not apply)
    if as_json:
        print_json(record)
    elif record["status"] == "taken":
        out.print(f"The slot {record['slot']} has been decided by another run.")
    else:
        print_record(record)
    failures = [
        f"{name}: {entry['outcome']['error']}"
        for name, entry in record.get("groups", {}).items()
        if entry["outcome"]["status"] in ("failed", "gone")
    ]
    if failures:
        raise SourceError("; ".join(failures))
