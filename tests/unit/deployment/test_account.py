"""Asking AWS, with the AWS command line or, without it, with boto3."""

from __future__ import annotations

import builtins
import shutil
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto import mock_aws

from predictive_autoscaler.deployment.account import Caller, bucket_region, caller
from predictive_autoscaler.errors import SourceError

OWNER = Caller("123456789012", "arn:aws:iam::123456789012:user/somebody")


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No command line; boto3 with a simulated AWS."""
    monkeypatch.setattr(shutil, "which", lambda name: None)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "local")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield


@pytest.mark.usefixtures("library")
def test_boto3_tells_who_and_where_buckets_are() -> None:
    found = caller("eu-central-1")
    assert found.account == OWNER.account
    assert found.arn.startswith("arn:aws:")
    client = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket="oldest")
    client.create_bucket(
        Bucket="newer", CreateBucketConfiguration={"LocationConstraint": "eu-west-3"}
    )
    found_regions = [
        bucket_region(name, OWNER, "eu-central-1") for name in ("oldest", "newer", "none")
    ]
    assert found_regions == ["us-east-1", "eu-west-3", None]


def test_with_neither_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> ModuleType:
        if name.partition(".")[0] in ("boto3", "botocore"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SourceError, match=r"neither .*\(aws\) nor boto3 is here"):
        caller("eu-central-1")
