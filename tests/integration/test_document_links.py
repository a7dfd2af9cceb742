"""Every link between the documents leads somewhere: files, pictures, headings."""

from __future__ import annotations

import re

import pytest

from tests.helpers.documents import (
    anchor,
    anchors,
    broken,
    documents,
    links,
    text_of,
    without_blocks,
)


@pytest.mark.parametrize("document", documents())
def test_every_link_within_the_repository_resolves(document: str) -> None:
    assert [wrong for target in links(document) if (wrong := broken(document, target))] == []


def test_links_are_found() -> None:
    """The premise of the test above."""
    assert {"README.md", "ARCHITECTURE.md", "DEPLOYMENT.md", "docs/runbook.md"} <= set(documents())
    assert "docs/day.svg" in links("README.md")
    assert "DEPLOYMENT.md#from-observing-to-acting" in links("README.md")
    assert sum(len(links(document)) for document in documents()) > 60


@pytest.mark.parametrize(
    ("target", "wrong"),
    [
        ("docs/absent.md", "no such file"),
        ("DEPLOYMENT.md#nowhere", "no such heading"),
        ("#nowhere", "no such heading"),
        ("../outside.md", "no such file"),
        ("..", "out of the repository"),
    ],
)
def test_a_broken_link_is_told(target: str, wrong: str) -> None:
    told = broken("README.md", target)
    assert told is not None
    assert wrong in told


def test_anchors_are_made_as_github_makes_them() -> None:
    assert anchor("Day 0: what happens without a model") == "day-0-what-happens-without-a-model"
    assert anchor("`lambda_app`, and [why](x.md)") == "lambda_app-and-why"
    assert "whats-new" not in anchors("README.md")


def test_every_page_is_within_reach_of_the_readme() -> None:
    """Whoever begins there can get everywhere by clicking."""
    reached, waiting = {"README.md"}, ["README.md"]
    while waiting:
        document = waiting.pop()
        folder = document.rpartition("/")[0]
        for target in links(document):
            path = target.partition("#")[0]
            if path.endswith(".md"):
                parts: list[str] = []
                for part in f"{folder}/{path}".split("/"):
                    parts = parts[:-1] if part == ".." else [*parts, part] if part else parts
                name = "/".join(parts)
                if name not in reached:
                    reached.add(name)
                    waiting.append(name)
    assert reached == set(documents())


def test_the_glossary_is_in_alphabetical_order_and_has_each_word_once() -> None:
    words = re.findall(r"^\*\*([^*]+)\*\*", text_of("docs/glossary.md"), re.MULTILINE)
    assert len(words) > 40
    assert words == sorted(set(words), key=str.casefold)


def test_blocks_hide_what_looks_like_a_heading_or_a_link() -> None:
    """A comment in a shell block is no heading."""
    assert "terraform -chdir" in text_of("DEPLOYMENT.md")
    assert "terraform -chdir=terraform/bootstrap" not in without_blocks("DEPLOYMENT.md")
