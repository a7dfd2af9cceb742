"""The AWS account that the credentials of this shell belong to, and the state's bucket in it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from predictive_autoscaler.errors import AccessDeniedError, SourceError

_SECONDS = 60
_DENIED = ("AccessDenied", "AllAccessDisabled", "403")
_ABSENT = ("NoSuchBucket", "404")


@dataclass(frozen=True)
class Caller:
    """Who the credentials belong to."""

    account: str
    arn: str


class _RefusalError(SourceError):
    """AWS or its client said no."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def caller(region: str) -> Caller:
    """Who AWS says that we are.

    Raises:
        SourceError: there are no credentials, they are refused, or nothing here can ask.
    """
    answer = _call("sts", "get_caller_identity", region, {})
    return Caller(str(answer["Account"]), str(answer["Arn"]))


def bucket_region(bucket: str, owner: Caller, region: str) -> str | None:
    """The region of a bucket of ours; None if there is no such bucket.

    Raises:
        AccessDeniedError: it belongs to somebody else, or may not be looked at.
        SourceError: AWS could not be asked.
    """
    parameters = {"Bucket": bucket, "ExpectedBucketOwner": owner.account}
    try:
        answer = _call("s3", "get_bucket_location", region, parameters)
    except _RefusalError as error:
        if error.code in _ABSENT:
            return None
        if error.code in _DENIED:
            raise AccessDeniedError(
                f"the bucket {bucket} belongs to another account than {owner.account}, or may not "
                "be looked at: choose another name"
            ) from error
        raise
    told: str | None = answer.get("LocationConstraint")
    # The names of the oldest two regions.
    return "eu-west-1" if told == "EU" else told or "us-east-1"


def _call(service: str, operation: str, region: str, parameters: Mapping[str, str]) -> Any:
    program = shutil.which("aws")
    if program is not None:
        return _by_program(program, service, operation, region, parameters)
    return _by_library(service, operation, region, parameters)


def _by_program(
    program: str, service: str, operation: str, region: str, parameters: Mapping[str, str]
) -> Any:
    words = [program, {"s3": "s3api"}.get(service, service), operation.replace("_", "-")]
    for name, value in parameters.items():
        words += ["--" + re.sub(r"(?<=.)(?=[A-Z])", "-", name).lower(), value]
    words += ["--region", region, "--output", "json", "--cli-connect-timeout", "10"]
    variables = os.environ | {"AWS_PAGER": "", "AWS_MAX_ATTEMPTS": "2"}
    try:
        done = subprocess.run(
            words,
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SourceError(f"the AWS command line gave no answer: {error}") from error
    if done.returncode != 0:
        code = re.search(r"\((\w+)\) when calling", done.stderr)
        said = done.stderr.strip().splitlines()
        raise _RefusalError(code[1] if code else "", said[-1] if said else "it said nothing")
    try:
        return json.loads(done.stdout or "{}")
    except ValueError as error:
        raise SourceError(f"the AWS command line answered {done.stdout[:80]!r}") from error


def _by_library(service: str, operation: str, region: str, parameters: Mapping[str, str]) -> Any:
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        raise SourceError(
            "neither the AWS command line (aws) nor boto3 is here to ask with; install the first, "
            "or run `make setup`"
        ) from None
    config = Config(connect_timeout=10, retries={"total_max_attempts": 2})
    try:
        client: Any = boto3.session.Session().client(
            service,  # type: ignore[call-overload]
            region_name=region,
            config=config,
        )
        return getattr(client, operation)(**parameters)
    except ClientError as error:
        raise _RefusalError(error.response["Error"]["Code"], str(error)) from error
    except BotoCoreError as error:
        raise _RefusalError("", str(error)) from error
