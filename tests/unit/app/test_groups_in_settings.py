"""Many groups in one JSON document: what is laid over what, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from predictive_autoscaler.app.settings import Settings, groups_address, read_settings
from predictive_autoscaler.core.types import Rung
from predictive_autoscaler.errors import SettingsError

BALANCER = {"load_balancer": "app/shop/1"}


def read(content: Any, **environment: str) -> Settings:
    text = content if isinstance(content, str) else json.dumps(content)
    return read_settings({"S3_BUCKET": "bucket", "AUTOSCALER_GROUPS": text} | environment)


def test_a_group_s_own_settings_win_over_the_defaults_and_those_over_the_environment() -> None:
    settings = read(
        {
            "defaults": {"load_balancer": "app/shared/1", "boot_minutes": 4, "mode": "full"},
            "groups": {"a": {}, "b": {"boot_minutes": 2.5, "load_balancer": "app/b/1"}},
        },
        AUTOSCALER_BOOT_MINUTES="9",
        AUTOSCALER_HISTORY_DAYS="10",
    )
    first, second = settings.groups
    assert (first.name, first.load_balancer, first.parameters.boot_minutes) == (
        "a",
        "app/shared/1",
        4,
    )
    assert (second.name, second.load_balancer, second.parameters.boot_minutes) == (
        "b",
        "app/b/1",
        2.5,
    )
    assert {group.mode for group in settings.groups} == {"full"}
    assert {group.history_days for group in settings.groups} == {10}


def test_null_takes_a_default_back() -> None:
    settings = read(
        {"defaults": {"miss_price": 30}, "groups": {"a": {"miss_price": None} | BALANCER}}
    )
    assert settings.groups[0].parameters.miss_price is None


def test_the_group_of_the_environment_comes_beside_the_listed_ones() -> None:
    settings = read({"groups": {"b": {}}}, ASG_NAME="a", LOAD_BALANCER="app/a/1")
    assert [group.name for group in settings.groups] == ["a", "b"]
    with pytest.raises(SettingsError, match="ASG_NAME is 'b', and AUTOSCALER_GROUPS has"):
        read({"groups": {"b": {}}}, ASG_NAME="b", LOAD_BALANCER="app/a/1")


def test_each_group_may_have_its_own_model_and_policies() -> None:
    settings = read(
        {
            "defaults": BALANCER,
            "groups": {
                "eu": {"scale_in_grace_minutes": 20, "scale_in_step_percent": 10},
                "us": {"model": "eu", "missed_budget": 0.01},
            },
        }
    )
    eu, us = settings.groups
    assert (eu.model, us.model) == ("eu", "eu")
    assert us.parameters.missed_budget == 0.01
    caution = eu.parameters.caution
    assert (caution[Rung.FOREST].grace_minutes, caution[Rung.FOREST].step_share) == (20, 0.1)
    # On the lower rungs the longer grace and the smaller step win.
    assert caution[Rung.LAST_VALUE].grace_minutes == 30
    assert caution[Rung.SEASONAL].grace_minutes == 20


@pytest.mark.parametrize(("groups", "level"), [(1, "full"), (10, "full"), (11, "basic")])
def test_custom_metrics_become_fewer_as_groups_become_many(groups: int, level: str) -> None:
    settings = read({"defaults": BALANCER, "groups": {f"g{n}": {} for n in range(groups)}})
    assert {group.metrics_level for group in settings.groups} == {level}
    many = read({"defaults": BALANCER, "groups": {f"g{n}": {} for n in range(101)}})
    assert {group.metrics_level for group in many.groups} == {"none"}
    asked = {"defaults": BALANCER | {"metrics_level": "full"}, "groups": {"a": {}, "b": {}}}
    assert {group.metrics_level for group in read(asked).groups} == {"full"}


@pytest.mark.parametrize(
    ("own", "complaint"),
    [
        ({}, "LOAD_BALANCER is not set; it takes app/NAME/ID"),
        ({"load_balancer": "shop"}, "LOAD_BALANCER is 'shop'; allowed is app/NAME/ID"),
        (BALANCER | {"mode": "ful"}, "AUTOSCALER_MODE is 'ful'; allowed is off, observe or full"),
        (BALANCER | {"boot": 3}, "unknown setting 'boot' of a group; known are baseline_cpu"),
        (BALANCER | {"mode": True}, "mode is true; allowed is off, observe or full"),
        (BALANCER | {"mode": ["full"]}, 'mode is ["full"]; allowed is off'),
        (BALANCER | {"interval_minutes": 1}, "unknown setting 'interval_minutes' of a group"),
        (BALANCER | {"miss_price": 5, "quantile": 0.9}, "set at most one of them"),
        (BALANCER | {"metric_period_seconds": 120}, "divides the interval of 300 s"),
        ("full", "unknown setting '?' of a group"),
    ],
)
def test_a_group_with_wrong_settings_is_left_out_and_named(own: Any, complaint: str) -> None:
    settings = read({"groups": {"good": BALANCER, "bad": own}})
    assert [group.name for group in settings.groups] == ["good"]
    assert complaint in settings.refused["bad"]


def test_a_name_that_aws_refuses_is_refused() -> None:
    settings = read({"defaults": BALANCER, "groups": {"good": {}, "a:b": {}, "": {}}})
    assert set(settings.refused) == {"a:b", ""}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "AUTOSCALER_GROUPS is not JSON"),
        ("[]", "AUTOSCALER_GROUPS is no object"),
        ("{}", "AUTOSCALER_GROUPS has no groups"),
        ('{"groups": {}}', "AUTOSCALER_GROUPS has no groups"),
        ('{"groups": ["a"]}', "groups is no object"),
        ('{"group": {"a": {}}}', "unknown key 'group'; known are defaults, groups"),
        ('{"groups": {"a": {}, "a": {}}}', "'a' is there twice"),
        ('{"defaults": {"mode": "ful"}, "groups": {"a": {}}}', "defaults: AUTOSCALER_MODE is"),
        ('{"defaults": {"moode": "full"}, "groups": {"a": {}}}', "unknown setting 'moode'"),
        ('{"groups": {"a": {}}}', "no group has settings that can be used: LOAD_BALANCER"),
        ("s3://bucket/groups.json", "which cannot be read here"),
    ],
)
def test_a_list_that_cannot_be_used_is_an_error(text: str, complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint.replace("'", ".")):
        read(text)


def test_a_wrong_value_in_the_environment_is_an_error_even_if_every_group_has_its_own() -> None:
    with pytest.raises(SettingsError, match="AUTOSCALER_MODE is 'ful'"):
        read({"groups": {"a": BALANCER | {"mode": "full"}}}, AUTOSCALER_MODE="ful")


def test_the_list_may_be_elsewhere() -> None:
    asked = []

    def fetch(address: str) -> str:
        asked.append(address)
        return json.dumps({"groups": {"a": BALANCER}})

    environment = {"S3_BUCKET": "bucket", "AUTOSCALER_GROUPS": "s3://bucket/groups.json"}
    settings = read_settings(environment, fetch)
    assert [group.name for group in settings.groups] == ["a"]
    assert asked == ["s3://bucket/groups.json"] == [groups_address(environment)]
    assert groups_address({}) is None
    assert groups_address({"AUTOSCALER_GROUPS": "{}"}) is None
