"""The quick start and what comes after it, with the real Terraform, against a moto server.

Only the zip's build is a stand-in: moto runs no code. terraform/tests/moto.tfvars, which takes the
place of an environment here, says what moto cannot hold.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from predictive_autoscaler.demo.local_aws import BUCKET, REGION, LocalAws, local_aws
from tests.helpers.clones import Clone, clone
from tests.helpers.commands import ROOT
from tests.helpers.terraform import required

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

STATE_BUCKET = "state-of-the-shop"
PROJECT = "saleor-predictive-scaling-dev"
FLAGS = ("--region", REGION, "--state-bucket", STATE_BUCKET, "--email", "me@example.com")
# moto applies a Deny without looking at its Condition, so nobody could write the state; and it
# forgets newer_noncurrent_versions, for which the provider waits.
BUCKET_FOR_MOTO = """resource "aws_s3_bucket_policy" "state" {
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:PutBucketWebsite"
      Resource  = aws_s3_bucket.state.arn
    }]
  })
}

resource "aws_s3_bucket_lifecycle_configuration" "state" {
  rule {
    id     = "old-versions"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = 90
    }
  }
}
"""


@dataclass
class Started:
    """A clone, the account, and how each run ended."""

    place: Clone
    aws: LocalAws
    variables: dict[str, str]
    first: subprocess.CompletedProcess[str] | None = None

    def buckets(self) -> list[str]:
        listed = self.aws.client("s3").list_buckets()["Buckets"]
        return [row["Name"] for row in listed if row["Name"] != BUCKET]

    def quick_start(self, *options: str) -> subprocess.CompletedProcess[str]:
        return self.run(str(self.place.root / "scripts" / "quick_start.sh"), *options)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words,
            cwd=self.place.root,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    required("terraform")
    module = ROOT / "terraform"
    dev = (module / "tests" / "moto.tfvars").read_text() + f'\nproject_name = "{PROJECT}"\n'
    place = clone(
        tmp_path_factory.mktemp("start"),
        {
            "terraform/environments/dev.tfvars": dev,
            "terraform/bootstrap/moto_override.tf": BUCKET_FOR_MOTO,
        },
    )
    for name in ("terraform", "aws"):
        (place.stand_ins / "bin" / name).unlink()
    mirror = subprocess.run(
        [ROOT / "scripts" / "terraform_plugins.sh"], capture_output=True, text=True, check=True
    ).stdout.strip()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
        with local_aws(1, 1, 1) as aws:
            own = {"TF_CLI_ARGS_init": f"-plugin-dir={mirror}"} if mirror else {}
            own |= {"CHECKPOINT_DISABLE": "1", "NO_COLOR": "1"}
            yield Started(place, aws, place.environment(**aws.environment, **own))


def test_first_a_plan_of_everything_and_the_account_stays_empty(started: Started) -> None:
    done = started.quick_start("--yes", "--plan-only", *FLAGS)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = re.search(r"The plan: (\d+) to make, 0 to change, 0 to destroy", done.stdout)
    assert counts is not None
    assert int(counts[1]) > 100
    assert started.buckets() == []
    assert not (started.place.root / "terraform" / ".terraform").exists()


def test_then_one_command_sets_everything_up(started: Started) -> None:
    started.first = started.quick_start("--yes", *FLAGS)
    assert started.first.returncode == 0, started.first.stdout + started.first.stderr
    assert STATE_BUCKET in started.buckets()
    client = started.aws.client("s3")
    assert client.get_bucket_versioning(Bucket=STATE_BUCKET)["Status"] == "Enabled"
    held = client.list_objects_v2(Bucket=STATE_BUCKET)["Contents"]
    assert [row["Key"] for row in held] == ["saleor-predictive-scaling/dev.tfstate"]
    functions = started.aws.client("lambda").list_functions()["Functions"]
    assert [row["FunctionName"] for row in functions] == [f"{PROJECT}-controller"]
    address = re.search(r"curl (http://\S+/)health/", started.first.stdout)
    assert address is not None
    balancers = started.aws.client("elbv2").describe_load_balancers()["LoadBalancers"]
    assert address[1] in [f"http://{row['DNSName']}/" for row in balancers]


def test_again_it_makes_and_destroys_nothing(started: Started) -> None:
    """Moto forgets some fields, so that updates of these are planned each time."""
    if started.first is None:
        pytest.skip("there is nothing to run again")
    again = started.quick_start("--yes", "--plan-only")
    assert again.returncode == 0, again.stdout + again.stderr
    assert re.search(r"The plan: 0 to make, \d+ to change, 0 to destroy", again.stdout)
    assert f"bucket {STATE_BUCKET}, which is in {REGION}" in again.stdout
    assert "terraform.tfvars is written" not in again.stdout


def test_the_shell_then_knows_the_deployment(started: Started) -> None:
    """Its settings reach a command that looks at the group."""
    if started.first is None:
        pytest.skip("there is no deployment")
    folder = Path(sys.executable).parent
    script = (
        f'set -eu; . scripts/setup_env.sh; "{folder}/python" -m predictive_autoscaler mode --json'
    )
    done = started.run("bash", "-c", script)
    assert done.returncode == 0, done.stderr
    standing = json.loads(done.stdout)
    groups = started.aws.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    assert standing["group"] in {row["AutoScalingGroupName"] for row in groups}
    assert standing["group"].startswith(PROJECT)
    assert f"ASG_NAME={standing['group']}, S3_BUCKET={PROJECT}-records-" in done.stderr
    printed = started.run(str(started.place.root / "scripts" / "setup_env.sh"), "--format", "json")
    settings = json.loads(printed.stdout)["set"]
    function = started.aws.client("lambda").get_function_configuration(
        FunctionName=f"{PROJECT}-controller"
    )
    deployed = function["Environment"]["Variables"]
    assert settings == {"AWS_REGION": REGION} | {
        name: value for name, value in deployed.items() if name != "AUTOSCALER_GROUPS"
    }
