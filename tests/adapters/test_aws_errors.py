from __future__ import annotations

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from predictive_autoscaler.adapters.aws.errors import aws_errors
from predictive_autoscaler.errors import (
    AccessDeniedError,
    GroupNotFoundError,
    RefusedRequestError,
    SourceError,
    ThrottledError,
)
from tests.adapters.fakes import client_error


def raised(error: Exception, service: str = "autoscaling") -> SourceError:
    with (
        pytest.raises(SourceError) as caught,
        aws_errors(service, "SetDesiredCapacity", "group 'web'"),
    ):
        raise error
    assert caught.value.__cause__ is error
    return caught.value


@pytest.mark.parametrize("code", ["Throttling", "ThrottlingException", "SlowDown"])
def test_throttling(code: str) -> None:
    error = raised(client_error(code, "Rate exceeded"))
    assert type(error) is ThrottledError
    assert f"autoscaling:SetDesiredCapacity on group 'web' failed: {code}: Rate exce" in str(error)


def test_throttling_by_status() -> None:
    assert type(raised(client_error("Whatever", status=429))) is ThrottledError


@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException", "AuthorizationError"])
def test_denied(code: str) -> None:
    error = raised(client_error(code, "not authorized."))
    assert type(error) is AccessDeniedError
    assert str(error).endswith("not authorized; let the role do autoscaling:SetDesiredCapacity")


def test_s3_denials_mention_the_listing() -> None:
    with (
        pytest.raises(AccessDeniedError, match="GetObject and s3:ListBucket"),
        aws_errors("s3", "GetObject", "s3://b/k"),
    ):
        raise client_error("AccessDenied")


@pytest.mark.parametrize(
    "message",
    ["AutoScalingGroup name not found - null", "Group web not found"],
)
def test_a_group_that_is_gone(message: str) -> None:
    error = raised(client_error("ValidationError", message))
    assert type(error) is GroupNotFoundError
    assert "ASG_NAME" in str(error)


def test_another_service_has_no_groups() -> None:
    error = client_error("ValidationError", "Log group web not found")
    assert not isinstance(raised(error, "cloudwatch"), GroupNotFoundError)


def test_capacity_out_of_bounds_is_just_refused() -> None:
    message = "New SetDesiredCapacity value 20 is above max value 10 for the AutoScalingGroup."
    error = raised(client_error("ValidationError", message))
    assert type(error) is RefusedRequestError
    assert "above max value 10" in str(error)


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (client_error("ScalingActivityInProgress"), "next tick"),
        (client_error("ExpiredToken"), "renew the credentials"),
        (client_error("InternalFailure"), "InternalFailure"),
        (ConnectTimeoutError(endpoint_url="http://x"), "check the network"),
        (ReadTimeoutError(endpoint_url="http://x"), "check the network"),
        (EndpointConnectionError(endpoint_url="http://x"), "AWS_ENDPOINT_URL"),
        (NoCredentialsError(), "AWS_PROFILE"),
        (NoRegionError(), "set AWS_REGION"),
        (BotoCoreError(), "unspecified error"),
    ],
)
def test_everything_else_with_advice(error: ClientError | BotoCoreError, advice: str) -> None:
    found = raised(error)
    assert type(found) is SourceError
    assert advice in str(found)


def test_an_answer_that_is_none_of_aws() -> None:
    error = raised(ResponseParserError("invalid XML received: <!doctype html>"))
    assert "autoscaling:SetDesiredCapacity on group 'web' failed: the answer is none of" in str(
        error
    )
    assert "html" not in str(error)


def test_a_page_instead_of_words_is_one_short_line() -> None:
    error = raised(client_error("500", "<!doctype html>\n" + 1000 * "<p>\n"))
    assert "\n" not in str(error)
    assert len(str(error)) < 700


def test_other_errors_pass() -> None:
    with pytest.raises(ZeroDivisionError), aws_errors("s3", "GetObject", "x"):
        _ = 1 / 0
