from __future__ import annotations

from typing import Any

import pytest

from predictive_autoscaler.adapters.aws.clients import Clients
from predictive_autoscaler.adapters.aws.sns import SnsNotifier, notifier_for
from predictive_autoscaler.errors import AccessDeniedError, SourceError
from tests.adapters.fakes import FakeClient, client_error, failing

TOPIC = "arn:aws:sns:eu-central-1:123456789012:troubles"


def published(subject: str, text: str) -> dict[str, Any]:
    client: Any = FakeClient(lambda *_: {})
    SnsNotifier(lambda: client, TOPIC).notify(subject, text)
    ((operation, arguments),) = client.calls
    assert operation == "publish"
    return dict(arguments)


def test_a_message_is_published(aws: Clients) -> None:
    topic = aws.sns.create_topic(Name="troubles")["TopicArn"]
    notifier_for(lambda: aws.sns, topic).notify("Trouble: " + "ü" * 200, "text\nmore")


def test_subjects_are_made_fit() -> None:
    subject = published("\n Größe\tder  Gruppe " + "x" * 200, "t")["Subject"]
    assert subject.startswith("Gr??e der Gruppe xxx")
    assert len(subject) == 100
    assert subject.isascii()
    assert published("a\x07b", "t")["Subject"] == "ab"


def test_long_texts_are_cut_between_characters() -> None:
    text = published("s", "x" + "ü" * 200_000)["Message"]
    assert len(text.encode()) == 256 * 1024 - 1
    assert text.endswith("ü")


def test_a_missing_topic_is_an_error_with_advice(aws: Clients) -> None:
    with pytest.raises(SourceError, match=r"sns:Publish on arn:.*NotFound.*SNS_TOPIC_ARN"):
        SnsNotifier(lambda: aws.sns, TOPIC).notify("s", "t")


def test_a_denial_is_told_apart() -> None:
    client = failing(client_error("AuthorizationError"))
    with pytest.raises(AccessDeniedError, match="sns:Publish"):
        SnsNotifier(lambda: client, TOPIC).notify("s", "t")


def test_without_a_topic_the_log_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    def never() -> Any:
        raise AssertionError("no client is needed")

    notifier_for(never, None).notify("subject", "text")
    assert capsys.readouterr().out == "subject\ntext\n"
