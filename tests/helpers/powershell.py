"""PowerShell scripts, which nothing here can run: whether they can be parsed."""

from __future__ import annotations

from pathlib import Path

import tree_sitter_powershell
from tree_sitter import Language, Parser


def parsed(path: Path) -> bytes:
    """The script's text, once it has been parsed, and the same text spoilt has not."""
    text = path.read_bytes()
    parser = Parser(Language(tree_sitter_powershell.language()))
    assert not parser.parse(text).root_node.has_error
    assert parser.parse(text + b"\nif (").root_node.has_error
    return text
