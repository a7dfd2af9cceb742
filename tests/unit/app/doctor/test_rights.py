from __future__ import annotations

import tomllib

from predictive_autoscaler.app.doctor.rights import of_an_operator, of_the_role
from tests.helpers.commands import ROOT
from tests.helpers.doctor import BUCKET, GROUP_ARN, TOPIC

OPERATIONS = ROOT / "tests" / "terraform" / "operations.toml"
"""What two ticks were recorded to do; Terraform's policy is held to it as well."""


def test_the_role_is_asked_for_all_that_a_tick_does() -> None:
    recorded = tomllib.loads(OPERATIONS.read_text())["recorded"]
    needed = {action for actions in recorded.values() for action in actions}
    rights = of_the_role(GROUP_ARN, BUCKET, TOPIC)
    # Which key it is that bucket and topic stand under is not known here.
    assert {right.action for right in rights} == {
        action for action in needed if not action.startswith("kms:")
    }
    assert "sns:Publish" not in {right.action for right in of_the_role(GROUP_ARN, BUCKET, None)}


def test_resources_are_in_the_groups_partition() -> None:
    abroad = GROUP_ARN.replace("arn:aws:", "arn:aws-cn:")
    buckets = {
        right.resource.partition("/")[0]
        for right in [*of_an_operator(abroad, BUCKET), *of_the_role(abroad, BUCKET, None)]
        if right.action.startswith("s3:")
    }
    assert buckets == {f"arn:aws-cn:s3:::{BUCKET}"}
