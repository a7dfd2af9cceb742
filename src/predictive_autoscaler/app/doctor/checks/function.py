"""The function that runs the controller, and the schedule that calls it."""

from __future__ import annotations

from collections.abc import Iterator

from predictive_autoscaler.app.doctor.facts import Facts, found_or
from predictive_autoscaler.app.doctor.findings import (
    Check,
    Finding,
    fault,
    not_checked,
    ok,
    warning,
)
from predictive_autoscaler.app.doctor.schedules import rhythm
from predictive_autoscaler.app.doctor.wording import command, listed
from predictive_autoscaler.core.surroundings import ControllerFunction, Rule
from predictive_autoscaler.errors import SourceError

AREA = "function"
HANDLER = "lambda_function.lambda_handler"
LEAST_PYTHON = 11
FOUND_BY = ("lambda:ListFunctions", "lambda:GetFunctionConfiguration")
CALLED_BY = ("events:ListRuleNamesByTarget", "events:DescribeRule")
SPARE_SECONDS = 5
"""Between the end of one call and the beginning of the next."""


def found_function(facts: Facts) -> ControllerFunction:
    """The function.

    Raises:
        SourceError: none is known.
    """
    return found_or(facts.function(), SourceError("no function of this controller is known"))


def state(facts: Facts) -> Iterator[Finding]:
    """Whether it is there and can be called."""
    function = facts.function()
    if function is None:
        yield fault(
            f"no Lambda function has ASG_NAME {facts.group_name!r} or a list of groups, and this "
            "bucket, in its environment",
            "terraform apply makes it; if it stands elsewhere, name it: doctor --function NAME",
        )
        return
    look = command("aws lambda get-function-configuration --function-name", function.name)
    said = f": {function.reason}" if function.reason else ""
    if function.state not in ("Active", "Pending"):
        yield fault(f"{function.name} is {function.state}{said}", f"{look}; terraform apply")
    elif function.update == "Failed":
        yield fault(
            f"the last update of {function.name} failed{said}", f"{look}; then terraform apply"
        )
    elif function.state == "Pending" or function.update == "InProgress":
        yield warning(f"{function.name} is just being updated{said}", f"wait; {look}")
    else:
        yield ok(
            f"{function.name} is {function.state}, code {function.code_sha256[:12]}, of "
            f"{function.modified}, {function.memory_mb} MB"
        )


def runtime(facts: Facts) -> Iterator[Finding]:
    """Python's version and the entry point."""
    function = found_function(facts)
    version = function.runtime.removeprefix("python3.")
    young = version.isdigit() and int(version) >= LEAST_PYTHON
    if not young:
        yield fault(
            f"{function.name} runs {function.runtime or 'an image'}; python3.{LEAST_PYTHON} is the "
            "oldest that works",
            "make lambda, then terraform apply: it sets the runtime that the zip is made for",
        )
    if function.handler != HANDLER:
        yield fault(
            f"the handler of {function.name} is {function.handler!r}; the zip has {HANDLER!r}",
            command(
                "aws lambda update-function-configuration --function-name",
                function.name,
                "--handler",
                HANDLER,
            ),
        )
    elif young:
        yield ok(f"{function.runtime}, {function.handler}")


def timeout(facts: Facts) -> Iterator[Finding]:
    """A call has to be over before the next one begins."""
    function, settings = found_function(facts), facts.settings()
    interval = settings.parameters.interval_seconds
    allowed = max(1, min(interval - SPARE_SECONDS, 900))
    text = f"a timeout of {function.timeout_seconds} s in an interval of {interval} s"
    if function.timeout_seconds > allowed:
        yield fault(
            f"{text}: two calls could be at the same group at once",
            f"lambda = {{ timeout_seconds = {min(60, allowed)} }} in terraform.tfvars, "
            "terraform apply",
        )
    else:
        yield ok(text)


def concurrency(facts: Facts) -> Iterator[Finding]:
    """A reservation of none switches a function off."""
    function, reserved = found_function(facts), facts.reserved_concurrency()
    if reserved == 0:
        yield fault(
            f"{function.name} has a reserved concurrency of 0: every call is throttled",
            command("aws lambda delete-function-concurrency --function-name", function.name),
        )
    else:
        yield ok("none is reserved" if reserved is None else f"{reserved} reserved")


def schedule(facts: Facts) -> Iterator[Finding]:
    """Whether anybody calls it, and how often."""
    function, settings = found_function(facts), facts.settings()
    scheduled = [rule for rule in facts.rules() if rule.schedule]
    if not scheduled:
        yield fault(
            f"no EventBridge rule with a schedule targets {function.name}: nobody calls it "
            "(EventBridge Scheduler is not looked at)",
            "terraform apply makes the rule and its target",
        )
        return
    awake = [rule for rule in scheduled if rule.enabled]
    if not awake:
        names = listed(rule.name for rule in scheduled)
        yield fault(
            f"the rule {names} is disabled: nobody calls {function.name}",
            command("aws events enable-rule --name", scheduled[0].name),
        )
        return
    if len(awake) > 1:
        yield warning(
            f"{len(awake)} rules call {function.name}: {listed(rule.name for rule in awake)}; the "
            "second call of a slot is refused",
            command("aws events disable-rule --name", awake[-1].name),
        )
    for rule in awake:
        yield _scheduled(rule, function, settings.parameters.interval_seconds // 60)


def _scheduled(rule: Rule, function: ControllerFunction, interval_minutes: int) -> Finding:
    if rule.may_call is False:
        return fault(
            f"the policy of {function.name} does not let rule {rule.name} call it",
            command(
                "aws lambda add-permission --function-name",
                function.name,
                *("--statement-id", "tick", "--action", "lambda:InvokeFunction"),
                *("--principal", "events.amazonaws.com"),
            )
            + " --source-arn ARN_OF_THE_RULE, or terraform apply",
        )
    found = rhythm(rule.schedule)
    if found is None:
        return not_checked(f"rule {rule.name} is enabled; its {rule.schedule} is not understood")
    if found.period_minutes != interval_minutes:
        return fault(
            f"rule {rule.name} calls every {found.period_minutes} min ({rule.schedule}), "
            f"AUTOSCALER_INTERVAL_MINUTES is {interval_minutes}",
            command("aws events put-rule --name", rule.name, "--schedule-expression")
            + f" 'cron(2/{interval_minutes} * * * ? *)', or controller.interval_minutes in "
            "terraform.tfvars",
        )
    allowed = "" if rule.may_call else "; whether it may is not known without lambda:GetPolicy"
    return ok(f"rule {rule.name} is enabled and calls every {found.period_minutes} min{allowed}")


def phase(facts: Facts) -> Iterator[Finding]:
    """Whether a call comes when the interval's metrics are there."""
    found_function(facts)
    parameters = facts.settings().parameters
    delay, minutes = parameters.metric_delay_seconds, parameters.interval_seconds // 60
    for rule in facts.rules():
        found = rhythm(rule.schedule)
        if not rule.enabled or found is None or found.period_minutes != minutes:
            continue
        # A delay of more than an interval leaves as much over as matters for the phase.
        over = delay % parameters.interval_seconds
        good = f"cron({min(minutes - 1, -(-over // 60))}/{minutes} * * * ? *)"
        remedy = command("aws events put-rule --name", rule.name, "--schedule-expression", good)
        if found.phase_minutes is None:
            yield warning(
                f"{rule.schedule} of rule {rule.name} has a phase that AWS chooses: a decision may "
                "rest on metrics that are an interval older than need be",
                remedy,
            )
        elif found.phase_minutes * 60 % parameters.interval_seconds < over:
            yield warning(
                f"rule {rule.name} calls {found.phase_minutes} min after the interval's end, but "
                f"AUTOSCALER_METRIC_DELAY_SECONDS is {delay}: each decision rests on an interval "
                "older than need be",
                f"{remedy} (controller.phase_minutes in terraform.tfvars)",
            )
        else:
            yield ok(
                f"called {found.phase_minutes} min after each interval's end; its metrics are "
                f"complete after {delay} s"
            )
        return
    yield not_checked("no enabled rule has the interval's rhythm")


CHECKS = (
    Check(
        "function",
        AREA,
        "there is none for this group and bucket, it is not Active, or its last update failed",
        FOUND_BY,
        state,
    ),
    Check(
        "runtime",
        AREA,
        f"not Python 3.{LEAST_PYTHON} or newer, or another handler than {HANDLER}",
        FOUND_BY,
        runtime,
    ),
    Check("timeout", AREA, "not shorter than the interval", FOUND_BY, timeout),
    Check(
        "concurrency",
        AREA,
        "none may run: a reserved concurrency of 0",
        (*FOUND_BY, "lambda:GetFunctionConcurrency"),
        concurrency,
    ),
    Check(
        "schedule",
        AREA,
        "no enabled EventBridge rule calls it in the interval's rhythm, or none may; two are a "
        "warning",
        (*FOUND_BY, *CALLED_BY, "lambda:GetPolicy"),
        schedule,
    ),
    Check(
        "slot alignment",
        AREA,
        "it is called before the interval's metrics are complete (a warning)",
        (*FOUND_BY, *CALLED_BY),
        phase,
    ),
)
