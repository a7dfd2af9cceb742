"""The files of the locust folder that do not import Locust."""

from __future__ import annotations

import importlib.util
from types import ModuleType

from tests.helpers.commands import ROOT


def locust_file(name: str) -> ModuleType:
    """A module of that folder, which is no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "locust" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
