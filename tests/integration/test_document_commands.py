"""Every command that a document tells to type exists, with its options; nothing is run here.

tests/e2e/test_document_blocks.py runs them.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, cast

import botocore.session
import jmespath
import pytest
import typer
from botocore import xform_name

from predictive_autoscaler.cli import app, training_app
from predictive_autoscaler.deployment.quick_start import parser as quick_start_parser
from predictive_autoscaler.deployment.terraform import Place
from predictive_autoscaler.errors import UsageError as OurUsageError
from predictive_autoscaler.loadtest.command import parser as load_test_parser
from predictive_autoscaler.storefront.command import parser as storefront_parser
from tests.helpers.commands import ROOT
from tests.helpers.documents import documents, shell_commands, without_blocks

PROGRAM = "predictive-autoscaler"
COMMANDS = [(document, command) for document in documents() for command in shell_commands(document)]
AWS_GLOBAL = {"--output", "--query", "--max-items", "--region", "--profile"}
AWS_OWN = {("logs", "tail"): {"--since", "--follow", "--filter-pattern"}, ("s3", "cp"): set[str]()}
"""Commands that the AWS command line adds to those of the services."""
TERRAFORM = {"init", "plan", "apply", "destroy", "output", "test"}
SHELL_ONLY = {"cd", "export", "eval", "curl", "docker", "pipx", "sudo"}


# Typer brings a Click of its own, and shows only this descendant of its usage errors.
UsageError = cast(type[Exception], typer.BadParameter.__bases__[0])


class WrongCommandError(Exception):
    """A document tells of something that there is not."""


@cache
def program() -> dict[str, Any]:
    """Name -> command."""
    commands: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    return commands


@cache
def make_targets() -> frozenset[str]:
    text = (ROOT / "Makefile").read_text()
    return frozenset(re.findall(r"^([a-z-]+):", text, re.MULTILINE))


@cache
def make_variables() -> frozenset[str]:
    return frozenset(re.findall(r"\b([A-Z][A-Z_]+)\b", (ROOT / "Makefile").read_text()))


def check_make(words: Sequence[str]) -> None:
    for word in words:
        name, assigned, _ = word.partition("=")
        if name not in (make_variables() if assigned else make_targets()):
            raise WrongCommandError(f"make knows no {name}")


def check_options(command: Any, words: Sequence[str]) -> None:
    """Parse without running."""
    try:
        command.make_context(command.name, list(words))
    except (UsageError, OurUsageError) as error:
        raise WrongCommandError(str(error)) from error


def check_program(words: Sequence[str]) -> None:
    if words in (["--help"], ["--install-completion"]):
        return
    name = words[0] if words else ""
    command = program().get(name)
    if command is None:
        raise WrongCommandError(f"{PROGRAM} has no command {name!r}")
    check_options(command, words[1:])


def check_python(words: Sequence[str]) -> None:
    script, *rest = words
    if script == "-m":
        if rest[0] != "predictive_autoscaler.storefront":
            raise WrongCommandError(f"no module {rest[0]} is told of")
        check_parser(storefront_parser, rest[1:])
    elif not (ROOT / script).is_file():
        raise WrongCommandError(f"there is no {script}")
    elif script == "ml-model/train_model.py":
        check_options(typer.main.get_command(training_app), rest)
    else:
        source = (ROOT / script).read_text()
        for word in rest:
            if word.startswith("--") and f'"{word}"' not in source:
                raise WrongCommandError(f"{script} has no {word}")


def check_parser(make_parser: Callable[[], Any], words: Sequence[str]) -> None:
    try:
        make_parser().parse_args(list(words))
    except SystemExit as error:
        if error.code:
            raise WrongCommandError(f"wrong options: {words}") from error


def check_terraform(words: Sequence[str]) -> None:
    chdir = [word for word in words if word.startswith("-chdir=")]
    folder = ROOT / (chdir[0].partition("=")[2] if chdir else "terraform")
    command, *rest = (word for word in words if word not in chdir)
    if command not in TERRAFORM:
        raise WrongCommandError(f"terraform {command} is not told of")
    for word in rest:
        name, _, value = word.partition("=")
        files = name in ("-var-file", "-filter") or value.endswith(".tfbackend")
        if files and not (folder / value).is_file():
            raise WrongCommandError(f"there is no {value}")
    if command == "output":
        outputs = (folder / "outputs.tf").read_text()
        for word in rest:
            if not word.startswith("-") and f'output "{word}"' not in outputs:
                raise WrongCommandError(f"there is no output {word}")


@cache
def aws_service(name: str) -> Any:
    try:
        return botocore.session.get_session().get_service_model(name)
    except botocore.exceptions.UnknownServiceError as error:
        raise WrongCommandError(f"AWS has no service {name}") from error


def check_aws(words: Sequence[str]) -> None:
    service, command, *rest = words
    options = {word for word in rest if word.startswith("--")}
    query = rest[rest.index("--query") + 1] if "--query" in rest else None
    if (service, command) in AWS_OWN:
        unknown = options - AWS_OWN[service, command]
    else:
        model = aws_service(service)
        operations = {xform_name(name, "-"): name for name in model.operation_names}
        if command not in operations:
            raise WrongCommandError(f"{service} has no {command}")
        operation = model.operation_model(operations[command])
        members = {f"--{xform_name(name, '-')}" for name in operation.input_shape.members}
        unknown = options - members - AWS_GLOBAL
        for name in operation.input_shape.required_members:
            if f"--{xform_name(name, '-')}" not in options:
                raise WrongCommandError(f"{command} needs {name}")
        if query is not None:
            check_query(query, operation.output_shape.members)
    if unknown:
        raise WrongCommandError(f"{service} {command} has no {', '.join(sorted(unknown))}")


def check_query(query: str, members: dict[str, Any]) -> None:
    """Its first names are of the answer."""
    jmespath.compile(query)
    for name in re.findall(
        r"(?:^\[?|, ?)(\w+)(?=[\[,.\]]|$)", query.split("[].")[0].split("[0]")[0]
    ):
        if name not in members:
            raise WrongCommandError(f"the answer has no {name}")


def parts(command: str) -> list[str]:
    """The command, and each that stands in `$(…)` in it."""
    inner = re.findall(r"\$\(((?:[^()]|\([^()]*\))*)\)", command)
    outer = re.sub(r"\$\((?:[^()]|\([^()]*\))*\)", "X", command)
    found = [] if re.fullmatch(r'"?[\w]+=("?X"?|\S*)', outer) else [outer]
    for text in inner:
        found += parts(text)
    return found


def check(command: str) -> None:
    """Raise if it is nothing that there is."""
    for part in parts(command.removesuffix("&").strip()):
        first, *rest = shlex.split(part.split(" | ")[0])
        if first == "make":
            check_make(rest)
        elif first.rpartition("/")[2] == PROGRAM:
            check_program(rest)
        elif first == ".venv/bin/python":
            check_python(rest)
        elif first == "locust/run_test.sh":
            check_parser(load_test_parser, rest)
        elif first.endswith("scripts/quick_start.sh"):
            check_parser(partial(quick_start_parser, Place(ROOT)), rest)
        elif first == "." and rest == ["scripts/setup_env.sh"]:
            continue
        elif first == "terraform":
            check_terraform(rest)
        elif first == "aws":
            check_aws(rest)
        elif first not in SHELL_ONLY | {"echo", "date"}:
            raise WrongCommandError(f"{first} is nothing that is known here")


def test_every_command_of_every_document_exists() -> None:
    wrong = []
    for document, command in COMMANDS:
        try:
            check(command)
        except WrongCommandError as error:
            wrong.append(f"{document}: {command}: {error}")
    assert wrong == []
    assert len(COMMANDS) > 80


@pytest.mark.parametrize(
    "command",
    [
        "make tea",
        "make demo TEA=green",
        "make quality TRACES=traces brew",
        ".venv/bin/predictive-autoscaler fly",
        ".venv/bin/predictive-autoscaler decide --loud",
        ".venv/bin/predictive-autoscaler collect --days many",
        ".venv/bin/python scripts/absent.py",
        ".venv/bin/python scripts/rebuild_traces.py --outt traces",
        ".venv/bin/python ml-model/train_model.py --publishh",
        ".venv/bin/python -m predictive_autoscaler.storefront --sort fast",
        "locust/run_test.sh --scenario stampede --host URL",
        "terraform plan -var-file=environments/test.tfvars",
        "terraform -chdir=terraform output -raw absent",
        "X=$(terraform -chdir=terraform output -raw absent)",
        'eval "$(terraform -chdir=terraform output -raw absent)"',
        "terraform brew",
        "aws autoscaling describe-groups",
        "aws rds describe-db-instances --identifier x",
        "aws lambda get-function-configuration --query Memory",
        "aws autoscaling set-desired-capacity --desired-capacity 8",
        "aws logs tail x --loud",
        "aws teapot brew",
        "brew tea",
    ],
)
def test_what_there_is_not_is_found(command: str) -> None:
    with pytest.raises(WrongCommandError):
        check(command)


def inline() -> set[str]:
    """Commands of ours in the running text: after the program's name, or alone with options."""
    found = set()
    for document in documents():
        for text in re.findall(r"`([^`]+)`", without_blocks(document)):
            words = text.replace(".venv/bin/", "").split()
            if words[0] == PROGRAM and len(words) > 1:
                found.add(" ".join(words[1:]))
            elif words[0] in program() and any(word.startswith("--") for word in words):
                found.add(" ".join(words))
    return found


def test_every_command_in_the_running_text_exists_with_its_options() -> None:
    assert len(inline()) > 12
    wrong = []
    for text in sorted(inline()):
        name, *rest = text.split()
        command = program().get(name)
        options = {word for word in rest if word.startswith("--")}
        known = {option for found in command.params for option in found.opts} if command else set()
        if not name.startswith("-") and (command is None or not options <= known):
            wrong.append(text)
    assert wrong == []
