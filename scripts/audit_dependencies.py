"""Look up every locked package among the known vulnerabilities, with pip-audit.

It runs in .venv-audit. Nothing is installed: the locks name versions and hashes. Exit code 1 if a
vulnerability is known or a package was skipped, 3 if the list of vulnerabilities is out of reach.
VULNERABILITIES_URL names another service that speaks OSV's protocol, as a private mirror does.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

OSV = "https://api.osv.dev/v1/query"
SECONDS_TO_ANSWER = 10
OUT_OF_REACH = 3
LOCKED = re.compile(r"^(?P<requirement>[A-Za-z0-9].*?)\\?$", re.MULTILINE)


def out_of_reach(service: str) -> str | None:
    """Why the service does not answer; None if it does."""
    asked = json.dumps({"package": {"name": "pip", "ecosystem": "PyPI"}, "version": "1.0"})
    request = urllib.request.Request(service, asked.encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=SECONDS_TO_ANSWER):  # nosec B310 # our own URL
            return None
    except (OSError, urllib.error.URLError) as error:
        return str(error)


def locked_here(lock: Path) -> set[str]:
    """Names of the lock's packages that are for this interpreter and platform."""
    found = (Requirement(match["requirement"]) for match in LOCKED.finditer(lock.read_text()))
    return {
        _plain(requirement.name)
        for requirement in found
        if requirement.marker is None or requirement.marker.evaluate()
    }


def report_on(lock: Path, service: str) -> list[dict[str, Any]]:
    """What pip-audit finds out about each package of one lock."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock), "--strict"]
    command += ["--disable-pip", "--require-hashes", "--progress-spinner", "off"]
    command += ["--vulnerability-service", "osv", "--osv-url", service, "--format", "json"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if not done.stdout.strip():
        raise RuntimeError(f"pip-audit gave no report on {lock}:\n{done.stderr}")
    dependencies: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    return dependencies


def problems(lock: Path, report: Sequence[dict[str, Any]]) -> Iterator[str]:
    """One line for each vulnerability, and for each package that was not looked up."""
    looked_up = set()
    for package in report:
        if "skip_reason" in package:
            yield f"{lock}: {package['name']} was skipped: {package['skip_reason']}"
        looked_up.add(_plain(package["name"]))
        for found in package.get("vulns", ()):
            mended = ", ".join(found["fix_versions"]) or "no version"
            name = f"{package['name']} {package['version']}"
            yield f"{lock}: {name} has {found['id']}, mended in {mended}"
    for name in sorted(locked_here(lock) - looked_up):
        yield f"{lock}: {name} was skipped"


def main(locks: Sequence[str]) -> int:
    """Audit all locks; see the module."""
    service = os.environ.get("VULNERABILITIES_URL", OSV)
    reason = out_of_reach(service)
    if reason:
        print(f"audit: dependencies NOT audited, {service} is out of reach: {reason}")
        return OUT_OF_REACH
    bad = 0
    for lock in map(Path, locks):
        report = report_on(lock, service)
        for line in problems(lock, report):
            print(f"audit: {line}", file=sys.stderr)
            bad += 1
        print(f"audit: {lock}: {len(report)} packages looked up")
    return 1 if bad else 0


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
