"""The release step against a real PostgreSQL: the worker's scripts, with a stand-in migration."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.helpers.postgres import MASTER, MASTER_PASSWORD, Server, postgres_server
from tests.helpers.terraform import SOURCE, required

TEMPLATES = SOURCE / "templates"
PASSWORD = "0123456789abcdefghijABCDEFGHIJ0123456789"
MIGRATION = """#!/usr/bin/env bash
# Stands for migrate.sh: writes down that it ran, slowly, as the application's own user.
set -euo pipefail
echo "$RELEASE" >>"$CLOUD/migrations"
if [[ -e $CLOUD/broken ]]; then
  exit 1
fi
sleep 1
PGUSER=saleor PGPASSWORD=$APP_PASSWORD psql --no-psqlrc --quiet \\
  --command "CREATE TABLE IF NOT EXISTS product (id int)"
"""


@dataclass(frozen=True)
class Worker:
    """A folder as on the worker, and the cloud that it speaks to: a folder of files."""

    shop: Path
    cloud: Path
    server: Server

    def start(self, release: str) -> subprocess.Popen[str]:
        """Begin the release step of a release."""
        settings = {
            "KIND": "worker",
            "AWS_REGION": "us-east-1",
            "RELEASE": release,
            "RECORDS_BUCKET": "records",
            "APP_SECRET_ARN": "app",
            "RSA_SECRET_ARN": "rsa",
            "MASTER_SECRET_ARN": "master",
            "DATABASE_HOST": "localhost",
            "DATABASE_PORT": str(self.server.port),
            "DATABASE_NAME": "saleor",
        }
        folder = self.shop / release
        folder.mkdir(exist_ok=True)
        for name in ("lib.sh", "release.sh", "release.sql", "ensure_key.sh"):
            shutil.copy(TEMPLATES / name, folder)
        (folder / "migrate.sh").write_text(MIGRATION)
        (folder / "migrate.sh").chmod(0o755)
        shutil.copy(self.server.authority, folder / "rds-ca.pem")
        (folder / "settings.env").write_text(
            "".join(f"{name}='{value}'\n" for name, value in settings.items())
        )
        return subprocess.Popen(
            [folder / "release.sh"],
            env={
                "PATH": f"{self.shop / 'bin'}:{os.environ['PATH']}",
                "SHOP": str(folder),
                "CLOUD": str(self.cloud),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def release(self, release: str) -> tuple[int, str]:
        """Do it; exit code, and what it said."""
        return ended(self.start(release))

    def migrations(self) -> list[str]:
        path = self.cloud / "migrations"
        return path.read_text().split() if path.exists() else []

    def set_password(self, password: str) -> None:
        (self.cloud / "app").write_text(
            json.dumps({"SECRET_KEY": "key", "DATABASE_PASSWORD": password})
        )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out + err


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres_server() as server:
        yield server


@pytest.fixture
def worker(server: Server, tmp_path: Path) -> Worker:
    required("jq")
    shop, cloud = tmp_path / "shop", tmp_path / "cloud"
    (shop / "bin").mkdir(parents=True)
    cloud.mkdir()
    shutil.copy(Path(__file__).parent / "aws_stand_in.sh", shop / "bin" / "aws")
    made = Worker(shop, cloud, server)
    made.set_password(PASSWORD)
    master = {"username": MASTER, "password": MASTER_PASSWORD}
    (cloud / "master").write_text(json.dumps(master))
    return made


def test_two_at_once_migrate_once(worker: Worker) -> None:
    processes = [worker.start("first"), worker.start("first")]
    for code, said in map(ended, processes):
        assert code == 0, said
    assert worker.migrations() == ["first"]
    assert (worker.cloud / "first").exists()
    assert (worker.cloud / "rsa").read_text().startswith("-----BEGIN PRIVATE KEY-----")
    calls = (worker.cloud / "calls").read_text().splitlines()
    assert calls.count("secretsmanager put-secret-value") == 1
    assert calls.count("s3api put-object") == 2


def test_each_release_migrates_once_also_after_a_roll_back(worker: Worker) -> None:
    for release in ("one", "one", "two", "one"):
        code, said = worker.release(release)
        assert code == 0, said
    assert worker.migrations() == ["one", "two"]


def test_a_failed_migration_is_tried_again(worker: Worker) -> None:
    (worker.cloud / "broken").touch()
    code, said = worker.release("broken")
    assert code != 0
    assert "the migrations failed" in said
    assert "s3api put-object" not in (worker.cloud / "calls").read_text()
    (worker.cloud / "broken").unlink()
    code, said = worker.release("broken")
    assert code == 0, said
    assert worker.migrations() == ["broken", "broken"]


def test_without_a_signing_key_nothing_is_released(worker: Worker) -> None:
    (worker.shop / "bin" / "openssl").write_text("#!/bin/sh\nexit 1\n")
    (worker.shop / "bin" / "openssl").chmod(0o755)
    code, said = worker.release("keyless")
    assert code != 0
    assert "the signing key could not be made" in said
    assert worker.migrations() == []


def test_one_that_dies_leaves_no_lock(worker: Worker) -> None:
    process = worker.start("dying")
    while not worker.migrations():
        assert process.poll() is None
    psql = worker.server.answer(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
    )
    assert psql == "t"
    assert ended(process)[0] != 0
    code, said = worker.release("dying")
    assert code == 0, said


class TestTheApplicationsUser:
    @pytest.fixture(autouse=True)
    def released(self, worker: Worker) -> None:
        code, said = worker.release("users")
        assert code == 0, said

    def test_it_owns_the_database_and_is_nothing_more(self, server: Server) -> None:
        sql = "CREATE TABLE mine (id int); DROP TABLE mine"
        done = server.ask(sql, user="saleor", password=PASSWORD)
        assert done.returncode == 0, done.stderr
        assert (
            server.answer(
                "SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = 'saleor'"
            )
            == "f|f|f"
        )

    def test_it_is_let_in_by_tls_only(self, server: Server) -> None:
        refused = server.ask("SELECT 1", user="saleor", password=PASSWORD, mode="disable")
        assert refused.returncode != 0
        assert "no pg_hba.conf entry" in refused.stderr

    def test_a_new_password_replaces_the_old_one(self, worker: Worker, server: Server) -> None:
        worker.set_password(PASSWORD[::-1])
        code, said = worker.release("users")
        assert code == 0, said
        assert server.ask("SELECT 1", user="saleor", password=PASSWORD).returncode != 0
        assert server.ask("SELECT 1", user="saleor", password=PASSWORD[::-1]).returncode == 0

    def test_no_password_is_in_the_servers_log(self, server: Server) -> None:
        log = server.log.read_text()
        assert "database system is ready" in log
        assert PASSWORD not in log
