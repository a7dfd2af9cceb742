"""Read mutmut's results: say how many mutants of each file were caught, and show the survivors.

    mutmut results --all true | python scripts/mutants_report.py path/to/mutmut

Exit code 1 if fewer than 90 % were caught, 2 if some were never judged or there are none.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass

LEAST_SHARE = 0.9
CAUGHT = frozenset({"killed", "timeout", "segfault"})
"""Tests that fail, never end or bring Python down have noticed."""
JUDGED = CAUGHT | {"survived", "no tests", "suspicious"}
"""What nothing tested counts against the tests like what survived them."""
RESULT = re.compile(r"\s*(?P<name>(?P<module>\S+)\.\S+__mutmut_\d+): (?P<status>.+?)\s*")


@dataclass(frozen=True)
class Mutant:
    """One changed copy of the code, and what the tests made of it."""

    name: str
    module: str
    status: str

    @property
    def caught(self) -> bool:
        return self.status in CAUGHT


def read(lines: Iterable[str]) -> list[Mutant]:
    """The mutants among the lines of `mutmut results`."""
    matches = filter(None, map(RESULT.fullmatch, lines))
    return [Mutant(match["name"], match["module"], match["status"]) for match in matches]


def report(mutants: list[Mutant], show: Callable[[str], str]) -> int:
    """Print the figures per module and each survivor's change; the exit code."""
    unjudged = [mutant for mutant in mutants if mutant.status not in JUDGED]
    for mutant in mutants:
        if not mutant.caught:
            print(f"\n{mutant.name}: {mutant.status}\n{show(mutant.name)}")
    print()
    for module in dict.fromkeys(mutant.module for mutant in mutants):
        print(figures(module, [mutant for mutant in mutants if mutant.module == module]))
    print(figures("all", mutants))
    if unjudged or not mutants:
        print(f"mutants: {len(unjudged)} of {len(mutants)} were never judged", file=sys.stderr)
        return 2
    return 0 if sum(mutant.caught for mutant in mutants) >= LEAST_SHARE * len(mutants) else 1


def figures(what: str, mutants: list[Mutant]) -> str:
    """How many were caught, in one line."""
    caught, total = sum(mutant.caught for mutant in mutants), len(mutants)
    share = f" ({100 * caught / total:.1f} %)" if total else ""
    return f"mutants: {what}: {caught} of {total} caught{share}"


def changed_lines(diff: str) -> str:
    """Of a diff, the lines that go and come."""
    lines = diff.splitlines()
    return "\n".join(line for line in lines if re.match(r"[-+](?!--|\+\+)", line))


def main(arguments: list[str]) -> int:
    """Report on the results on standard input."""
    mutmut = arguments[0]

    def show(name: str) -> str:
        shown = subprocess.run([mutmut, "show", name], capture_output=True, text=True, check=False)
        return changed_lines(shown.stdout)

    return report(read(sys.stdin), show)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
