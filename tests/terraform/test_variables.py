"""Wrong values are refused. Beside variables.tf alone: a plan without resources takes no time."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tests.helpers.terraform import SOURCE, Module, required

REFUSALS = SOURCE / "tests" / "variables" / "refusals.tftest.hcl"
VARIABLES = SOURCE / "variables.tf"


def test_every_wrong_value_is_refused(tmp_path: Path) -> None:
    required("terraform")
    (tmp_path / "tests").mkdir()
    shutil.copy(VARIABLES, tmp_path)
    shutil.copy(REFUSALS, tmp_path / "tests")
    module = Module(tmp_path)
    module.succeed("init", "-no-color")
    assert "0 failed" in module.succeed("test", "-no-color")


def test_every_variable_is_typed_and_described_and_its_validations_are_tried() -> None:
    """There are as many wrong values for a variable as it has validations."""
    tries = REFUSALS.read_text()
    for name, body in re.findall(
        r'^variable "(\w+)" {\n(.*?)^}$', VARIABLES.read_text(), re.MULTILINE | re.DOTALL
    ):
        assert re.search(r"^  type\s+= ", body, re.MULTILINE), name
        assert re.search(r'^  description\s+= "[A-Z].*[.]"$', body, re.MULTILINE), name
        validations = len(re.findall(r"^  validation {$", body, re.MULTILINE))
        assert len(re.findall(rf"\bvar\.{name}\b", tries)) >= validations, name


def test_only_switches_and_tags_take_any_value() -> None:
    text = VARIABLES.read_text()
    unchecked = {
        name
        for name, body in re.findall(
            r'^variable "(\w+)" {\n(.*?)^}$', text, re.MULTILINE | re.DOTALL
        )
        if "validation {" not in body
    }
    assert unchecked == {"allow_destroy", "tags"}
