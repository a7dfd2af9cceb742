"""Telling people through an SNS topic."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from predictive_autoscaler.adapters.aws.errors import aws_errors
from predictive_autoscaler.adapters.log_notifier import LogNotifier
from predictive_autoscaler.ports import Notifier

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

SUBJECT_CHARACTERS = 100
TEXT_BYTES = 256 * 1024


class SnsNotifier:
    """Publishes to a topic.

    Args:
        client: makes the client. Most ticks have nothing to tell and never call it.
    """

    def __init__(self, client: Callable[[], SNSClient], topic_arn: str) -> None:
        self._client = client
        self._topic_arn = topic_arn

    def notify(self, subject: str, text: str) -> None:
        """As the port says; what SNS would refuse of subject and text is replaced or cut."""
        with aws_errors("sns", "Publish", self._topic_arn):
            self._client().publish(
                TopicArn=self._topic_arn, Subject=_subject(subject), Message=_text(text)
            )


def notifier_for(
    client: Callable[[], SNSClient], topic_arn: str | None, log: Callable[[str], None] = print
) -> Notifier:
    """The topic's notifier; without a topic, messages go to the log."""
    return LogNotifier(log) if topic_arn is None else SnsNotifier(client, topic_arn)


def _subject(subject: str) -> str:
    """One line of printable ASCII that begins with no space, as SNS demands."""
    plain = " ".join(subject.encode("ascii", "replace").decode().split())
    return "".join(filter(str.isprintable, plain))[:SUBJECT_CHARACTERS]


def _text(text: str) -> str:
    return text.encode()[:TEXT_BYTES].decode(errors="ignore")
