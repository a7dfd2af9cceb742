"""Which versions will do, and what is said about the others."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata

import pytest

from predictive_autoscaler.deployment import tools


@pytest.mark.parametrize(
    ("said", "name", "fine"),
    [
        (None, "Terraform", False),
        ("Segmentation fault", "Terraform", False),
        ('{"terraform_version": "1.9.8"}', "Terraform 1.9.8", False),
        ('{"terraform_version": "1.11.0"}', "Terraform 1.11.0", True),
        ('{"terraform_version": "2.0.0-beta1"}', "Terraform 2.0.0-beta1", True),
    ],
)
def test_terraform(
    monkeypatch: pytest.MonkeyPatch, said: str | None, name: str, fine: bool
) -> None:
    monkeypatch.setattr(tools, "_said", lambda words: said)
    found = tools.terraform()
    assert (found.name, found.fine, found.needed) == (name, fine, True)
    assert ("1.11 or newer is needed" in found.line()) != fine


def test_what_is_only_useful_is_told_and_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "_said", lambda words: None)
    found = tools.look_for_tools(building=False)
    assert {one.name for one in found if one.needed and not one.fine} == {"Terraform"}
    lines = [one.line() for one in found if not one.needed]
    assert len(lines) == 3
    assert all(line.startswith("  not here ") for line in lines)


def test_pip_is_looked_for_where_something_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", absent)
    monkeypatch.setattr(tools, "_said", lambda words: None)
    assert not tools.pip().fine
    for building in (True, False):
        names = [one.name for one in tools.look_for_tools(building=building)]
        assert ("pip" in names) == building


def test_versions_are_those_that_programs_print(monkeypatch: pytest.MonkeyPatch) -> None:
    def said(words: Sequence[str]) -> str:
        return "aws-cli/2.27.1 Python/3.13.2 Linux\n"

    monkeypatch.setattr(tools, "_said", said)
    assert tools.program("aws", "AWS command line", "x").name == "AWS command line 2.27.1"


def test_a_program_that_is_not_there_or_fails_says_nothing() -> None:
    assert tools.program("no-such-program-here", "It", "later").fine is False
    assert tools.program("false", "It", "later").fine is False
