"""What runs in production unpickles nothing, evaluates nothing, and starts no other program."""

from __future__ import annotations

import ast
import pkgutil
import re
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from scripts.build_lambda import place_of, serving_part
from tests.faults.first_days import AGES, Age, first_night
from tests.helpers.commands import ROOT

FORBIDDEN_MODULES = {
    *("pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "dbm"),
    *("subprocess", "pty", "ctypes", "runpy", "code", "codeop", "importlib", "imp", "pip"),
    *("urllib.request", "http", "socket", "ftplib", "requests", "urllib3", "multiprocessing"),
}
"""What unpickles, starts programs, runs text as code, or fetches without boto3."""
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "open_new", "breakpoint"}
FORBIDDEN_ATTRIBUTES = {
    "os": ("system", "popen", "exec", "spawn", "posix_spawn", "fork"),
}
LOCKS = ("requirements/dev.txt", "lambda/requirements.txt", "ml-model/requirements.txt")
PINNED = re.compile(r"^[A-Za-z0-9._\[\]-]+==[^ ]+( ;.*)? \\$")
HASHED = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")


def offences(source: str) -> Iterator[str]:
    """What a module does that it must not, one text each."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        else:
            names = []
        for name in names:
            if any(f"{name}.".startswith(f"{one}.") for one in FORBIDDEN_MODULES):
                yield f"imports {name}"
        if isinstance(node, ast.Call):
            yield from _of_call(node)


def _of_call(node: ast.Call) -> Iterator[str]:
    called = ast.unparse(node.func)
    if called in FORBIDDEN_CALLS:
        yield f"calls {called}"
    module, _, name = called.rpartition(".")
    if name.startswith(FORBIDDEN_ATTRIBUTES.get(module, ("\0",))):
        yield f"calls {called}"
    if called in ("np.load", "numpy.load") and not any(
        keyword.arg == "allow_pickle" and ast.unparse(keyword.value) == "False"
        for keyword in node.keywords
    ):
        yield "loads arrays without allow_pickle=False"
    if any(keyword.arg == "shell" for keyword in node.keywords):
        yield "asks for a shell"


def test_the_serving_path_is_clean() -> None:
    modules = serving_part().modules
    assert len(modules) > 50
    found = {name: list(offences(path.read_text())) for name, path in modules.items()}
    assert {name: what for name, what in found.items() if what} == {}


def test_somewhere_an_array_is_loaded() -> None:
    """Else the rule on np.load would hold of nothing."""
    sources = [path.read_text() for path in serving_part().modules.values()]
    assert any("np.load(" in source for source in sources)


@pytest.fixture
def numpy_of_the_zip(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Numpy without the folders that the zip leaves out, which are the answer."""
    folders = [module.name for module in pkgutil.iter_modules(np.__path__) if module.ispkg]
    left_out = [name for name in folders if place_of(f"numpy/{name}/__init__.py") is None]
    for name in left_out:
        monkeypatch.delattr(np, name, raising=False)
        monkeypatch.setitem(sys.modules, f"numpy.{name}", None)
    return left_out


def test_the_zip_lacks_folders_of_numpy(numpy_of_the_zip: list[str]) -> None:
    assert "random" in numpy_of_the_zip
    with pytest.raises(ImportError):
        np.random.default_rng(1)


@pytest.mark.parametrize("age", AGES, ids=lambda age: age.words)
def test_no_tick_asks_for_them(age: Age, request: pytest.FixtureRequest) -> None:
    """Numpy's own functions may: only a run shows it."""
    first_night(age)  # with all of numpy: makes the traffic and the model, which are kept
    request.getfixturevalue("numpy_of_the_zip")
    for part in first_night.__wrapped__(age):
        assert part["outcome"]["status"] in ("applied", "unchanged"), part["outcome"]


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "def f():\n    import subprocess",
        "import urllib.request",
        "eval('1')",
        "exec('a = 1')",
        "__import__('os')",
        "import os\nos.system('true')",
        "import os\nos.execvp('true', [])",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=flag)",
        "run('true', shell=True)",
    ],
)
def test_each_rule_bites(source: str) -> None:
    assert list(offences(source))


def test_what_is_allowed_passes() -> None:
    source = "import re\nre.compile('a')\nnp.load(path, allow_pickle=False)\n"
    assert list(offences(source)) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_pin_every_package_with_its_hashes(lock: str) -> None:
    text = (ROOT / lock).read_text()
    lines = [line for line in text.splitlines() if line.strip() and not is_comment(line)]
    assert lines
    strange = [line for line in lines if not (PINNED.match(line) or HASHED.match(line))]
    assert strange == []
    for package, follows in zip(lines, [*lines[1:], ""], strict=True):
        assert not PINNED.match(package) or HASHED.match(follows), package


def is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")
