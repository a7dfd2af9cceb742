"""What stands in the Markdown files: headings, links, blocks of commands."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from urllib.parse import unquote

from tests.helpers.commands import ROOT

FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)(?: \"[^\"]*\")?\)")
HEADING = re.compile(r"^#{1,6} +(?P<text>.*?) *#*$", re.MULTILINE)
SHELL = ("sh", "bash")
RUNBOOK = "docs/runbook.md"
MADE = ("out", "mutants", "dist", "build", "htmlcov", "traces")
"""Folders that commands make."""
NO_ENTRIES = {"Messages that are no alarms"}
ELSEWHERE = ("http://", "https://", "mailto:")


@dataclass(frozen=True)
class Block:
    """A fenced block of a document, without its indentation."""

    document: str
    language: str
    text: str

    @property
    def commands(self) -> list[str]:
        """What the reader is told to type, a line each: joined, without comments."""
        joined = self.text.replace("\\\n", " ")
        typed = (re.split(r"(?:^|\s+)#\s", line)[0] for line in joined.splitlines())
        return [" ".join(line.split()) for line in typed if line.strip()]


@cache
def documents() -> tuple[str, ...]:
    """Every Markdown file of the repository, by its path from the root."""
    folders = (path for path in ROOT.iterdir() if path.is_dir())
    ours = [path for path in folders if not path.name.startswith(".") and path.name not in MADE]
    found = [*ROOT.glob("*.md"), *(path for folder in ours for path in folder.rglob("*.md"))]
    return tuple(sorted(path.relative_to(ROOT).as_posix() for path in found))


@cache
def text_of(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def without_blocks(document: str) -> str:
    """The prose: what stands in a block is neither heading nor link."""
    return FENCE.sub("", text_of(document))


def blocks(document: str, languages: tuple[str, ...] = SHELL) -> Iterator[Block]:
    """The fenced blocks of these languages, in order."""
    for found in FENCE.finditer(text_of(document)):
        if found["language"] in languages:
            yield Block(document, found["language"], textwrap.dedent(found["text"]))


def shell_commands(document: str) -> list[str]:
    """Every command of a document, in order."""
    return [command for block in blocks(document) for command in block.commands]


def anchor(heading: str) -> str:
    """As GitHub makes them: small letters, hyphens for spaces, without punctuation."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


@cache
def anchors(document: str) -> frozenset[str]:
    """The anchors of a document's headings; of equal ones, the later have a number."""
    seen: Counter[str] = Counter()
    made = set()
    for heading in HEADING.finditer(without_blocks(document)):
        name = anchor(heading["text"])
        made.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return frozenset(made)


def links(document: str) -> list[str]:
    """The targets of all links and pictures that lead to this repository."""
    targets = (found["target"] for found in LINK.finditer(without_blocks(document)))
    return [target for target in targets if not target.startswith(ELSEWHERE)]


def broken(document: str, target: str) -> str | None:
    """What is wrong with a link, if anything."""
    path, _, fragment = unquote(target).partition("#")
    found = (ROOT / document).parent / path if path else ROOT / document
    if not found.exists():
        return f"{document}: {target}: there is no such file"
    if not found.resolve().is_relative_to(ROOT):
        return f"{document}: {target}: leads out of the repository"
    if fragment and fragment not in anchors(str(found.resolve().relative_to(ROOT))):
        return f"{document}: {target}: there is no such heading"
    return None


def section(document: str, heading: str) -> str:
    """The text below a heading, up to the next one of the same level."""
    level, _ = heading.split(" ", 1)
    text = text_of(document)
    begin = text.index(f"{heading}\n") + len(heading)
    end = re.search(rf"^{level} ", text[begin:], re.MULTILINE)
    return text[begin : begin + end.start()] if end else text[begin:]


def runbook_entries() -> list[str]:
    """The alarms that the runbook is about, in its order."""
    headings = re.findall(r"^## (.*)$", text_of(RUNBOOK), re.MULTILINE)
    return [heading for heading in headings if heading not in NO_ENTRIES]
