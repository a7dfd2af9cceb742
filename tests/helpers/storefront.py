"""The storefront as a process, and as a person with curl would talk to it."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.helpers.commands import ROOT, clean_environment

CHANNEL = "default-channel"


@dataclass
class Instance:
    """A running instance."""

    process: subprocess.Popen[str]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def request(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> tuple[int, bytes]:
        """Status and body of one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Content-Type": "application/json"} | headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def ask(self, document: str, **variables: Any) -> tuple[int, Any]:
        """Status and content of the answer to a document."""
        body = {"query": document, "variables": variables}
        status, content = self.request("POST", "/graphql/", body)
        return status, json.loads(content)

    def stats(self) -> dict[str, float]:
        status, content = self.request("GET", "/stats")
        assert status == 200
        found: dict[str, float] = json.loads(content)
        return found


def command(*arguments: object) -> list[str]:
    """The command line of the storefront."""
    return [sys.executable, "-m", "predictive_autoscaler.storefront", *map(str, arguments)]


def started(database: Path, *arguments: object) -> Instance:
    """Start an instance, and wait until it tells its port."""
    process = subprocess.Popen(
        command("--database", database, *arguments),
        cwd=ROOT,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        process.wait(10)
        assert process.stderr is not None
        raise AssertionError(process.stderr.read())
    told = json.loads(line)
    assert told["pid"] == process.pid
    return Instance(process, told["port"])


def stopped(instance: Instance) -> int:
    """End it as a service manager would; its exit code."""
    instance.process.terminate()
    try:
        return instance.process.wait(10)
    finally:
        instance.process.kill()
        instance.process.wait()
        for stream in (instance.process.stdout, instance.process.stderr):
            if stream is not None:
                stream.close()


@contextmanager
def storefront(database: Path, *arguments: object) -> Iterator[Instance]:
    """An instance for the length of a test."""
    instance = started(database, *arguments)
    try:
        yield instance
    finally:
        stopped(instance)
