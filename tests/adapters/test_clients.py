from __future__ import annotations

from typing import Any

import pytest

from predictive_autoscaler.adapters.aws.clients import Clients
from predictive_autoscaler.adapters.aws.s3 import S3Objects
from predictive_autoscaler.errors import SourceError


@pytest.mark.usefixtures("aws")
def test_clients_are_made_once_when_needed() -> None:
    clients = Clients()
    assert not {"s3", "sns", "_session"} & vars(clients).keys()
    assert clients.s3 is clients.s3
    assert "sns" not in vars(clients)


def test_clients_do_not_wait_for_long(aws: Clients) -> None:
    # The stubs do not know the attributes that a Config gets from its options.
    config: Any = aws.autoscaling.meta.config
    assert (config.connect_timeout, config.read_timeout) == (3, 10)
    assert config.retries == {"mode": "standard", "total_max_attempts": 3}


def test_the_region_comes_from_the_argument_or_aws_region(aws: Clients) -> None:
    assert aws.cloudwatch.meta.region_name == "eu-central-1"
    assert Clients("us-west-2").cloudwatch.meta.region_name == "us-west-2"


def test_the_endpoint_comes_from_the_environment(aws: Clients, moto_server: str) -> None:
    assert aws.sns.meta.endpoint_url == moto_server


def test_no_region_is_an_error_with_advice(aws: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION")
    with pytest.raises(SourceError, match="set AWS_REGION"):
        _ = Clients().autoscaling


def test_no_server_is_an_error_with_advice(aws: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    # Nothing listens on port 1, and the refusal comes at once.
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(SourceError, match="check the network"):
        S3Objects(Clients().s3, "any").get("key")
