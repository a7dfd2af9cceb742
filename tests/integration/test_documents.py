"""What is under version control says what to do first, and nothing about where it was made."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.helpers.commands import ROOT

INDEX_OPTION = re.compile(r"(index-url|find-links)[= ]+[\"']?(https?|file)://")
INDEX_ADDRESS = re.compile(r"https?://[^\s\"'<>)]*/simple\b|files\.pythonhosted\.org")


def code_blocks(markdown: str) -> Iterator[str]:
    """The contents of the fenced blocks, in order."""
    for block in re.finditer(r"^```[^\n]*\n(.*?)^```", markdown, re.MULTILINE | re.DOTALL):
        yield block[1]


def commands(markdown: str) -> list[str]:
    """What the reader is told to type, line by line, without prompts and comments."""
    lines = (line.strip() for block in code_blocks(markdown) for line in block.splitlines())
    typed = (line.removeprefix("$ ").split("  #")[0].split(" #")[0].strip() for line in lines)
    return [line for line in typed if line and not line.startswith("#")]


@cache
def files() -> tuple[Path, ...]:
    """All that is or would be committed."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    paths = (ROOT / name for name in listed.split("\0") if name)
    return tuple(path for path in paths if path.is_file())


def offenders(wrong: re.Pattern[str], suffix: str = "") -> list[str]:
    """Lines of the files that have something wrong in them."""
    found = []
    for path in files():
        if path.suffix.endswith(suffix):
            lines = path.read_text(errors="replace").splitlines()
            found += [
                f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}"
                for number, line in enumerate(lines, 1)
                if wrong.search(line)
            ]
    return found


def test_the_readme_begins_with_the_demonstration_and_the_tests() -> None:
    """Nothing else is to be done before: no set-up, no account."""
    typed = commands((ROOT / "README.md").read_text())
    assert typed[:2] == ["make demo", "make test"]


def test_the_commands_of_a_document_are_found() -> None:
    """The premise of the test above."""
    assert commands(
        "text\n```sh\n# first\n$ make demo  # a minute\n\n```\n```\nmake test\n```\n"
    ) == [
        "make demo",
        "make test",
    ]


def test_git_knows_of_the_files() -> None:
    """The premise of the tests below."""
    assert {ROOT / "README.md", ROOT / "pyproject.toml", Path(__file__)} <= set(files())


def test_no_file_holds_a_path_of_this_machine() -> None:
    """Whoever clones this has other folders."""
    here = {ROOT, Path.home(), Path(sys.executable).parent.parent}
    places = sorted(f"{path}/" for path in here if len(path.parts) > 2)
    assert places
    wrong = re.compile("|".join(map(re.escape, places)) + f"|{re.escape(str(ROOT))}$")
    assert offenders(wrong) == []


def test_no_file_names_a_package_index() -> None:
    """Locks hold versions and hashes; where packages come from is up to whoever installs."""
    assert offenders(INDEX_OPTION) == []
    assert [line for line in offenders(INDEX_ADDRESS) if Path(__file__).name not in line] == []


def test_no_file_names_the_index_in_use_here() -> None:
    configured = [
        os.environ.get(name, "")
        for name in ("PIP_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "PIP_EXTRA_INDEX_URL")
    ]
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    configured += re.findall(r"'(https?://[^']+)'", listed)
    hosts = {urlsplit(address).hostname for address in configured if address}
    named = sorted(host for host in hosts if host and host not in ("pypi.org", "127.0.0.1"))
    if not named:
        pytest.skip("packages come from the public index here")
    assert offenders(re.compile("|".join(map(re.escape, named)))) == []


def test_no_document_sends_the_reader_to_a_folder_that_is_not_theirs() -> None:
    assert offenders(re.compile(re.escape("../" + "shared")), suffix=".md") == []
