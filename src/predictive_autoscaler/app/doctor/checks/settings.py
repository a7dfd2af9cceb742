"""The settings: those that are read here, and those of the function."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from predictive_autoscaler.app.doctor.facts import Facts
from predictive_autoscaler.app.doctor.findings import Check, Finding, fault, ok, warning
from predictive_autoscaler.app.doctor.wording import command
from predictive_autoscaler.app.settings import GROUPS, groups_address, read_settings
from predictive_autoscaler.app.settings_table import SETTINGS
from predictive_autoscaler.errors import SettingsError, SourceError

AREA = "settings"
FROM_TERRAFORM = 'eval "$(terraform -chdir=terraform output -raw environment_lines)"'


def settings(facts: Facts) -> Iterator[Finding]:
    """Those of this shell."""
    try:
        group = facts.settings()
    except SettingsError as error:
        yield fault(str(error), f"set it, or take all of them from Terraform: {FROM_TERRAFORM}")
        return
    parameters = group.parameters
    yield ok(
        f"group {group.name}: an interval of {parameters.interval_seconds // 60} min, boot "
        f"{parameters.boot_minutes:g} min, metric delay {parameters.metric_delay_seconds} s, "
        f"mode {group.mode}"
    )


def function_settings(facts: Facts) -> Iterator[Finding]:
    """Those that the function runs with."""
    function = facts.function()
    if function is None:
        raise SourceError("no function of this controller is known")
    remedy = "set it in the function's environment: controller in terraform.tfvars, terraform apply"
    try:
        read_settings(_alone(function.environment))
    except SettingsError as error:
        yield fault(f"the function {function.name} refuses its settings: {error}", remedy)
        return
    different = [
        f"{name} is {there or 'unset'!r} there and {here!r} here"
        for name, here, there in _pairs(facts.environment, function.environment)
        if here != there
    ]
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


def _pairs(here: Mapping[str, str], there: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """What this shell sets, beside the function's; which groups each looks after may differ."""
    for setting in SETTINGS:
        name = setting.variable
        if here.get(name) and name not in ("ASG_NAME", GROUPS):
            yield name, here[name], there.get(name, "") or _default(setting.default)


def _default(value: object) -> str:
    if value is None or not isinstance(value, str | int | float):
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def bucket(facts: Facts) -> Iterator[Finding]:
    """Whether it is there and can be listed."""
    try:
        name = facts.bucket()
    except SourceError as error:
        named = facts.environment.get("S3_BUCKET") or "unset"
        yield fault(
            f"the bucket of models and records (S3_BUCKET is {named}) cannot be listed: {error}",
            command("aws s3 ls", f"s3://{named}") + " has to work; set S3_BUCKET and AWS_REGION",
        )
        return
    yield ok(f"{name} can be listed")


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
        "there is none of this name, or it cannot be listed",
        ("s3:ListBucket",),
        bucket,
    ),
)
