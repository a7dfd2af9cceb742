"""Examples under the help of each command; those of `backtest` and `calibrate` stand with them."""

from __future__ import annotations

from collections.abc import Mapping

from predictive_autoscaler.cli.console import PROGRAM

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "demo": (
        "demo",
        "demo --trace shop.csv --boot-minutes 3 --out out/mine",
    ),
    "rehearse": (
        "rehearse --scenario sinusoidal",
        "rehearse --scenario flash-sale --announced",
    ),
    "train": (
        "train --csv shop.csv --timezone Europe/Berlin",
        "train --from cloudwatch --publish",
        "train --groups groups.json --csv metrics",
    ),
    "retrain": (
        "retrain --dry-run",
        "retrain --fail-when-refused",
        "retrain --csv shop.csv --store out/store",
    ),
    "rollback": (
        "rollback --list",
        "rollback",
        "rollback --asg-name shop-web --bucket my-bucket --yes",
    ),
    "quality": ("quality --traces traces --out out/quality --jobs -1",),
    "collect": ("collect --days 14 --out shop.csv",),
    "decide": (
        "decide",
        "decide --asg-name shop-web --bucket my-bucket --json",
        "decide --apply",
    ),
    "explain": (
        "explain --bucket my-bucket",
        "explain --record out/demo/decisions.jsonl",
        "explain 2026-03-16T18:00:00Z --record out/demo/decisions.jsonl",
    ),
    "mode": (
        "mode",
        "mode shop-web observe",
        "mode shop-web full",
    ),
    "monitor": (
        "monitor",
        "monitor --component asg --once --json",
        "monitor --refresh-interval 30",
    ),
    "serve": (
        "serve --open",
        "serve --port 8800 --days 7 --no-what-if",
    ),
    "doctor": (
        "doctor",
        "doctor --asg-name shop-web --bucket my-bucket --json",
    ),
}


def epilog(name: str, before: str = "") -> str:
    """What stands under a command's help.

    Args:
        before: what stands above the examples.
    """
    lines = [f"{PROGRAM} {line}" for line in EXAMPLES[name]]
    title = "Examples:" if len(lines) > 1 else "Example:"
    return "\n\n".join([*([before] if before else []), title, *lines])
