"""The settings: those that are read here, and those of the function."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from predictive_autoscaler.app.doctor.checks.function import found_function
from predictive_autoscaler.app.doctor.facts import Facts
from predictive_autoscaler.app.doctor.findings import Check, Finding, fault, ok, warning
from predictive_autoscaler.app.doctor.wording import command
from predictive_autoscaler.app.settings import GROUPS, groups_address, read_settings
from predictive_autoscaler.app.settings_table import PREFIX, SETTINGS, Setting
from predictive_autoscaler.errors import (
    MissingSettingError,
    SettingsError,
    UnknownSettingError,
)

AREA = "settings"
FROM_TERRAFORM = 'eval "$(terraform -chdir=terraform output -raw environment_lines)"'


def settings(facts: Facts) -> Iterator[Finding]:
    """Those of this shell."""
    try:
        group = facts.settings()
    except SettingsError as error:
        yield fault(
            str(error), f"{_mended(error)}, or take all of them from Terraform: {FROM_TERRAFORM}"
        )
        return
    parameters = group.parameters
    yield ok(
        f"group {group.name}: an interval of {parameters.interval_seconds // 60} min, boot "
        f"{parameters.boot_minutes:g} min, metric delay {parameters.metric_delay_seconds} s, "
        f"mode {group.mode}"
    )


def _mended(error: SettingsError) -> str:
    """What is to be done about a setting, in a few words."""
    if isinstance(error, UnknownSettingError):
        known = {name.removeprefix(PREFIX): name for name in error.known}
        near = get_close_matches(error.name.removeprefix(PREFIX), known, n=1)
        meant = f" (if {known[near[0]]} was meant, set that)" if near else ""
        return f"unset {error.name}{meant}"
    if isinstance(error, MissingSettingError):
        return "set it"
    return "correct it"


def _short(error: SettingsError) -> str:
    """Without the names of all settings, which docs/settings.md has."""
    if isinstance(error, UnknownSettingError):
        return f"unknown setting {error.name}"
    return str(error)


def function_settings(facts: Facts) -> Iterator[Finding]:
    """Those that the function runs with."""
    function = found_function(facts)
    try:
        read_settings(_alone(function.environment))
    except SettingsError as error:
        yield fault(
            f"the function {function.name} refuses its settings: {_short(error)}",
            f"{_mended(error)} in the function's environment: controller in terraform.tfvars, "
            "terraform apply",
        )
        return
    different = list(_differences(facts.environment, function.environment))
    if different:
        yield warning(
            f"the function {function.name} runs with other settings than this shell: "
            f"{'; '.join(different)}",
            f"{FROM_TERRAFORM} takes over the function's; or change them in terraform.tfvars",
        )
    else:
        yield ok(
            f"the function {function.name} accepts its settings; none contradicts this shell's"
        )


def _alone(environment: Mapping[str, str]) -> dict[str, str]:
    """Without a list of groups that only the function can fetch."""
    known = {setting.variable for setting in SETTINGS}
    ours = {
        name: text
        for name, text in environment.items()
        if name in known or name.startswith("AUTOSCALER_")
    }
    if groups_address(ours) and ours.get("ASG_NAME"):
        del ours[GROUPS]
    return ours


def _differences(here: Mapping[str, str], there: Mapping[str, str]) -> Iterator[str]:
    """What the function has otherwise than this shell. Of a group that stands in its list, only
    what all of them share can be told.
    """
    same_group = here.get("ASG_NAME") == there.get("ASG_NAME")
    for setting in SETTINGS:
        if setting.variable in ("ASG_NAME", GROUPS) or not (same_group or setting.shared):
            continue
        ours, theirs = here.get(setting.variable, ""), there.get(setting.variable, "")
        if _value(setting, ours) != _value(setting, theirs):
            yield f"{setting.variable} is {theirs or 'unset'} there and {ours or 'unset'} here"


def _value(setting: Setting, text: str) -> object:
    """What a text stands for, so that 5 is 5.0; an empty one is the default."""
    try:
        return setting.value(text)
    except SettingsError:
        return text


def bucket(facts: Facts) -> Iterator[Finding]:
    """Whether it is there and can be listed."""
    found, named = facts.bucket(), facts.environment.get("S3_BUCKET", "")
    if found is None:
        yield fault(
            f"there is no bucket {named!r} for models and records",
            command("aws s3 ls", f"s3://{named}") + " has to work; set S3_BUCKET and AWS_REGION",
        )
    else:
        yield ok(f"{found} can be listed")


CHECKS = (
    Check(
        "settings",
        AREA,
        "one is missing, unknown, outside its range or against another",
        (),
        settings,
    ),
    Check(
        "function settings",
        AREA,
        "the function would refuse its own; a difference from this shell's is a warning",
        ("lambda:ListFunctions", "lambda:GetFunctionConfiguration"),
        function_settings,
    ),
    Check(
        "bucket",
        AREA,
        "there is none of this name",
        ("s3:ListBucket",),
        bucket,
    ),
)
