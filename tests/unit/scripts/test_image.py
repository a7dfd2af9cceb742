"""The training container and the workflows, read: there need not be a docker to run these."""

from __future__ import annotations

import fnmatch
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from predictive_autoscaler.core.csv_text import samples_to_csv
from tests.helpers.commands import ROOT, clean_environment, succeeded
from tests.helpers.shop import shop

DOCKERFILE = (ROOT / "Dockerfile").read_text()
INSTALLS = "--require-hashes --only-binary :all: --requirement"
LOCK = ROOT / "ml-model" / "requirements.txt"


def instructions() -> list[tuple[str, str]]:
    """(FROM, python:…) and so on, with continued lines joined."""
    lines = [line for line in DOCKERFILE.splitlines() if not line.startswith("#")]
    joined = re.sub(r"\s*\\\n\s*", " ", "\n".join(lines))
    parts = (line.split(maxsplit=1) for line in joined.splitlines() if line.strip())
    return [(name, rest) for name, rest in parts]


def of(name: str) -> list[str]:
    return [rest for found, rest in instructions() if found == name]


def workflow(name: str) -> Any:
    return yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text())


def test_the_base_is_pinned() -> None:
    (base,) = of("ARG")
    assert re.fullmatch(r"BASE=python:3\.13-slim@sha256:[0-9a-f]{64}", base)
    assert [line.split()[0] for line in of("FROM")] == ["${BASE}", "${BASE}"]


def test_what_is_copied_exists_and_is_not_ignored() -> None:
    local = [line.split()[0] for line in of("COPY") if not line.startswith("--from")]
    assert local == ["ml-model/requirements.txt", "src/predictive_autoscaler"]
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line]
    kept = [rule[1:] for rule in rules if rule.startswith("!")]
    assert "*" in rules
    for source in local:
        assert (ROOT / source).exists()
        assert any(source == rule or source.startswith(f"{rule}/") for rule in kept)
    assert not any(fnmatch.fnmatch(".git/config", rule) for rule in kept)


def test_only_locked_packages_are_installed() -> None:
    """By hash, each of them; and there is no other installation."""
    (run,) = of("RUN")
    assert run.count("pip install") == DOCKERFILE.count("pip install") == 1
    assert f"{INSTALLS} /tmp/requirements.txt" in run
    assert f"{LOCK.relative_to(ROOT)} /tmp/requirements.txt" in of("COPY")
    packages = re.split(r"\n(?=[a-z])", LOCK.read_text().partition("make lock\n")[2])
    assert len(packages) > 10
    assert all("==" in package and "--hash=sha256:" in package for package in packages)


def test_it_runs_as_nobody_in_particular_and_retrains() -> None:
    (user,) = of("USER")
    assert int(user.split(":")[0]) > 0
    (entry,) = of("ENTRYPOINT")
    assert json.loads(entry) == ["python", "-m", "predictive_autoscaler", "retrain"]
    names = [name for name, _ in instructions()]
    assert names.index("USER") > max(i for i, name in enumerate(names) if name in ("RUN", "COPY"))


FENCED = """
import re, sys
from importlib.metadata import packages_distributions

locked = set(sys.argv.pop(1).split(","))
owners = packages_distributions()

class Fence:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        names = {re.sub("[-_.]+", "-", owner).lower() for owner in owners.get(top, ())}
        if names and top != "predictive_autoscaler" and not names & locked:
            raise ImportError(f"{name} is not in the container")

sys.meta_path.insert(0, Fence())
from predictive_autoscaler.cli import main
main(["retrain", *sys.argv[1:]])
"""


@pytest.mark.slow
def test_the_locked_packages_are_enough_to_retrain(tmp_path: Path) -> None:
    """Both ways: a first model, then a replay; all else that is installed here is refused."""
    locked = ",".join(re.findall(r"^([a-z0-9-]+)==", LOCK.read_text(), re.MULTILINE))
    options = ["--store", tmp_path / "store", "--max-bins", "300", "--newest-days", "1"]
    for days in (4, 6):
        path = tmp_path / f"{days}.csv"
        path.write_text(samples_to_csv(shop(900, 6).window(0, days * 96)))
        command = [sys.executable, "-c", FENCED, locked, "--csv", path, *options, "--json"]
        done = subprocess.run(
            list(map(str, command)),
            env=clean_environment(AUTOSCALER_INTERVAL_MINUTES="15"),
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        (group,) = json.loads(succeeded(done))["groups"]
    assert group["verdict"]["champion"]["by_model"] == 96
    fence = [sys.executable, "-c", FENCED.split("from predictive")[0] + "import pytest", locked]
    assert subprocess.run(fence, capture_output=True, check=False).returncode == 1


def test_continuous_integration_builds_the_container_wherever_it_runs() -> None:
    """Actions run the same script as everybody else, and there it must not be left out."""
    steps = workflow("ci.yml")["jobs"]["check"]["steps"]
    assert ".ci/run" in [step.get("run") for step in steps]
    script = (ROOT / ".ci" / "run").read_text()
    assert "part image scripts/build_image.sh\nimage=$?" in script
    assert "image == 0" in script.splitlines()[-1]
    without_docker = {"PATH": "/nonexistent", "HOME": "/nonexistent"}
    for actions, code in (("", 0), ("true", 1)):
        done = subprocess.run(
            ["/bin/bash", "-c", f"PATH={bin_without_docker()}; . scripts/build_image.sh"],
            cwd=ROOT,
            env=without_docker | {"GITHUB_ACTIONS": actions},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code
        assert "image: left out, there is no docker" in done.stdout


def bin_without_docker() -> str:
    """A PATH on which no docker is found; the script needs nothing else up to there."""
    return str(ROOT / "scripts")


class TestNightly:
    def test_it_has_a_schedule_and_a_button_and_no_keys(self) -> None:
        found = workflow("retrain.yml")
        when = found[True]  # YAML's word for `on`
        assert re.fullmatch(r"\d+ \d+ \* \* \*", when["schedule"][0]["cron"])
        assert "dry_run" in when["workflow_dispatch"]["inputs"]
        assert found["permissions"] == {"contents": "read", "id-token": "write"}
        assert found["concurrency"]["cancel-in-progress"] is False
        text = (ROOT / ".github" / "workflows" / "retrain.yml").read_text()
        assert "secrets." not in text
        assert "role-to-assume: ${{ vars.RETRAIN_ROLE_ARN }}" in text

    def test_it_installs_what_the_container_does_and_retrains(self) -> None:
        steps = workflow("retrain.yml")["jobs"]["retrain"]["steps"]
        commands = [step["run"] for step in steps if "run" in step]
        assert commands[0] == f"pip install {INSTALLS} ml-model/requirements.txt"
        assert commands[-1].startswith("python -m predictive_autoscaler retrain ")
        versions = [step["with"].get("python-version") for step in steps if "with" in step]
        assert "3.13" in versions

    def test_it_reads_the_settings_that_terraform_prints(self, tmp_path: Path) -> None:
        steps = workflow("retrain.yml")["jobs"]["retrain"]["steps"]
        (step,) = [step for step in steps if step.get("name") == "Settings"]
        lines = (
            "export AWS_REGION='eu-central-1'\nexport ASG_NAME='shop'\r\necho $HOME\nexport B='a'"
        )
        target = tmp_path / "env"
        subprocess.run(
            ["bash", "-c", step["run"]],
            env={"SETTINGS": lines, "GITHUB_ENV": str(target), "PATH": "/usr/bin:/bin"},
            check=True,
        )
        assert target.read_text() == "AWS_REGION=eu-central-1\nASG_NAME=shop\nB=a\n"
