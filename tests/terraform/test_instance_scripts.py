"""What an instance does when it comes and when it goes: its scripts, in a cloud of stand-ins."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.helpers.terraform import SOURCE, required

CURL = """#!/usr/bin/env bash
# The instance's metadata, and the answers of the health check: one of them per call.
case "$*" in
  *api/token*) echo token ;;
  *instance-id*) echo i-0123 ;;
  *target-lifecycle-state*)
    echo state >>"$CLOUD/looks"
    if (($(wc -l <"$CLOUD/looks") > 2)); then echo Terminated; else echo InService; fi ;;
  */health/*)
    echo "health" >>"$CLOUD/calls"
    head -n 1 "$CLOUD/answers"
    sed -i 1d "$CLOUD/answers" ;;
  *) exit 2 ;;
esac
"""
DOCKER = """#!/usr/bin/env bash
echo "docker ${*: -3}" >>"$CLOUD/calls"
env >"$CLOUD/environment"
"""
AWS = """#!/usr/bin/env bash
case "$1 $2" in
  autoscaling*) echo "$*" >>"$CLOUD/calls" ;;
  *) exec "$STAND_IN" "$@" ;;
esac
"""
SETTINGS = {
    "KIND": "web",
    "AWS_REGION": "us-east-1",
    "GROUP_NAME": "the-group",
    "RELEASE": "abc",
    "RECORDS_BUCKET": "records",
    "APP_PORT": "8000",
    "APP_SECRET_ARN": "app",
    "RSA_SECRET_ARN": "rsa",
    "EMAIL_SECRET_ARN": "",
    "DATABASE_HOST": "db",
    "DATABASE_NAME": "saleor",
    "REDIS_HOST": "redis",
    "ALLOWED_HOSTS": "shop.example.com",
    "PUBLIC_URL": "https://shop.example.com/",
}


@dataclass(frozen=True)
class Instance:
    """A web instance's folder, and the cloud around it: a folder of files."""

    shop: Path
    cloud: Path

    def start(self, script: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.shop / script],
            env={
                "PATH": f"{self.shop / 'bin'}:{os.environ['PATH']}",
                "SHOP": str(self.shop),
                "CLOUD": str(self.cloud),
                "STAND_IN": str(Path(__file__).parent / "aws_stand_in.sh"),
                "POLL_SECONDS": "0.1",
                "PROBE_SECONDS": "0",
                "SETTLE_SECONDS": "0",
                "GONE_SECONDS": "0",
                "RETRY_SECONDS": "0",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self, process: subprocess.Popen[str]) -> None:
        out, err = process.communicate(timeout=30)
        assert process.returncode == 0, out + err

    def calls(self) -> list[str]:
        path = self.cloud / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def lifecycle(self) -> list[str]:
        """The answers to the group's hooks, without what is the same in all of them."""
        return [call for call in self.calls() if call.startswith("autoscaling ")]


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    required("jq")
    shop, cloud = tmp_path / "shop", tmp_path / "cloud"
    (shop / "bin").mkdir(parents=True)
    cloud.mkdir()
    for name in ("install.sh", "lib.sh", "start.sh", "drain.sh"):
        shutil.copy(SOURCE / "templates" / name, shop)
    for name, text in {"curl": CURL, "docker": DOCKER, "aws": AWS}.items():
        (shop / "bin" / name).write_text(text)
        (shop / "bin" / name).chmod(0o755)
    (shop / "settings.env").write_text(
        "".join(f"{name}='{value}'\n" for name, value in SETTINGS.items())
    )
    (cloud / "app").write_text('{"SECRET_KEY": "key", "DATABASE_PASSWORD": "word"}')
    (cloud / "rsa").write_text("-----BEGIN PRIVATE KEY-----\nlines\n")
    (cloud / "answers").write_text("200\n" * 3)
    (cloud / "abc").touch()
    return Instance(shop, cloud)


def test_it_is_let_in_after_three_good_answers_in_a_row(instance: Instance) -> None:
    (instance.cloud / "answers").write_text("000\n200\n200\n503\n200\n200\n200\n200\n")
    instance.finish(instance.start("start.sh"))
    calls = [call for call in instance.calls() if not call.startswith("s")]
    assert calls[0] == "docker up --detach --quiet-pull"
    assert calls[1:8] == ["health"] * 7
    (last,) = calls[8:]
    assert last.startswith("autoscaling complete-lifecycle-action")
    for words in ("the-group", "--lifecycle-hook-name launch", "i-0123", "CONTINUE"):
        assert words in last


def test_it_waits_for_its_release_and_says_that_it_lives(instance: Instance) -> None:
    (instance.cloud / "abc").unlink()
    process = instance.start("start.sh")
    while len(instance.lifecycle()) < 2:
        assert process.poll() is None
    assert not [call for call in instance.calls() if call.startswith("docker")]
    assert all("record-lifecycle-action-heartbeat" in call for call in instance.lifecycle())
    (instance.cloud / "abc").touch()
    instance.finish(process)
    assert "complete-lifecycle-action" in instance.lifecycle()[-1]


def test_the_containers_get_the_secrets_and_no_file_does(instance: Instance) -> None:
    instance.finish(instance.start("start.sh"))
    environment = (instance.cloud / "environment").read_text()
    assert "SECRET_KEY=key\n" in environment
    assert "DATABASE_URL=postgres://saleor:word@db:5432/saleor?sslmode=verify-full" in environment
    assert "RSA_PRIVATE_KEY=-----BEGIN PRIVATE KEY-----\nlines\n" in environment
    assert "EMAIL_URL=consolemail://\n" in environment
    assert "DEBUG=False\n" in environment
    for path in instance.shop.rglob("*"):
        if path.is_file():
            assert "PRIVATE KEY" not in path.read_text()
            assert ":word@" not in path.read_text()


def test_it_lets_requests_finish_before_it_goes(instance: Instance) -> None:
    instance.finish(instance.start("drain.sh"))
    assert instance.calls()[0] == f"docker --file {instance.shop}/compose.yaml stop"
    (answer,) = instance.lifecycle()
    assert "complete-lifecycle-action" in answer
    assert "--lifecycle-hook-name terminate" in answer


def test_an_installation_that_fails_is_tried_again(instance: Instance) -> None:
    (instance.shop / "bin" / "dnf").write_text('#!/bin/sh\necho "dnf" >>"$CLOUD/calls"\nexit 1\n')
    (instance.shop / "bin" / "dnf").chmod(0o755)
    process = instance.start("install.sh")
    while len(instance.calls()) < 3:
        assert process.poll() is None
    process.terminate()
    assert "once more" in process.communicate(timeout=30)[1]
