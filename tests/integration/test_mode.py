"""`mode` against the simulated AWS: what it shows, what it changes, what it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from predictive_autoscaler.adapters.stores.keys import decision_key
from predictive_autoscaler.core.timegrid import floor_to
from predictive_autoscaler.core.trial import Tally, Trial
from predictive_autoscaler.core.types import Json, utc_text
from predictive_autoscaler.demo.local_aws import BUCKET, GROUP, LocalAws, local_aws, pointed_at
from tests.helpers.commands import Command, call, clean_environment, complaint, json_of, succeeded
from tests.unit.core.builders import metrics, state

DAY = timedelta(days=1)
ORDINARY = {(f"{GROUP}-cpu", 70.0, True), (f"{GROUP}-requests", 1000.0, True)}
AS_NETS = {(f"{GROUP}-cpu", 85.0, False), (f"{GROUP}-requests", 240.0, False)}
GOOD = (Tally(900.0, 500.0), Tally(1000.0, 600.0))
BAD = (Tally(1100.0, 900.0), Tally(1000.0, 600.0))


@pytest.fixture
def aws() -> Iterator[LocalAws]:
    with local_aws(1, 10, 2) as made:
        yield made


@pytest.fixture
def command(
    aws: LocalAws, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Command:
    environment = clean_environment(
        **aws.environment,
        S3_BUCKET=BUCKET,
        ASG_NAME=GROUP,
        LOAD_BALANCER=aws.load_balancer,
        AUTOSCALER_CAPACITY_PER_INSTANCE="1000",
        AUTOSCALER_INSTANCE_HOUR_PRICE="0.05",
    )
    return partial(call, capfd, monkeypatch, "mode", env=environment)


def policies(aws: LocalAws) -> set[tuple[str, float, bool]]:
    with pointed_at(aws.environment):
        answer = aws.client("autoscaling").describe_policies(AutoScalingGroupName=GROUP)
    return {
        (
            policy["PolicyName"],
            policy["TargetTrackingConfiguration"]["TargetValue"],
            not policy["TargetTrackingConfiguration"]["DisableScaleIn"],
        )
        for policy in answer["ScalingPolicies"]
    }


def said(aws: LocalAws) -> Any:
    """What control/GROUP.json holds."""
    answer = aws.client("s3").get_object(Bucket=BUCKET, Key=f"control/{GROUP}.json")
    return json.loads(answer["Body"].read())


def observed(aws: LocalAws, ours: Tally, theirs: Tally, mode: str = "observe") -> str:
    """A week of observing, in the newest record. Returns its slot."""
    slot = floor_to(datetime.now(UTC), timedelta(minutes=5))
    trial = Trial(True, slot - 7 * DAY, slot, 1e6, ours, theirs)
    carried = replace(state(metrics([100.0, 110.0]), 2), trial=trial, capacity_per_instance=1000.0)
    entry: Json = {"mode": mode, "decision": None, "state": carried.to_json()}
    record = {"schema": 1, "slot": utc_text(slot), "groups": {GROUP: entry}}
    body = json.dumps(record).encode()
    aws.client("s3").put_object(Bucket=BUCKET, Key=decision_key(slot), Body=body)
    return utc_text(slot)


def test_there_and_back(aws: LocalAws, command: Command) -> None:
    assert policies(aws) == ORDINARY
    there = succeeded(command("full", "--yes")).splitlines()
    assert policies(aws) == AS_NETS
    assert said(aws)["mode"] == "full"
    assert there[-1] == "mode: full"
    assert len(there) == 3
    again = succeeded(command(GROUP, "full"))  # Nobody needs to agree once more.
    assert again.splitlines() == ["policies: as mode full has them", "mode: full already"]
    back = json_of(command(GROUP, "observe", "--json"))
    assert policies(aws) == ORDINARY
    assert said(aws)["mode"] == "observe"
    assert (back["before"], back["mode"], back["said"], back["wrong"]) == (
        "full",
        "observe",
        True,
        [],
    )
    assert [step.partition(":")[0] for step in back["steps"]] == [
        f"{GROUP}-requests",
        f"{GROUP}-cpu",
        "mode",
    ]


def test_it_shows_mode_policies_and_evidence_and_changes_nothing(
    aws: LocalAws, command: Command
) -> None:
    told = " ".join(succeeded(command()).split())
    assert f"{GROUP}: mode observe, by its settings" in told
    assert f"{GROUP}-cpu" in told
    assert "There is no decision to take figures from." in told
    slot = observed(aws, *GOOD)
    told = " ".join(succeeded(command(GROUP)).split())
    assert "In 7.0 days of observing, acting would have taken 900.0 instance-hours" in told
    assert "That is 5.00 USD less." in told
    assert "By these figures acting is worth it." in told
    shown = json_of(command("--json"))
    assert shown["slot"] == slot
    assert shown["trial"]["worth_it"] is True
    assert shown["trial"]["saved_usd"] == pytest.approx(5.0)
    assert {(net["policy"], net["target"], net["scale_in"]) for net in shown["policies"]} == (
        ORDINARY
    )
    assert policies(aws) == ORDINARY


def test_what_does_not_agree_is_shown(aws: LocalAws, command: Command) -> None:
    succeeded(command("full", "--yes"))
    with pointed_at(aws.environment):
        aws.client("s3").delete_object(Bucket=BUCKET, Key=f"control/{GROUP}.json")
    told = " ".join(succeeded(command()).split())
    assert f"The next tick sets {GROUP}-cpu: from 85 % CPU without scale-in to 70 % CPU" in told


def test_acting_without_evidence_takes_a_yes(aws: LocalAws, command: Command) -> None:
    doubt = complaint(command("full"), code=2)
    assert f"nobody has observed {GROUP!r} yet" in doubt
    assert "Give --yes to act nevertheless." in doubt
    observed(aws, *BAD)
    doubt = complaint(command("full"), code=2)
    assert "observing has not shown that acting is worth it" in doubt
    assert "1,100.0 instance-hours" in doubt
    assert policies(aws) == ORDINARY
    observed(aws, *GOOD)
    succeeded(command("full"))
    assert policies(aws) == AS_NETS


@pytest.mark.parametrize("words", [("full", "observe", "off"), (GROUP, "fully"), ("a", "b", "off")])
def test_words_that_make_no_sense_are_refused(
    aws: LocalAws, command: Command, words: tuple[str, ...]
) -> None:
    told = complaint(command(*words), code=2)
    assert f"{' '.join(words)!r} is not understood" in told
    assert "off, observe, full" in told
    assert policies(aws) == ORDINARY


def test_another_group_is_meant_by_its_name(command: Command) -> None:
    told = complaint(command("fully"))
    assert "there is no group 'fully'" in told
    assert told.endswith("if a mode was meant, it is full")
    assert "mode was meant" not in complaint(command("shopping"))


def test_a_damaged_control_file_does_not_keep_the_group_from_being_given_back(
    aws: LocalAws, command: Command
) -> None:
    succeeded(command("full", "--yes"))
    observed(aws, *GOOD, mode="full")
    s3 = aws.client("s3")
    s3.put_object(Bucket=BUCKET, Key=f"control/{GROUP}.json", Body=b"{bad")
    shown = command()
    assert f"{GROUP}: mode full, as the controller holds it" in " ".join(shown.stdout.split())
    assert "not JSON" in complaint(shown)
    assert policies(aws) == AS_NETS
    back = succeeded(command("observe")).splitlines()
    assert back[0].startswith(f"control/{GROUP}.json: not JSON")
    assert back[0].endswith("it is written anew")
    assert policies(aws) == ORDINARY
    assert said(aws) == {"mode": "observe", "calendar": []}
    told, _, kept = back[-1].removesuffix(": enter it anew").rpartition(" ")
    assert told.startswith("calendar: empty now")
    assert s3.get_object(Bucket=BUCKET, Key=kept)["Body"].read() == b"{bad"
    assert "mode observe" in succeeded(command())
