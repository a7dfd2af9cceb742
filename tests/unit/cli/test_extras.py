"""A command that needs more than was installed says what, and how to get it."""

from __future__ import annotations

import re
import sys
import tomllib

import pytest
import typer

import predictive_autoscaler.cli as cli
from predictive_autoscaler.cli.extras import LIBRARIES, lacking
from tests.helpers.commands import ROOT

MODULES = {"scikit-learn": "sklearn", "graphql-core": "graphql"}


def test_every_library_of_an_extra_is_known() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    assert LIBRARIES.keys() == extras.keys() - {"dev"}
    for extra, modules in LIBRARIES.items():
        names = {re.split(r"[^\w-]", requirement)[0] for requirement in extras[extra]}
        wanted = {MODULES.get(name, name) for name in names - {project["name"]}}
        assert wanted <= set(modules), extra


def test_a_module_of_nobodys_is_a_fault_of_ours() -> None:
    assert lacking(ModuleNotFoundError("no", name="numpy")) is None
    assert lacking(ModuleNotFoundError("no")) is None


def test_the_command_line_tells_it_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    application = typer.Typer()

    @application.command()
    def learn() -> None:
        import sklearn.ensemble  # noqa: F401

    monkeypatch.setattr(cli, "app", application)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(SystemExit) as ended:
        cli.main([])
    assert ended.value.code == 1
    assert capsys.readouterr().err == (
        "error: sklearn is not installed; it belongs to the extra 'train'. From the repository's "
        "folder: pip install '.[train]', or '.[lab,load]' for every command\n"
    )
