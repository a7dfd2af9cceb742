"""Terraform as the tests run it: on a copy of the module, offline, with no account in reach."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.commands import ROOT, clean_environment

SOURCE = ROOT / "terraform"
_LEFT_OUT = shutil.ignore_patterns(".terraform", "*.tfstate*", "terraform.tfvars", "*.tfplan")


def required(program: str) -> str:
    """The program's path. Without it the test is skipped; in CI it fails."""
    found = shutil.which(program)
    if found is not None:
        return found
    reason = f"{program} is not installed"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def environment(**variables: str) -> dict[str, str]:
    """No account, no configuration of the developer's own, no question to anybody."""
    quiet = {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_INPUT": "0"}
    left = {name: text for name, text in clean_environment().items() if not name.startswith("TF_")}
    return left | quiet | variables


@dataclass
class Module:
    """A copy of a module in which Terraform commands can be run."""

    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, seconds: float = 200) -> subprocess.CompletedProcess[str]:
        """Run a command, whatever it ends with."""
        return subprocess.run(
            [required("terraform"), f"-chdir={self.folder}", *arguments],
            env=environment(**self.variables),
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )

    def succeed(self, *arguments: str, seconds: float = 200) -> str:
        """Its standard output, if it went well."""
        done = self.run(*arguments, seconds=seconds)
        assert done.returncode == 0, f"{arguments}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
        return done.stdout

    def init(self, *arguments: str) -> Module:
        """Fetch the provider, from a mirror of this machine where there is one."""
        mirror = subprocess.run(
            [ROOT / "scripts" / "terraform_plugins.sh"],
            env=dict(os.environ),
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        plugins = [f"-plugin-dir={mirror}"] if mirror else []
        done = self.run("init", "-no-color", "-lockfile=readonly", *plugins, *arguments)
        unreachable = (
            "Failed to query available provider packages" in done.stderr
            or "Failed to install provider" in done.stderr
        )
        if unreachable and os.environ.get("CI") != "true":
            pytest.skip("the AWS provider cannot be fetched from here")
        assert done.returncode == 0, done.stdout + done.stderr
        return self


def copied(folder: Path, source: Path = SOURCE) -> Module:
    """The module in a folder of its own, so that nothing is left beside the original."""
    required("terraform")
    shutil.copytree(source, folder, ignore=_LEFT_OUT)
    return Module(folder)


@dataclass(frozen=True)
class State:
    """The resources of a state or of a `terraform show -json`."""

    resources: list[dict[str, Any]]
    outputs: dict[str, Any]

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> State:
        outputs = {name: out.get("value") for name, out in values.get("outputs", {}).items()}
        return cls(values["root_module"]["resources"], outputs)

    def of_type(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Address and values of every managed resource of a type."""
        for resource in self.resources:
            if resource["type"] == kind and resource["mode"] == "managed":
                yield resource["address"], resource["values"]

    def __getitem__(self, address: str) -> dict[str, Any]:
        return next(row["values"] for row in self.resources if row["address"] == address)

    def policy(self, address: str) -> list[dict[str, Any]]:
        """The statements of a resource's policy."""
        statements: list[dict[str, Any]] = json.loads(self[address]["policy"])["Statement"]
        return statements


def mocked(module: Module, name: str, *arguments: str) -> dict[str, State]:
    """Run one file of mocked tests; the state that each of its applies ended with, by its name."""
    output = module.run("test", "-json", "-verbose", f"-filter=tests/{name}", *arguments)
    messages = [json.loads(line) for line in output.stdout.splitlines()]
    complaints = [
        f"{line['diagnostic']['summary']}: {line['diagnostic'].get('detail', '')}"
        for line in messages
        if line["type"] == "diagnostic" and line["diagnostic"]["severity"] == "error"
    ]
    assert output.returncode == 0, "\n".join(complaints) or output.stderr
    assert messages[-1]["type"] == "test_summary"
    assert messages[-1]["test_summary"]["passed"] > 0
    return {
        line["@testrun"]: State.of(line["test_state"])
        for line in messages
        if line["type"] == "test_state"
    }


def actions(statements: list[dict[str, Any]]) -> set[str]:
    """Every action that the statements allow."""
    return {action for statement in statements for action in listed(statement["Action"])}


def listed(value: str | list[str]) -> list[str]:
    """What IAM lets be one or many, as many."""
    return [value] if isinstance(value, str) else value
