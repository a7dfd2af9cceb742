from __future__ import annotations

import pytest

from scripts.mutants_report import changed_lines, read, report

RESULTS = """
    shop.till.x_pay__mutmut_1: killed
    shop.till.x_pay__mutmut_2: {second}
    shop.door.xǁDoorǁopen__mutmut_1: timeout
To show a mutant, ...
""".splitlines


def results(second: str, caught: int = 0) -> list[str]:
    more = [f"    shop.door.x_close__mutmut_{number}: killed" for number in range(caught)]
    return [line.format(second=second) for line in RESULTS()] + more


def test_each_module_has_its_figures(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(read(results("survived")), lambda name: "-    <\n+    <=") == 1
    said = capsys.readouterr().out
    assert "shop.till.x_pay__mutmut_2: survived\n-    <\n+    <=\n" in said
    assert "x_pay__mutmut_1" not in said
    assert said.endswith(
        "mutants: shop.till: 1 of 2 caught (50.0 %)\n"
        "mutants: shop.door: 1 of 1 caught (100.0 %)\n"
        "mutants: all: 2 of 3 caught (66.7 %)\n"
    )


@pytest.mark.parametrize(
    ("second", "caught", "code"),
    [
        ("killed", 0, 0),
        ("survived", 7, 0),  # nine of ten
        ("survived", 6, 1),
        ("no tests", 6, 1),  # nobody looked, so nobody would notice
        ("segfault", 0, 0),
        ("not checked", 97, 2),
        ("skipped", 97, 2),
    ],
)
def test_fewer_than_nine_of_ten_fail_and_so_does_what_was_never_judged(
    second: str, caught: int, code: int
) -> None:
    assert report(read(results(second, caught)), lambda name: "") == code


def test_without_a_single_mutant_something_is_wrong() -> None:
    assert report(read(["Could not find any mutants"]), lambda name: "") == 2


def test_of_a_diff_only_what_changes_is_shown() -> None:
    diff = (
        "# x: survived\n--- a.py\n+++ a.py\n@@ -1,2 +1,2 @@\n def x():\n-    a < b\n+    a <= b\n"
    )
    assert changed_lines(diff) == "-    a < b\n+    a <= b"
