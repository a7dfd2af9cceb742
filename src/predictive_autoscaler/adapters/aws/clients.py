"""The AWS clients, each made when it is first needed: making one costs a cold start time."""

from __future__ import annotations

import os
from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING, Any

from botocore.config import Config

from predictive_autoscaler.adapters.aws.errors import aws_errors

if TYPE_CHECKING:
    from boto3.session import Session
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient

CONNECT_SECONDS = 3
READ_SECONDS = 10
ATTEMPTS = 3


class Clients:
    """One client for each service, with time-outs that leave a tick time to act.

    boto3 itself looks up the credentials and AWS_ENDPOINT_URL.

    Args:
        region: the AWS region; by default AWS_REGION (which Lambda and Terraform use, and
            boto3 does not look at), else what boto3 finds.

    Making a client raises SourceError where there is no region.
    """

    def __init__(self, region: str | None = None) -> None:
        self._region = region
        self._making = RLock()
        self._others: dict[str, Any] = {}

    @cached_property
    def autoscaling(self) -> AutoScalingClient:
        client: AutoScalingClient = self._make("autoscaling")
        return client

    @cached_property
    def cloudwatch(self) -> CloudWatchClient:
        client: CloudWatchClient = self._make("cloudwatch")
        return client

    @cached_property
    def s3(self) -> S3Client:
        client: S3Client = self._make("s3")
        return client

    @cached_property
    def sns(self) -> SNSClient:
        client: SNSClient = self._make("sns")
        return client

    def of(self, service: str) -> Any:
        """A client of any service, by boto3's name for it; several threads may ask."""
        with self._making:
            if service not in self._others:
                self._others[service] = self._make(service)
            return self._others[service]

    @cached_property
    def _session(self) -> Session:
        # Importing boto3 takes longer than all the rest; what runs offline need not wait for it.
        from boto3.session import Session

        return Session(region_name=self._region or os.environ.get("AWS_REGION") or None)

    def _make(self, service: str) -> Any:
        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        )
        where = self._region or "the default region"
        # A session is not made for several threads; the clients that come from it are.
        with self._making, aws_errors(service, "connect", where):
            return self._session.client(service, config=config)  # type: ignore[call-overload]
