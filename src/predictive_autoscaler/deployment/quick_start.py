"""From a clone to a shop that is scaled: look, ask, build, plan, ask again, apply.

It writes the files that DEPLOYMENT.md has people write, so that one can go on by hand at any point.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from predictive_autoscaler.deployment import account, answers, terraform, tfvars
from predictive_autoscaler.deployment.answers import Answers
from predictive_autoscaler.deployment.costs import monthly_usd
from predictive_autoscaler.deployment.dialogue import Dialogue, StoppedError
from predictive_autoscaler.deployment.running import shown, stop_like_ctrl_c
from predictive_autoscaler.deployment.terraform import Place, Planned
from predictive_autoscaler.deployment.tools import look_for_tools
from predictive_autoscaler.errors import AutoscalerError, UsageError
from predictive_autoscaler.interruption import EXIT_INTERRUPTED

EXIT_STOPPED = 1
EXIT_FAILED = 1
EXIT_USAGE = 2


@dataclass
class Run:
    """One run, and what it has done so far, for whoever stops it.

    Attributes:
        given: answers that came as options, by name.
        done: finished steps, in words.
    """

    place: Place
    dialogue: Dialogue
    options: argparse.Namespace
    given: dict[str, str]
    done: list[str] = field(default_factory=list)

    def say(self, text: str = "") -> None:
        self.dialogue.say(text)


def main(root: Path, arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; returns the exit code.

    Args:
        root: of the repository.
    """
    place = Place(root)
    options = parser(place).parse_args(arguments)
    values = {name: getattr(options, name) for name in answers.names_of_answers()}
    given = {name: value for name, value in values.items() if value is not None}
    run = Run(place, Dialogue(options.yes), options, given)
    stop_like_ctrl_c()
    try:
        _check_given(run)
        _quick_start(run)
    except StoppedError as reason:
        return _ended(run, str(reason), EXIT_STOPPED)
    except KeyboardInterrupt:
        return _ended(run, "interrupted", EXIT_INTERRUPTED)
    except (AutoscalerError, OSError) as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        code = EXIT_USAGE if isinstance(error, UsageError) else EXIT_FAILED
        return _ended(run, "not finished", code)
    return 0


def parser(place: Place) -> argparse.ArgumentParser:
    """All options."""
    made = argparse.ArgumentParser(
        prog="quick_start",
        allow_abbrev=False,
        description="Set the shop and its autoscaler up in an AWS account, or bring them up to "
        "date. Asks for what is not given; q, Ctrl-C or the end of the input stops it at any "
        "question. Answers are kept in terraform/terraform.tfvars, as defaults of the next run.",
    )
    for question in answers.questions(place.environments()):
        made.add_argument(
            question.option,
            metavar="ANSWER",
            help=f"{question.text.replace('%', '%%')}: {question.allowed}",
        )
    switches = {
        "--yes": "ask nothing: take defaults for what is not given, and apply the plan",
        "--plan-only": "end with the plan; nothing is made or changed in the account",
        "--no-build": "take the Lambda's zip as it is",
        "--overwrite": "write terraform.tfvars anew even if it was changed by hand; "
        "the former one is kept as terraform.tfvars.before",
        "--accept-destroy": "with --yes: apply also what destroys or replaces resources",
    }
    for switch, meaning in switches.items():
        made.add_argument(switch, action="store_true", help=meaning)
    return made


def _check_given(run: Run) -> None:
    """Refuse wrong options before anything else is looked at."""
    for question in answers.questions(run.place.environments()):
        complaint = question.complaint(run.given.get(question.name, "")) or ""
        if question.name in run.given and complaint:
            raise UsageError(f"{question.option}: {complaint}")


def _quick_start(run: Run) -> None:
    region = run.given.get("region") or _usual_region()
    _look_for_tools(run)
    run.say("asking AWS whose credentials these are")
    caller = account.caller(region)
    run.say(f"  ok       {caller.arn}, account {caller.account}")
    run.say()
    answered, text = _answers(run, caller)
    bucket_region = account.bucket_region(answered.state_bucket, caller, answered.region)
    unfinished = _bucket_from_here(run, answered)
    _agree(run, answered, caller, bucket_region)
    _write(run, text)
    if not run.options.no_build:
        _build(run)
    if not run.options.plan_only and (bucket_region is None or unfinished):
        region = bucket_region or answered.region
        terraform.make_state_bucket(run.place, answered.state_bucket, region)
        run.done.append(f"the bucket {answered.state_bucket} is there")
        bucket_region = region
    run.say(f"planning {answered.environment}, which takes a minute")
    with terraform.planned(run.place, answered, bucket_region) as plan:
        _apply(run, plan)
    if not run.options.plan_only:
        _tell_next_steps(run, answered)


def _look_for_tools(run: Run) -> None:
    """Raises UsageError if something is missing that is needed."""
    run.say("looking for what it takes")
    found = look_for_tools(building=not run.options.no_build)
    for finding in found:
        run.say(finding.line())
    missing = [finding for finding in found if finding.needed and not finding.fine]
    if missing:
        wanted = "; ".join(f"{finding.name}: {finding.remedy}" for finding in missing)
        raise UsageError(f"not all that is needed is here: {wanted}")


def _answers(run: Run, caller: account.Caller) -> tuple[Answers, str | None]:
    """What is to be set up, and the file of variables to write; None: leave it as it is."""
    place = run.place
    held = _held(place)
    by_hand = held is not None and not tfvars.is_untouched(held)
    keep = by_hand and not run.options.overwrite and _keep(run)
    made_here, _ = terraform.bucket_in_state(place)
    found = {
        "region": _usual_region(),
        "state_bucket": made_here or f"saleor-predictive-scaling-state-{caller.account}",
        **terraform.known_backend(place),
        **tfvars.found_in(held or ""),
    }
    names = place.environments()
    if found.get("environment") not in names:
        found.pop("environment", None)
    asked = answers.questions(names)
    said = Answers(**found)
    if keep:
        # What Terraform takes where the file names none.
        said = said.with_answer("region", tfvars.found_in(held or "").get("region", "us-east-1"))
        _refuse_options_for_kept(run, found)
        asked = tuple(one for one in asked if one.name in ("environment", "state_bucket"))
    if not run.dialogue.yes:
        run.say("Enter takes what stands in brackets, - is nothing, q stops.")
        for name in names:
            cost = monthly_usd(place.root / "DEPLOYMENT.md", name)
            if cost is not None:
                run.say(f"  {name:8} about {cost} USD a month at list prices")
    for question in asked:
        if not question.applies(said):
            said = said.with_answer(question.name, run.given.get(question.name, ""))
        elif question.name in run.given:
            said = said.with_answer(question.name, run.given[question.name])
        else:
            default = said.of(question.name)
            answer = run.dialogue.ask(question.text, default, question.complaint)
            said = said.with_answer(question.name, answer)
    answers.check(said, asked)
    _refuse_other_region(run, said)
    return said, None if keep else tfvars.written(said)


def _keep(run: Run) -> bool:
    """Whether a file that was changed by hand stays; raises StoppedError."""
    run.say("terraform/terraform.tfvars was changed by hand since, or written by somebody else.")
    if run.dialogue.yes:
        run.say("It stays as it is; --overwrite writes it anew.")
        return True
    choice = run.dialogue.choose(
        "Keep it as it is, or write it anew (the former one stays as terraform.tfvars.before)?",
        ("keep", "write", "quit"),
        "keep",
    )
    if choice == "quit":
        raise StoppedError("stopped as asked")
    return choice == "keep"


def _refuse_options_for_kept(run: Run, found: dict[str, str]) -> None:
    """An option that would change the file is not passed over in silence."""
    for question in (answers.REGION, *answers.IN_TFVARS):
        given = run.given.get(question.name)
        if given is not None and given != found.get(question.name, ""):
            raise UsageError(
                f"{question.option} is {given!r}, but terraform.tfvars, which was changed by hand "
                f"and stays, says {found.get(question.name, '')!r}: change it there, or give "
                "--overwrite"
            )


def _bucket_from_here(run: Run, answered: Answers) -> bool:
    """Whether the state's bucket was made from this clone, and not to the end."""
    bucket, complete = terraform.bucket_in_state(run.place)
    if bucket not in (None, answered.state_bucket):
        raise UsageError(
            f"the state's bucket is {answered.state_bucket!r}, but terraform/bootstrap/"
            f"terraform.tfstate has made {bucket!r}: name that one, or move that file away first"
        )
    return bucket is not None and not complete


def _agree(run: Run, answered: Answers, caller: account.Caller, bucket_region: str | None) -> None:
    """Tell what will be done, and ask; raises StoppedError."""
    name, bucket = answered.environment, answered.state_bucket
    run.say()
    run.say(f"{name}, in account {caller.account}, region {answered.region}:")
    run.say(f"  Terraform's state in the bucket {bucket}" + _about_bucket(run, bucket_region))
    if not answered.email:
        run.say("  nobody is told of alarms")
    if answered.domain and not answered.certificate_arn:
        run.say("  without a certificate the shop speaks HTTP: do not take customers' data")
    _warn_of_environment(run, answered)
    cost = monthly_usd(run.place.root / "DEPLOYMENT.md", name)
    if cost is not None:
        run.say(f"  once applied, about {cost} USD a month (list prices; see DEPLOYMENT.md)")
    if not run.dialogue.yes:
        choice = run.dialogue.choose("Build and plan this?", ("yes", "no"), "yes")
        if choice == "no":
            raise StoppedError("stopped as asked")


def _about_bucket(run: Run, region: str | None) -> str:
    if region is not None:
        return f", which is in {region}"
    if run.options.plan_only:
        return ", which is not there yet: everything is planned as new"
    return ", which will be made"


def _refuse_other_region(run: Run, said: Answers) -> None:
    """The environment's file has the last word."""
    path = run.place.environment(said.environment)
    found = tfvars.found_in(path.read_text(encoding="utf-8")).get("region", said.region)
    if found != said.region:
        raise UsageError(
            f"aws_region is {said.region!r}, but {path.name} sets {found!r}: answer with that, or "
            "take it out there"
        )


def _warn_of_environment(run: Run, answered: Answers) -> None:
    """Tell what the environment's file will not let through, or may not have right."""
    path = run.place.environment(answered.environment)
    text = path.read_text(encoding="utf-8")
    for variable in tfvars.variables_in(tfvars.written(answered)):
        if variable in tfvars.variables_in(text) and variable != "aws_region":
            run.say(f"  {path.name} sets {variable}, which goes before what was answered")
    image = "ami_id" in tfvars.variables_in(text)
    if image and answered.region != answers.DEFAULT_REGION:
        run.say(f"  look at ami_id in {path.name}: an image has another name in each region")


def _held(place: Place) -> str | None:
    """The file of variables that is there."""
    try:
        return place.tfvars.read_text(encoding="utf-8") if place.tfvars.exists() else None
    except UnicodeDecodeError as error:
        raise UsageError(f"terraform/terraform.tfvars is no UTF-8 text: {error}") from None


def _write(run: Run, text: str | None) -> None:
    """Write the file of variables, unless it says the same already."""
    place = run.place
    held = _held(place)
    if text is None or text == held:
        return
    if held is not None and not tfvars.is_untouched(held):
        tfvars.replace_file(place.former_tfvars, held)
    tfvars.replace_file(place.tfvars, text)
    run.done.append("terraform/terraform.tfvars is written")
    run.say("terraform/terraform.tfvars is written")


def _build(run: Run) -> None:
    script = run.place.root / "scripts" / "build_lambda.py"
    shown([sys.executable, script], "building the Lambda's zip")
    run.done.append("the Lambda's zip is built")


def _apply(run: Run, plan: Planned) -> None:
    """Show the plan, ask, and apply; raises StoppedError."""
    for line in plan.changes.lines():
        run.say(line)
    if run.options.plan_only:
        if not run.dialogue.yes and not plan.changes.nothing:
            _look_closer(run, plan, ("done", "details"), "done")
        run.say("nothing was applied (--plan-only)")
        return
    if plan.changes.nothing:
        run.say("all is as it should be; nothing is to be applied")
        return
    if run.dialogue.yes:
        if plan.changes.destroyed and not run.options.accept_destroy:
            raise StoppedError(
                "the plan destroys or replaces what is named above: look at it, and give "
                "--accept-destroy if that is meant"
            )
    elif _look_closer(run, plan, ("yes", "no", "details"), "no") != "yes":
        raise StoppedError("not applied")
    run.done.append("the plan was begun to be applied; the same command carries on")
    plan.apply()
    run.done[-1] = "the plan is applied"


def _look_closer(run: Run, plan: Planned, choices: Sequence[str], default: str) -> str:
    """Ask until the answer is something else than to see more of the plan."""
    text = "Apply it?" if "yes" in choices else "See more of it?"
    while (choice := run.dialogue.choose(text, choices, default)) == "details":
        plan.show()
    return choice


def _tell_next_steps(run: Run, answered: Answers) -> None:
    found = terraform.outputs(run.place)
    mail = f"Confirm the mail that AWS has sent to {answered.email}" if answered.email else None
    steps = [
        mail,
        "Wait for the first release, some 5 minutes: "
        f"curl {found.get('shop_url', 'SHOP_URL/')}health/ answers then",
        f"Look at the dashboard: {found.get('dashboard_url', '')}",
        "Make the shop's first user: DEPLOYMENT.md, 'From nothing to a running shop'",
        "After a day of traffic or more, train:\n"
        "     make setup\n"
        "     . scripts/setup_env.sh\n"
        "     .venv/bin/python ml-model/train_model.py --from cloudwatch --days 14 --publish\n"
        "     .venv/bin/predictive-autoscaler decide",
        "Let it observe for some days, then see DEPLOYMENT.md, 'From observing to acting'",
    ]
    run.say()
    run.say("Next:")
    for number, step in enumerate(filter(None, steps), 1):
        run.say(f"  {number}. {step}")


def _usual_region() -> str:
    named = (os.environ.get(name) for name in ("AWS_REGION", "AWS_DEFAULT_REGION"))
    return next(filter(None, named), answers.DEFAULT_REGION)


def _ended(run: Run, reason: str, code: int) -> int:
    """Tell what stays behind."""
    so_far = "; ".join(run.done) or "nothing was written or changed"
    print(f"quick start: {reason}; {so_far}", file=sys.stderr, flush=True)
    return code
