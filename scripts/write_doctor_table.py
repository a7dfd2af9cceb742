"""Write the tables of docs/doctor.md, each between its two marks.

    python scripts/write_doctor_table.py

The rows are the checks that `predictive-autoscaler doctor` runs; the policy has the IAM actions
that they name.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from predictive_autoscaler.app.doctor.checks import CHECKS
from predictive_autoscaler.app.doctor.findings import Check

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.marks import between, bring_up_to_date  # noqa: E402

DOCUMENT = ROOT / "docs" / "doctor.md"
BUCKET_ACTIONS = {"s3:ListBucket": "arn:aws:s3:::BUCKET", "s3:GetObject": "arn:aws:s3:::BUCKET/*"}
KEY_ACTIONS = {"kms:Decrypt": "arn:aws:kms:REGION:ACCOUNT:key/ID"}


def _row(check: Check) -> str:
    needed = ", ".join(f"`{action}`" for action in check.actions) or "nothing"
    return f"| {check.area} | {check.name} | {check.wrong_when} | {needed} |\n"


def checks_table() -> str:
    """All checks, in the order in which they are shown."""
    heading = "| area | check | a fault, if | needs |\n|---|---|---|---|\n"
    return f"{len(CHECKS)} checks.\n\n{heading}" + "".join(map(_row, CHECKS))


def policy() -> str:
    """An IAM policy with every action, each on the narrowest resource that it knows."""
    actions = sorted({action for check in CHECKS for action in check.actions})
    narrow = BUCKET_ACTIONS | KEY_ACTIONS
    statements: list[dict[str, object]] = [
        {"Effect": "Allow", "Action": action, "Resource": resource}
        for action, resource in narrow.items()
        if action in actions
    ]
    wide = [action for action in actions if action not in narrow]
    statements.insert(0, {"Effect": "Allow", "Action": wide, "Resource": "*"})
    text = json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2)
    return f"```json\n{text}\n```\n"


BLOCKS = {"checks": checks_table, "policy": policy}


def with_blocks(text: str) -> str:
    """The document with its tables brought up to date."""
    return between(text, {name: block() for name, block in BLOCKS.items()})


if __name__ == "__main__":
    bring_up_to_date(__doc__, DOCUMENT, with_blocks)
