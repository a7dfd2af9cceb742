"""What the quick start asks for, and which answers Terraform would take."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, fields, replace
from zoneinfo import available_timezones

from predictive_autoscaler.errors import UsageError

DEFAULT_REGION = "us-east-1"
DEFAULT_TIMEZONE = "UTC"


@dataclass(frozen=True)
class Answers:
    """One setting-up; an empty text is a setting that is left out.

    Attributes:
        environment: a file of terraform/environments, without its suffix.
        region: of everything, except of a state bucket that there is already.
        state_bucket: S3 bucket of Terraform's state.
        email: who is told of alarms.
        domain, certificate_arn, hosted_zone_id: the shop's own name, HTTPS, and the record for it.
        timezone: IANA zone in which the users' hours are counted.
    """

    environment: str = "dev"
    region: str = DEFAULT_REGION
    state_bucket: str = ""
    email: str = ""
    domain: str = ""
    certificate_arn: str = ""
    hosted_zone_id: str = ""
    timezone: str = DEFAULT_TIMEZONE

    def with_answer(self, name: str, text: str) -> Answers:
        """The same with one answer changed."""
        return replace(self, **{name: text})

    def of(self, name: str) -> str:
        """The answer of that name."""
        text: str = getattr(self, name)
        return text


@dataclass(frozen=True)
class Question:
    """One thing to be asked.

    Attributes:
        name: of the field of `Answers`; with hyphens it is the option of the command line.
        setting: as messages name it, which is what Terraform calls it.
        text: what is asked.
        pattern: of the whole answer.
        allowed: the same in words.
        optional: whether it may be left empty.
        only_with: another answer that must have been given for this to make sense.
        known: all answers that there are; if it finds none here, the pattern alone decides.
    """

    name: str
    setting: str
    text: str
    pattern: str
    allowed: str
    optional: bool = False
    only_with: str = ""
    known: Callable[[], Set[str]] = frozenset

    @property
    def option(self) -> str:
        """On the command line."""
        return "--" + self.name.replace("_", "-")

    def applies(self, answers: Answers) -> bool:
        """Whether it is worth asking."""
        return not self.only_with or answers.of(self.only_with) != ""

    def complaint(self, answer: str) -> str | None:
        """What is wrong with an answer; None if nothing is."""
        if self.optional and not answer:
            return None
        known = self.known()
        if re.fullmatch(self.pattern, answer) and (answer in known or not known):
            return None
        return f"{self.setting} is {answer!r}; allowed is {self.allowed}"


# The patterns are those of terraform/variables.tf; a test holds them together.
IN_TFVARS = (
    Question(
        name="email",
        setting="alarms.email",
        text="E-mail address that alarms go to (empty: nobody is told)",
        pattern=r"[^@\s]+@[^@\s]+",
        allowed="an e-mail address, or nothing",
        optional=True,
    ),
    Question(
        name="timezone",
        setting="controller.timezone",
        text="Time zone of the shop's users",
        pattern=r"[A-Za-z]+(/[A-Za-z0-9_+-]+)*",
        allowed="an IANA zone, such as Europe/Berlin",
        # Terraform has no list of them; the controller would refuse its settings after the apply.
        known=available_timezones,
    ),
    Question(
        name="domain",
        setting="domain",
        text="Host name of the shop (empty: the load balancer's own)",
        pattern=r"([a-z0-9-]+\.)+[a-z]{2,}",
        allowed="a host name in lower case, such as shop.example.com, or nothing",
        optional=True,
    ),
    Question(
        name="certificate_arn",
        setting="certificate_arn",
        text="ARN of its ACM certificate (empty: no HTTPS)",
        pattern=r"arn:[^:\s]+:acm:\S*",
        allowed="the ARN of an ACM certificate, or nothing",
        optional=True,
        only_with="domain",
    ),
    Question(
        name="hosted_zone_id",
        setting="hosted_zone_id",
        text="Route 53 zone to write its record into (empty: no record)",
        pattern=r"[A-Z0-9]{1,32}",
        allowed="a zone's id, such as Z0123456789ABCDEFGHIJ, or nothing",
        optional=True,
        only_with="domain",
    ),
)
REGION = Question(
    name="region",
    setting="aws_region",
    text="AWS region of everything",
    pattern=r"[a-z]{2}(-[a-z]+)+-[0-9]",
    allowed="a region's code, such as eu-central-1",
)
STATE_BUCKET = Question(
    name="state_bucket",
    setting="the state's bucket",
    text="Bucket of Terraform's state (made if there is none)",
    pattern=r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]",
    allowed="3 to 63 of a-z, 0-9 and inner hyphens",
)


def environment_question(names: Sequence[str]) -> Question:
    """Which environment, of those that there are files for."""
    return Question(
        name="environment",
        setting="environment",
        text=f"Environment: {', '.join(names)}",
        pattern="|".join(map(re.escape, names)),
        allowed=", ".join(names),
    )


def questions(names: Sequence[str]) -> tuple[Question, ...]:
    """All of them, in the order in which they are asked."""
    return (environment_question(names), REGION, STATE_BUCKET, *IN_TFVARS)


def check(answers: Answers, asked: Sequence[Question]) -> None:
    """Refuse answers that Terraform would refuse.

    Raises:
        UsageError: names the setting, the answer and what is allowed.
    """
    for question in asked:
        answer = answers.of(question.name)
        complaint = question.complaint(answer)
        if complaint is None and answer and not question.applies(answers):
            complaint = f"{question.setting} is {answer!r}, and needs a {question.only_with}"
        if complaint is not None:
            raise UsageError(complaint)


def names_of_answers() -> tuple[str, ...]:
    """Every field."""
    return tuple(field.name for field in fields(Answers))
