"""What AWS and its client library complain about, in our own errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
)
from botocore.parsers import ResponseParserError

from predictive_autoscaler.errors import (
    AccessDeniedError,
    GroupNotFoundError,
    RefusedRequestError,
    SourceError,
    ThrottledError,
)

LONGEST = 500
"""Characters of an answer's own words."""
_THROTTLING = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "KMSThrottling",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_DENIED = frozenset({"403", "AuthorizationError", "KMSAccessDenied", "UnauthorizedOperation"})
_CREDENTIALS = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_REFUSED = re.compile(r"Validation|Invalid(Parameter|Argument|Request)|MissingParameter")
_GROUP_GONE = re.compile(r"group.*not found", re.IGNORECASE | re.DOTALL)
_ADVICE = {
    "NoSuchBucket": "check S3_BUCKET and AWS_REGION",
    "PermanentRedirect": "the bucket is in another region; check AWS_REGION",
    "NotFound": "check SNS_TOPIC_ARN",
    "RequestTimeTooSkewed": "set this computer's clock",
    "ResourceContention": "another change is under way; the next tick tries again",
    "ScalingActivityInProgress": "another change is under way; the next tick tries again",
}


@contextmanager
def aws_errors(service: str, operation: str, about: str) -> Iterator[None]:
    """Translate what the block raises.

    Args:
        service, operation: as the IAM action names them, for example s3 and GetObject.
        about: the thing that is worked on, for the message.

    Raises:
        SourceError: or one of its kinds, see `translated`.
    """
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise translated(error, service, operation, about) from error
    except ResponseParserError as error:  # None of botocore's own, and it quotes the whole answer.
        raise SourceError(
            f"{service}:{operation} on {about} failed: the answer is none of AWS, as a proxy or a "
            "broken service gives it; check the network, AWS_REGION and AWS_ENDPOINT_URL"
        ) from error


def translated(
    error: ClientError | BotoCoreError, service: str, operation: str, about: str
) -> SourceError:
    """The error of ours that says the same, with advice for the reader."""
    action = f"{service}:{operation} on {about}"
    if isinstance(error, ClientError):
        return _from_answer(error, action, service)
    return SourceError(f"{action} failed: {str(error).rstrip('.')}{_connection_advice(error)}")


def error_code(error: ClientError) -> str:
    """The service's name for the error; the HTTP status where there was no body."""
    return str(error.response.get("Error", {}).get("Code", "unknown"))


def http_status(error: ClientError) -> int:
    """The HTTP status of the answer, 0 if unknown."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _from_answer(error: ClientError, action: str, service: str) -> SourceError:
    code = error_code(error)
    # Whoever answers instead of AWS may have put a whole page in here.
    told = " ".join(str(error.response.get("Error", {}).get("Message", "")).split())
    message = (told if len(told) <= LONGEST else f"{told[:LONGEST]}…").rstrip(".")
    text = f"{action} failed: {code}: {message}"
    if code in _THROTTLING or http_status(error) == 429:
        return ThrottledError(f"{text}; the next tick tries again")
    if code.startswith("AccessDenied") or code in _DENIED:
        return AccessDeniedError(f"{text}; let the role do {action.split(' ')[0]}{_also(action)}")
    if code in _CREDENTIALS:
        return SourceError(f"{text}; renew the credentials")
    if service == "autoscaling" and code == "ValidationError" and _GROUP_GONE.search(message):
        return GroupNotFoundError(f"{text}; check ASG_NAME and AWS_REGION")
    advice = _ADVICE.get(code)
    kind = RefusedRequestError if _REFUSED.match(code) else SourceError
    return kind(f"{text}; {advice}" if advice else text)


def _also(action: str) -> str:
    """S3 hides from those who may not list whether an object exists, by a refusal."""
    return " and s3:ListBucket" if action.startswith("s3:GetObject") else ""


def _connection_advice(error: BotoCoreError) -> str:
    if isinstance(error, NoRegionError):
        return "; set AWS_REGION"
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return "; give credentials, for example by AWS_PROFILE"
    # Time-outs are among these two.
    if isinstance(error, ConnectionError | HTTPClientError):
        return "; check the network, AWS_REGION and AWS_ENDPOINT_URL"
    return ""
