"""A clone in which the quick start can run: real scripts, with stand-ins for the programs it calls.

The stand-ins note how they were called; what is asked of AWS and Terraform for real, the slow tests
see.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.helpers.commands import ROOT, clean_environment

ACCOUNT = "123456789012"
LINES = "export AWS_REGION='eu-central-1'\nexport ASG_NAME='shop-web'\nexport S3_BUCKET='records'"
OUTPUTS = {
    "shop_url": "http://shop.example.com/",
    "dashboard_url": "https://console.example.com/",
    "environment_lines": LINES,
}
_TERRAFORM = """#!/bin/sh
echo "$*" >>"$STAND_INS/calls"
case " $* " in
  *" $FAILS "*) echo "Error: $FAILS went wrong" >&2; exit 1 ;;
esac
case "$*" in
  "version -json")
    echo "Warning: Unable to open CLI configuration file" >&2
    echo "{\\"terraform_version\\": \\"${TERRAFORM_VERSION:-1.11.4}\\"}" ;;
  *" show -no-color -json "*) cat "$STAND_INS/plan.json" ;;
  *" show "*) echo "every single resource" ;;
  *" output -no-color -json environment_lines") cat "$STAND_INS/lines.json" ;;
  *" output -no-color -json") cat "$STAND_INS/outputs.json" ;;
  *" apply "*) echo "applying"; if [ -n "$SLOW" ]; then exec python3 "$STAND_INS/slow.py"; fi ;;
esac
"""
# Ends by itself when it is interrupted, as Terraform does, and notes each interrupt.
_SLOW = """
import os, signal, time
from pathlib import Path
calls = Path(os.environ["STAND_INS"]) / "calls"
def note(number, frame):
    with calls.open("a") as file:
        file.write("interrupted\\n")
    time.sleep(0.3)
    raise SystemExit(1)
signal.signal(signal.SIGINT, note)
calls.open("a").write("slow\\n")
time.sleep(60)
"""
_AWS = f"""#!/bin/sh
echo "aws $*" >>"$STAND_INS/calls"
case "$*" in
  --version) echo "aws-cli/2.0.0" ;;
  "sts get-caller-identity "*)
    if [ "$FAILS" = credentials ]; then echo "Unable to locate credentials" >&2; exit 253; fi
    echo '{{"Account": "{ACCOUNT}", "Arn": "arn:aws:iam::{ACCOUNT}:user/somebody"}}' ;;
  "s3api get-bucket-location "*)
    if [ -n "$BUCKET_SAYS" ]; then
      echo "An error occurred ($BUCKET_SAYS) when calling the GetBucketLocation operation" >&2
      exit 254
    fi
    echo '{{"LocationConstraint": "eu-central-1"}}' ;;
esac
"""
_BUILD = """
import os, sys
from pathlib import Path
if os.environ.get("FAILS") == "build":
    sys.exit("lambda: error: no wheels")
zip = Path(__file__).parents[1] / "lambda" / "dist" / "predictive-autoscaler.zip"
zip.parent.mkdir(parents=True, exist_ok=True)
zip.write_bytes(b"PK")
"""


@dataclass(frozen=True)
class Clone:
    """One clone, and the stand-ins beside it."""

    root: Path
    stand_ins: Path

    @property
    def tfvars(self) -> Path:
        return self.root / "terraform" / "terraform.tfvars"

    def environment(self, **variables: str) -> dict[str, str]:
        """What the scripts run in."""
        path = f"{self.stand_ins / 'bin'}{os.pathsep}{os.environ['PATH']}"
        ours = {"PATH": path, "STAND_INS": str(self.stand_ins), "PYTHON": sys.executable}
        return clean_environment(**(ours | {"FAILS": "nothing"} | variables))

    def plan(self, **actions: list[str]) -> None:
        """What the next plan does, by the resource's name."""
        changes = [
            {"address": f"aws_thing.{name}", "change": {"actions": words}}
            for name, words in actions.items()
        ]
        self._put("plan.json", {"resource_changes": changes, "output_changes": {}})

    def put_lines(self, lines: Any) -> None:
        """What the output environment_lines is."""
        self._put("lines.json", lines)

    def calls(self) -> list[str]:
        """What the stand-ins were called with."""
        path = self.stand_ins / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def terraform_calls(self) -> list[str]:
        """The commands alone, by their first word."""
        called = re.compile(r"-chdir=.*/terraform(?:/(bootstrap))? ([a-z]+)")
        found = (called.match(line) for line in self.calls())
        return [" ".join(filter(None, match.groups())) for match in found if match is not None]

    def files(self) -> dict[str, bytes]:
        """All that lies in the clone, links aside."""
        return {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for path in self.root.rglob("*")
            if path.is_file() and "src" not in path.relative_to(self.root).parts
        }

    def _put(self, name: str, content: Any) -> None:
        (self.stand_ins / name).write_text(json.dumps(content))


def clone(folder: Path, texts: Mapping[str, str] = {}) -> Clone:
    """A clone in a folder whose name has a space and a quote in it.

    Args:
        texts: more files by their paths.
    """
    root = folder / "somebody's clone"
    (root / "scripts").mkdir(parents=True)
    (root / "src").symlink_to(ROOT / "src")
    for script in (*ROOT.glob("scripts/quick_start.*"), *ROOT.glob("scripts/setup_env.*")):
        shutil.copy(script, root / "scripts")
    shutil.copy(ROOT / "DEPLOYMENT.md", root)
    left_out = shutil.ignore_patterns(".terraform", "*.tfstate*", "terraform.tfvars*", "*.tfplan")
    shutil.copytree(ROOT / "terraform", root / "terraform", ignore=left_out)
    (root / "scripts" / "build_lambda.py").write_text(_BUILD)
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    stand_ins = folder / "stand-ins"
    (stand_ins / "bin").mkdir(parents=True)
    for name, text in (("terraform", _TERRAFORM), ("aws", _AWS)):
        (stand_ins / "bin" / name).write_text(text)
        (stand_ins / "bin" / name).chmod(0o755)
    (stand_ins / "slow.py").write_text(_SLOW)
    (stand_ins / "outputs.json").write_text(
        json.dumps({name: {"value": value} for name, value in OUTPUTS.items()})
    )
    made = Clone(root, stand_ins)
    made.plan(shop=["create"])
    made.put_lines(LINES)
    return made
