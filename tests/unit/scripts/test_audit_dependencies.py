"""pip-audit asks a service on loopback that knows of one vulnerability."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from scripts.audit_dependencies import OUT_OF_REACH, problems
from tests.helpers.commands import ROOT

PYTHON = ROOT / ".venv-audit" / "bin" / "python"
HASH = "--hash=sha256:" + 64 * "0"
LOCK = f"""# A lock.
sound==1.0 \\
    {HASH}
Leaky_Thing==2.0 ; python_version >= "3.8" \\
    {HASH}
elsewhere==3.0 ; sys_platform == "win32" \\
    {HASH}
"""
KNOWN = {
    "id": "PYSEC-2026-1",
    "modified": "2026-01-02T00:00:00Z",
    "published": "2026-01-01T00:00:00Z",
    "summary": "It leaks.",
    "affected": [
        {
            "package": {"name": "leaky-thing", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.1"}]}],
        }
    ],
}


class Service(BaseHTTPRequestHandler):
    """As much of OSV as is asked for."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        leaky = asked["package"]["name"] == "leaky-thing" and asked["version"] == "2.0"
        content = json.dumps({"vulns": [KNOWN]} if leaky else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1/query"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "lock.txt"
    path.write_text(LOCK)
    return path


def audited(service: str, lock: Path) -> subprocess.CompletedProcess[str]:
    if not PYTHON.exists():
        reason = "there is no .venv-audit; scripts/audit.sh --venv makes it"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return subprocess.run(
        [PYTHON, ROOT / "scripts" / "audit_dependencies.py", lock],
        env=os.environ | {"VULNERABILITIES_URL": service, "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_vulnerable_package_is_found(service: str, lock: Path) -> None:
    done = audited(service, lock)
    assert done.stderr == (f"audit: {lock}: leaky-thing 2.0 has PYSEC-2026-1, mended in 2.1\n"), (
        done.stderr
    )
    assert done.returncode == 1
    assert "2 packages looked up" in done.stdout  # the third is for another platform


def test_sound_packages_pass(service: str, lock: Path) -> None:
    lock.write_text(LOCK.replace("2.0", "2.1"))
    done = audited(service, lock)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_service_out_of_reach_is_said(lock: Path) -> None:
    done = audited("http://127.0.0.1:1/v1/query", lock)
    assert done.returncode == OUT_OF_REACH
    assert "NOT audited" in done.stdout


def test_a_skipped_package_is_a_problem(lock: Path) -> None:
    left_out: list[dict[str, Any]] = [{"name": "sound", "version": "1.0", "vulns": []}]
    assert list(problems(lock, left_out)) == [f"{lock}: leaky-thing was skipped"]
    skipped = [*left_out, {"name": "leaky-thing", "skip_reason": "not on PyPI"}]
    assert list(problems(lock, skipped)) == [f"{lock}: leaky-thing was skipped: not on PyPI"]
