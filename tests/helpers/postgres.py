"""A PostgreSQL server of Debian's packages, for as long as a test needs it. It speaks TLS."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import pytest

MASTER = "saleor_master"
MASTER_PASSWORD = "master-of-the-test"
_ROOT = "rdsadmin"


@dataclass(frozen=True)
class Server:
    """Where it listens.

    Attributes:
        authority: the certificate that signs the server's, which is for "localhost".
        log: what the server has written.
    """

    port: int
    authority: Path
    log: Path

    def ask(
        self, sql: str, *, user: str = MASTER, password: str = MASTER_PASSWORD, mode: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a statement as a user, by default with the certificate checked."""
        return subprocess.run(
            [_program("psql"), "--no-psqlrc", "--no-align", "--tuples-only", "--command", sql],
            env={
                "PATH": os.environ["PATH"],
                "PGHOST": "localhost",
                "PGPORT": str(self.port),
                "PGDATABASE": "saleor",
                "PGUSER": user,
                "PGPASSWORD": password,
                "PGSSLMODE": mode or "verify-full",
                "PGSSLROOTCERT": str(self.authority),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )

    def answer(self, sql: str) -> str:
        """What a statement answers, as the master."""
        done = self.ask(sql)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@contextmanager
def postgres_server() -> Iterator[Server]:
    """Start one with a database "saleor", owned by a master that is no superuser, as on RDS."""
    initdb = _program("initdb")
    folder = Path(mkdtemp(prefix="postgres-"))
    try:
        _certificate(folder)
        (folder / "password").write_text(MASTER_PASSWORD)
        _hand_over(folder)
        data = folder / "data"
        _run(
            folder,
            *(initdb, "--pgdata", str(data), "--username", _ROOT, "--auth-local", "trust"),
            *("--auth-host", "scram-sha-256", "--pwfile", str(folder / "password")),
            *("--no-sync", "--encoding", "UTF8", "--locale", "C"),
        )
        port = _free_port()
        settings = {
            "port": str(port),
            "listen_addresses": "localhost",
            "unix_socket_directories": str(folder),
            "ssl": "on",
            "ssl_cert_file": str(folder / "server.crt"),
            "ssl_key_file": str(folder / "server.key"),
            # As the parameter group of rds.tf.
            "log_min_duration_statement": "1000",
            "fsync": "off",
        }
        with (data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        # rds.force_ssl: no password is taken in clear text.
        (data / "pg_hba.conf").write_text(
            "local all all trust\nhostssl all all samehost scram-sha-256\n"
        )
        log = folder / "log"
        _run(folder, _program("pg_ctl"), "-D", str(data), "-l", str(log), "-w", "start")
        try:
            for sql in (
                f"CREATE ROLE {MASTER} LOGIN CREATEROLE CREATEDB PASSWORD '{MASTER_PASSWORD}'",
                f"CREATE DATABASE saleor OWNER {MASTER}",
            ):
                psql = (_program("psql"), "-h", str(folder), "-p", str(port), "-U", _ROOT)
                _run(folder, *psql, "-d", "postgres", "-c", sql)
            yield Server(port, folder / "server.crt", log)
        finally:
            _run(folder, _program("pg_ctl"), "-D", str(data), "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _program(name: str) -> str:
    """Of the newest version; Debian keeps most out of the PATH. Missing in CI: a failure."""
    found = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3])
    )
    program = str(found[-1]) if found else shutil.which(name)
    if program is None:
        reason = f"PostgreSQL's {name} is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return program


def _run(folder: Path, *command: str) -> None:
    """As the user postgres where we are root: the server refuses to run as root."""
    user = "postgres" if os.geteuid() == 0 else None
    done = subprocess.run(
        command,
        cwd=folder,
        user=user,
        # A server that inherited a pipe would keep it open.
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE if "start" not in command else subprocess.DEVNULL,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, f"{command}\n{done.stderr}"


def _hand_over(folder: Path) -> None:
    folder.chmod(0o755)
    if os.geteuid() == 0:
        account = pwd.getpwnam("postgres")
        for path in (folder, *folder.iterdir()):
            os.chown(path, account.pw_uid, account.pw_gid)


def _certificate(folder: Path) -> None:
    """For "localhost", signed by itself."""
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", "server.key", "-out", "server.crt"),
        ],
        cwd=folder,
        capture_output=True,
        check=True,
    )
    (folder / "server.key").chmod(0o600)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
