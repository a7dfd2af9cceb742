"""The file of variables: what is written can be read back, and what was changed is noticed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictive_autoscaler.deployment.answers import Answers
from predictive_autoscaler.deployment.tfvars import (
    found_in,
    is_untouched,
    replace_file,
    variables_in,
    written,
)

FULL = Answers(
    environment="prod",
    region="eu-central-1",
    state_bucket="state",
    email="me@example.com",
    domain="shop.example.com",
    certificate_arn="arn:aws:acm:x",
    hosted_zone_id="Z1",
    timezone="Europe/Berlin",
)


def test_all_is_read_back() -> None:
    assert Answers(**found_in(written(FULL))) == FULL


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Zl", "Zp", "Cc"]), min_size=1))
def test_any_text_is_read_back(email: str) -> None:
    assert found_in(written(FULL.with_answer("email", email)))["email"] == email


def test_what_is_left_out_is_not_written() -> None:
    text = written(Answers(state_bucket="state"))
    assert variables_in(text) == {"aws_region"}
    assert variables_in(written(FULL)) == {
        *("aws_region", "alarms", "controller"),
        *("domain", "certificate_arn", "hosted_zone_id"),
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("eu-central-1", "eu-central-2"),
        ("# environment: prod", "# environment: dev"),
        ("}\n", "}\nmax_retries = 1\n"),
        ("# checksum: ", "# checksum: 0"),
    ],
)
def test_each_change_by_hand_is_noticed(old: str, new: str) -> None:
    text = written(FULL)
    assert is_untouched(text)
    assert old in text
    assert not is_untouched(text.replace(old, new, 1))


def test_line_ends_of_windows_are_no_change(tmp_path: Path) -> None:
    path = tmp_path / "terraform.tfvars"
    path.write_text(written(FULL), newline="\r\n")
    assert b"\r\n" in path.read_bytes()
    assert is_untouched(path.read_text())
    assert not is_untouched("")


def test_values_are_found_in_a_file_by_hand_and_remarks_are_no_values() -> None:
    text = '# email = "no@example.com"\nalarms = {\n\temail="a@example.com" # mine\n}\n'
    assert found_in(text) == {"email": "a@example.com"}


def test_a_file_is_replaced_in_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "terraform.tfvars"
    replace_file(path, "first\n")
    assert path.read_bytes() == b"first\n"

    def broken(self: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", broken)
    with pytest.raises(KeyboardInterrupt):
        replace_file(path, "second\n")
    assert path.read_bytes() == b"first\n"
    assert list(tmp_path.iterdir()) == [path]
