"""What the quick start takes, Terraform takes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from predictive_autoscaler.deployment.answers import (
    IN_TFVARS,
    REGION,
    STATE_BUCKET,
    Answers,
    check,
    questions,
)
from predictive_autoscaler.errors import UsageError
from tests.helpers.terraform import SOURCE

VARIABLES = (SOURCE / "variables.tf").read_text()
ENVIRONMENTS = ("dev", "prod")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *((name, VARIABLES) for name in ("email", "timezone", "domain", "region")),
        ("state_bucket", (SOURCE / "bootstrap" / "main.tf").read_text()),
    ],
)
def test_the_patterns_are_those_of_the_variables(name: str, text: str) -> None:
    (question,) = (one for one in (REGION, STATE_BUCKET, *IN_TFVARS) if one.name == name)
    escaped = question.pattern.replace("\\", "\\\\")
    assert f'regex("^{escaped}$"' in text


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("environment", "prod", "production"),
        ("region", "us-gov-west-1", "eu-central"),
        ("state_bucket", "my-state", "my_state"),
        ("email", "a@b", "a@b\n"),
        ("timezone", "America/Argentina/Buenos_Aires", "Europe/"),
        ("domain", "shop.example.com", "shop"),
        ("certificate_arn", "arn:aws-cn:acm:x:1:certificate/2", "arn:aws:iam::1:x"),
        ("hosted_zone_id", "Z0123", "/hostedzone/Z0123"),
    ],
)
def test_good_and_bad_answers(name: str, good: str, bad: str) -> None:
    (question,) = (one for one in questions(ENVIRONMENTS) if one.name == name)
    assert question.complaint(good) is None
    told = question.complaint(bad)
    assert told == f"{question.setting} is {bad!r}; allowed is {question.allowed}"


def test_where_no_zones_are_known_their_form_decides() -> None:
    """As on a machine without a database of them."""
    (zone,) = (one for one in IN_TFVARS if one.name == "timezone")
    assert zone.complaint("Mars/X") is not None
    anywhere = replace(zone, known=frozenset)
    assert anywhere.complaint("Mars/X") is None
    assert anywhere.complaint("Mars/") is not None


def test_what_may_be_left_out() -> None:
    optional = {one.name for one in questions(ENVIRONMENTS) if one.complaint("") is None}
    assert optional == {"email", "domain", "certificate_arn", "hosted_zone_id"}


def test_a_record_needs_a_name() -> None:
    said = Answers(state_bucket="abc", hosted_zone_id="Z1")
    with pytest.raises(UsageError, match="hosted_zone_id is 'Z1', and needs a domain"):
        check(said, questions(ENVIRONMENTS))
    check(said.with_answer("domain", "example.com"), questions(ENVIRONMENTS))


def test_the_defaults_are_good_answers_but_for_the_bucket() -> None:
    wrong = [
        one.name
        for one in questions(ENVIRONMENTS)
        if one.complaint(Answers().of(one.name)) is not None
    ]
    assert wrong == ["state_bucket"]
