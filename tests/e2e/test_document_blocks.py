"""The commands of README, DEPLOYMENT and tutorial, typed as they are written.

tests/helpers/played.py tells which, and why some are not. What differs from a reader's place is in
the tables of substitutions below: addresses, names, and how long a load lasts.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from predictive_autoscaler.backtest.world import Instances, recorded_under
from predictive_autoscaler.core.timegrid import floor_to
from predictive_autoscaler.core.types import Samples, utc_text
from predictive_autoscaler.core.workloads import recorded_shop
from predictive_autoscaler.demo.local_aws import BUCKET, REGION, LocalAws, local_aws, put_metrics
from predictive_autoscaler.demo.local_aws import GROUP as SHOP
from tests.helpers.commands import ROOT
from tests.helpers.played import CLOUD, GROUP, LAPTOP, LOAD, PROGRAM, SETTINGS, Scene, script
from tests.helpers.shell import Shell, clone
from tests.helpers.terraform import required

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

HALF_HOUR = timedelta(minutes=30)
HISTORY_DAYS = 10
BY_HALF_HOURS = {
    "AUTOSCALER_INTERVAL_MINUTES": "30",
    "AUTOSCALER_METRIC_PERIOD_SECONDS": "1800",
    "AUTOSCALER_METRIC_DELAY_SECONDS": "0",
    "AUTOSCALER_CAPACITY_PER_INSTANCE": "800",
}
"""So that a week is 336 intervals, and a replay takes seconds."""
TICK = """
import sys
sys.path.insert(0, "lambda")
from lambda_function import lambda_handler
print(lambda_handler({}, None)["status"])
"""
Before = Mapping[str, Callable[[Shell], object]]


def play(shell: Shell, scene: Scene, changed: Mapping[str, str], before: Before) -> dict[str, str]:
    """Type everything of a scene; what each command printed, by the command."""
    told = {}
    for command in script(scene):
        if command in before:
            before[command](shell)
        typed = command
        for written, here in changed.items():
            typed = typed.replace(written, here)
        print(f"$ {typed}", flush=True)
        told[command] = shell.run(typed, seconds=900)
    return told


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return clone(tmp_path / "autoscaler")


@pytest.fixture
def shell(place: Path, tmp_path: Path) -> Iterator[Shell]:
    made = Shell(place, tmp_path, {})
    yield made
    made.close()


def history() -> Samples:
    """Ten days of a shop in half hours up to now, served by forty instances."""
    start = floor_to(datetime.now(UTC), HALF_HOUR) - timedelta(days=HISTORY_DAYS)
    demand = recorded_shop(start, HISTORY_DAYS, 1, (), 1800)
    return recorded_under(demand, np.full(len(demand), 40.0), Instances(800.0))


def tick(shell: Shell) -> None:
    """What the schedule does."""
    assert "completed" in shell.run(f".venv/bin/python -c '{TICK}'")


def put_history(aws: LocalAws, group: str, load_balancer: str) -> None:
    """The same metrics of a group that Terraform has made."""
    cloudwatch = aws.client("cloudwatch")
    balancer = [{"Name": "LoadBalancer", "Value": load_balancer}]
    of_group = [{"Name": "AutoScalingGroupName", "Value": group}]
    samples = history()
    for namespace, name, dimensions, column in (
        ("AWS/ApplicationELB", "RequestCount", balancer, "requests"),
        ("AWS/ApplicationELB", "TargetResponseTime", balancer, "response_time_seconds"),
        ("AWS/EC2", "CPUUtilization", of_group, "cpu_percent"),
        ("AWS/AutoScaling", "GroupInServiceInstances", of_group, "in_service"),
    ):
        values = zip(samples.times(), samples.column(column).tolist(), strict=True)
        data = [
            {"MetricName": name, "Dimensions": dimensions, "Timestamp": at, "Value": value}
            for at, value in values
            if value == value  # not NaN
        ]
        cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


def test_on_a_laptop(shell: Shell, place: Path) -> None:
    # What comes after six days is replayed: here a few hours.
    week = recorded_shop(datetime(2026, 3, 2, tzinfo=UTC), 7, 1, (), 1800).latest(7 * 48 - 38)
    rows = zip(week.times(), week.requests.tolist(), strict=True)
    text = "timestamp,requests\n" + "".join(f"{utc_text(at)},{count}\n" for at, count in rows)
    (place / "path" / "to").mkdir(parents=True)
    for name in ("shop.csv", "path/to/traffic.csv"):
        (place / name).write_text(text)
    (place / "now.env").write_text("AUTOSCALER_BOOT_MINUTES=5\n")
    (place / "new.env").write_text("AUTOSCALER_MISSED_BUDGET=0.01\n")
    pages = []

    def found(shell: Shell) -> None:
        pages.append((place / "out" / "demo" / "report.html").read_bytes())

    # Scoring forecasts against MSTL is a test of its own, and takes minutes.
    quicker = {"--policies all": "--policies all --no-forecast-scores"}
    told = play(shell, LAPTOP, quicker, {"make demo TRACE=shop.csv": found})
    assert "out/demo/report.html" in told["make demo"]
    assert "explain --record out/demo/decisions.jsonl 2026-03-16T17:45:00Z" in told["make demo"]
    assert b"<!doctype html>" in pages[0][:100].lower()
    (explained,) = (text for command, text in told.items() if "explain --record" in command)
    assert "2026-03-16T18:00:00Z" in explained
    names = {path.name for path in (place / "out" / "backtest").iterdir()}
    assert {"report.html", "what_if.csv", "side_by_side.csv"} <= names


def test_on_a_group_that_is_there(shell: Shell, place: Path) -> None:
    """Read-only, of a group with ten days of history."""
    with local_aws(2, 70, 2) as aws:
        put_metrics(aws, aws.client("cloudwatch"), history())
        shell.variables |= dict(aws.environment) | BY_HALF_HOURS
        groups = {"groups": {SHOP: {"load_balancer": aws.load_balancer}}}
        (place / "groups.json").write_text(json.dumps(groups))
        changed = {"my-autoscaler": BUCKET, "app/shop/0123456789abcdef": aws.load_balancer}
        told = play(shell, GROUP, changed, {f"{PROGRAM} explain": tick})
        kept = aws.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="models/")["Contents"]
    assert any(row["Key"].startswith(f"models/{SHOP}/") for row in kept)
    assert "(forest, model" in told[f"{PROGRAM} decide"]
    assert "mode observe" in told[f"{PROGRAM} explain"]
    assert "days of observing" in told[f"{PROGRAM} mode"]
    collected = (place / "shop.csv").read_text().splitlines()
    assert len(collected) > 0.9 * HISTORY_DAYS * 48
    assert (place / "out" / "backtest" / "report.html").stat().st_size > 10_000


def test_under_load(shell: Shell, place: Path) -> None:
    """The storefront of the first command stays up; the steps go against one of two workers."""
    port, small = free_port(), free_port()
    changed = {
        "8000": str(port),
        # The last steps are beyond what it carries, which is no failure of the test.
        "--host URL": f"--host http://127.0.0.1:{small} --duration 125s "
        "--max-errors-percent 100 --max-p95-seconds 3600",
    }
    surge = next(command for command in script(LOAD) if "--scenario surge" in command)
    steps = next(command for command in script(LOAD) if "--scenario step" in command)

    def one_instance(shell: Shell) -> None:
        storefront = ".venv/bin/python -m predictive_autoscaler.storefront"
        shell.run(f"{storefront} --database out/one.sqlite --port {small} &")
        answering(small)

    told = play(shell, LOAD, changed, {surge: lambda _: answering(port), steps: one_instance})
    assert "gate: passed" in told[surge]
    (line,) = (place / "shop.env").read_text().split()
    capacity = float(line.removeprefix("AUTOSCALER_CAPACITY_PER_INSTANCE="))
    # Two workers serve about 21 requests a second, as locust/README.md says.
    assert 10 * 300 < capacity < 30 * 300


def answering(port: int) -> None:
    """Wait for the storefront."""
    for _ in range(300):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail("the storefront does not answer")


def made_for_moto(place: Path, zip_file: Path) -> None:
    """Leave out what a simulated AWS cannot hold, as terraform/tests/moto.tfvars does."""
    folder = place / "terraform"
    zip_file.write_bytes(b"PK\x05\x06" + bytes(18))  # An empty archive: no code is run.
    without(folder / "environments" / "dev.tfvars", r"^(redis|budget) = {\n.*?^}\n")
    # It denies whatever the policy's condition says.
    without(folder / "bootstrap" / "main.tf", r'^resource "aws_s3_bucket_policy".*?^}\n')
    # It forgets this, and the provider waits for it.
    without(folder / "bootstrap" / "main.tf", r"^ +newer_noncurrent_versions[^\n]*\n")
    (folder / "terraform.tfvars").write_text(f"""
aws_region  = "{REGION}"
max_retries = 4
redis       = {{ existing_host = "redis.example.internal" }}
storage     = {{ tls_only = false }}
alarms      = {{ scaling_notifications = false }}
budget      = null
lambda      = {{ zip = "{zip_file}" }}
controller = {{
  interval_minutes      = 30
  metric_period_seconds = 1800
  metric_delay_seconds  = 0
  capacity_per_instance = 800
}}
""")


def without(path: Path, part: str) -> None:
    text, found = re.subn(part, "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    assert found > 0, path
    path.write_text(text)


def provider() -> str:
    """Options of `terraform init`: the mirror of this machine, if there is one."""
    done = subprocess.run(
        [ROOT / "scripts" / "terraform_plugins.sh"], capture_output=True, text=True, check=True
    )
    mirror = done.stdout.strip()
    return f"-no-color -plugin-dir={mirror}" if mirror else "-no-color"


def test_from_an_empty_account_to_acting_and_back(
    shell: Shell, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    required("terraform")
    made_for_moto(place, tmp_path / "controller.zip")
    # RDS's monitoring role takes a policy of AWS's own.
    monkeypatch.setenv("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
    quiet = "-no-color -auto-approve"
    with local_aws(1, 1, 1) as aws:
        shell.variables |= dict(aws.environment) | {
            "CHECKPOINT_DISABLE": "1",
            "TF_INPUT": "0",
            "TF_CLI_ARGS_init": provider(),
            "TF_CLI_ARGS_plan": "-no-color",
            "TF_CLI_ARGS_apply": quiet,
            "TF_CLI_ARGS_destroy": quiet,
        }

        def at_home(shell: Shell) -> None:
            shell.folder = place

        def observed(shell: Shell) -> None:
            """Ten days of traffic, then a tick as the schedule would make it."""
            names = {name: shell.variables[name] for name in ("ASG_NAME", "LOAD_BALANCER")}
            put_history(aws, names["ASG_NAME"], names["LOAD_BALANCER"])
            tick(shell)

        training = next(command for command in script(CLOUD) if "train_model" in command)
        destroy = script(CLOUD)[-1]
        assert "destroy" in destroy
        told = play(
            shell,
            CLOUD,
            {"STATE_BUCKET": "state-of-a-test", "mode full": "mode full --yes"},
            {
                SETTINGS: at_home,
                training: observed,
                destroy: lambda shell: setattr(shell, "folder", place / "terraform"),
            },
        )
        states = aws.client("s3").list_objects_v2(Bucket="state-of-a-test")["Contents"]
    assert "Apply complete!" in told["terraform apply dev.tfplan"]
    assert "(forest, model" in told[f"{PROGRAM} decide"]
    assert "mode observe" in told[f"{PROGRAM} mode"]
    assert told[f"{PROGRAM} mode full"].rstrip().endswith("mode: full")
    assert "Destroy complete!" in told[destroy]
    assert [row["Key"] for row in states] == ["saleor-predictive-scaling/dev.tfstate"]
