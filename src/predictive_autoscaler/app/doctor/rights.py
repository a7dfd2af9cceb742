"""Which IAM actions who needs, on which resources."""

from __future__ import annotations

from collections.abc import Iterator

from predictive_autoscaler.core.surroundings import Right

READS_OF_ALL = (
    "autoscaling:DescribeAutoScalingGroups",
    "autoscaling:DescribePolicies",
    "autoscaling:DescribeScalingActivities",
    "cloudwatch:GetMetricData",
)
"""They know no resources."""
PUBLISH_METRICS = "cloudwatch:PutMetricData"
"""Limited by its namespace instead of by a resource."""
CHANGES = ("autoscaling:PutScalingPolicy", "autoscaling:SetDesiredCapacity")
READ_FOLDERS = ("control", "decisions", "history", "models", "published")
WRITTEN_FOLDERS = ("control", "decisions", "history")
PUBLISHED_FOLDERS = ("models", "published")
NEVER_WRITTEN = "doctor"
"""Stands for any object of a folder; nothing is written to it."""


def of_the_role(group_arn: str, bucket: str, topic_arn: str | None) -> list[Right]:
    """What the controller's function does in a tick.

    The key that bucket and topic stand under is not known here, so kms is not among them; nor
    is what the Lambda service itself does in the role's name.
    """
    in_bucket = _bucket_arn(group_arn, bucket)
    rights = [Right(action, "*") for action in (*READS_OF_ALL, PUBLISH_METRICS)]
    rights += [Right(action, group_arn) for action in CHANGES]
    rights += [Right("s3:ListBucket", in_bucket)]
    rights += _on_folders("s3:GetObject", in_bucket, READ_FOLDERS)
    rights += _on_folders("s3:PutObject", in_bucket, WRITTEN_FOLDERS)
    return [*rights, Right("sns:Publish", topic_arn)] if topic_arn else rights


def of_an_operator(group_arn: str, bucket: str) -> list[Right]:
    """What `mode`, `train --publish` and `rollback` write."""
    in_bucket = _bucket_arn(group_arn, bucket)
    return [
        Right("autoscaling:PutScalingPolicy", group_arn),
        *_on_folders("s3:PutObject", in_bucket, ("control", *PUBLISHED_FOLDERS)),
    ]


def _bucket_arn(group_arn: str, bucket: str) -> str:
    """In the group's partition (aws, aws-cn and the like)."""
    return f"arn:{group_arn.split(':')[1]}:s3:::{bucket}"


def _on_folders(action: str, bucket_arn: str, folders: tuple[str, ...]) -> Iterator[Right]:
    for folder in folders:
        yield Right(action, f"{bucket_arn}/{folder}/{NEVER_WRITTEN}")
