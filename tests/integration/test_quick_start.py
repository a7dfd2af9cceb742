"""The quick start's dialogue: its questions, stopping at each of them, running it again.

With stand-ins for Terraform and the AWS command line; tests/e2e has it with the real ones.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from predictive_autoscaler.deployment.quick_start import main
from tests.helpers.clones import ACCOUNT, Clone, clone
from tests.helpers.commands import ROOT
from tests.helpers.powershell import parsed
from tests.helpers.terraform import Module, required

GOOD = ("dev", "eu-central-1", "state-bucket", "me@example.com", "Europe/Berlin")
# The last three: domain, whether to build, whether to apply.
ALL = (*GOOD, "", "yes", "yes")
FLAGS = (
    *("--region", "eu-central-1", "--state-bucket", "state-bucket"),
    *("--email", "me@example.com", "--timezone", "Europe/Berlin"),
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clone:
    # Where its temporary folders go, to see that they do not stay.
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return clone(tmp_path)


class Typed:
    """A standard input: answers, and what happens at the question after the last of them."""

    def __init__(self, answers: tuple[str, ...], then: str = "end") -> None:
        self.left = list(answers)
        self.then = then
        self.asked = 0

    def isatty(self) -> bool:
        return False

    def readline(self) -> str:
        self.asked += 1
        if self.left:
            return f"{self.left.pop(0)}\n"
        if self.then == "Ctrl-C":
            raise KeyboardInterrupt
        return "q\n" if self.then == "q" else ""


@pytest.fixture
def run(
    place: Clone, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Runner]:
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield Runner(place, monkeypatch, capfd)
    for number, handler in kept.items():
        signal.signal(number, handler)


class Runner:
    """`quick_start OPTIONS` in this process, with answers."""

    def __init__(
        self, place: Clone, patch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        self.place, self.patch, self.capfd = place, patch, capfd
        self.typed = Typed(())

    def __call__(
        self, *options: str, answers: tuple[str, ...] = (), then: str = "end", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        self.typed = Typed(answers, then)
        with self.patch.context() as patch:
            for name in [name for name in os.environ if name.startswith("AWS_")]:
                patch.delenv(name)
            for name, text in self.place.environment(**variables).items():
                if name != "TMPDIR":
                    patch.setenv(name, text)
            patch.setattr(sys, "stdin", self.typed)
            code = main(self.place.root, options)
        told = self.capfd.readouterr()
        return subprocess.CompletedProcess(list(options), code, told.out, told.err)


def changed(before: dict[str, bytes], place: Clone) -> set[str]:
    """Files that are new, gone or different."""
    return {name for name, _ in before.items() ^ place.files().items()}


class TestToTheEnd:
    def test_it_builds_makes_the_bucket_plans_asks_and_applies(
        self, run: Runner, place: Clone
    ) -> None:
        done = run(answers=ALL, BUCKET_SAYS="NoSuchBucket")
        assert done.returncode == 0, done.stderr
        assert place.terraform_calls() == [
            *("bootstrap init", "bootstrap apply"),
            *("init", "plan", "show", "apply", "output"),
        ]
        assert (place.root / "lambda" / "dist" / "predictive-autoscaler.zip").exists()
        (init,) = (line for line in place.calls() if "/terraform init" in line)
        for word in ("bucket=state-bucket", "region=eu-central-1", "environments/dev.s3.tfbackend"):
            assert f"-backend-config={word}" in init
        (plan,) = (line for line in place.calls() if " plan " in line)
        assert "-var-file=environments/dev.tfvars" in plan
        for word in (
            "about 285 USD a month",
            "1 to make, 0 to change, 0 to destroy",
            "mail that AWS has sent to me@example.com",
            "http://shop.example.com/health/",
            ". scripts/setup_env.sh",
        ):
            assert word in done.stdout

    def test_a_bucket_that_is_there_is_used_in_its_own_region(
        self, run: Runner, place: Clone
    ) -> None:
        done = run("--yes", *FLAGS, "--region", "eu-west-3")
        assert done.returncode == 0, done.stderr
        assert "bootstrap init" not in place.terraform_calls()
        assert any("-backend-config=region=eu-central-1" in line for line in place.calls())
        assert 'aws_region = "eu-west-3"' in place.tfvars.read_text()

    def test_a_bucket_that_was_made_by_half_is_finished(self, tmp_path: Path, run: Runner) -> None:
        state = (
            '{"resources": [{"mode": "managed", "type": "aws_s3_bucket", "instances": '
            '[{"attributes": {"bucket": "half-made"}}]}]}'
        )
        (run.place.root / "terraform" / "bootstrap" / "terraform.tfstate").write_text(state)
        done = run("--yes")
        assert done.returncode == 0, done.stderr
        (made,) = (line for line in run.place.calls() if "bootstrap apply" in line)
        assert "bucket=half-made -var aws_region=eu-central-1" in made

    def test_no_answer_takes_the_defaults(self, run: Runner, place: Clone) -> None:
        done = run("--yes", AWS_REGION="eu-west-1")
        assert done.returncode == 0, done.stderr
        assert run.typed.asked == 0
        text = place.tfvars.read_text()
        assert 'aws_region = "eu-west-1"' in text
        assert f"# state bucket: saleor-predictive-scaling-state-{ACCOUNT}\n" in text
        assert "alarms" not in text
        assert "nobody is told of alarms" in done.stdout

    def test_plan_only_touches_nothing_in_the_account(self, run: Runner, place: Clone) -> None:
        done = run("--yes", "--plan-only", *FLAGS, BUCKET_SAYS="NoSuchBucket")
        assert done.returncode == 0, done.stderr
        assert place.terraform_calls() == ["init", "plan", "show"]
        assert not [line for line in place.calls() if line.startswith(f"-chdir={place.root}")]
        assert not any("-backend-config" in line for line in place.calls())
        assert not list(place.root.rglob("*_override.tf"))
        assert not list(Path(tempfile.gettempdir()).iterdir())
        assert "nothing was applied" in done.stdout

    def test_a_plan_can_be_read_before_the_answer(self, run: Runner, place: Clone) -> None:
        done = run(answers=(*ALL[:-1], "details", "no"))
        assert done.returncode == 1
        assert "every single resource" in done.stdout
        assert "apply" not in place.terraform_calls()
        assert "terraform.tfvars is written; the Lambda's zip is built" in done.stderr

    def test_nothing_to_apply_is_nothing_to_ask(self, run: Runner, place: Clone) -> None:
        place.plan(shop=["no-op"])
        done = run(answers=ALL[:-1])
        assert done.returncode == 0, done.stderr
        assert "all is as it should be" in done.stdout
        assert "apply" not in place.terraform_calls()

    def test_what_destroys_is_named_and_takes_a_word_of_its_own(
        self, run: Runner, place: Clone
    ) -> None:
        place.plan(database=["delete", "create"], queue=["delete"], shop=["update"])
        refused = run("--yes", *FLAGS)
        assert refused.returncode == 1
        assert "1 to make, 1 to change, 2 to destroy" in refused.stdout
        assert "replaced: aws_thing.database" in refused.stdout
        assert "destroyed: aws_thing.queue" in refused.stdout
        assert "--accept-destroy" in refused.stderr
        assert "apply" not in place.terraform_calls()
        assert run("--yes", *FLAGS, "--accept-destroy").returncode == 0
        assert "apply" in place.terraform_calls()


class TestStopping:
    """At each question, in each way: nothing by half, and the same command carries on."""

    @pytest.mark.parametrize("then", ["q", "end", "Ctrl-C"])
    def test_at_every_question(self, run: Runner, place: Clone, then: str) -> None:
        before = place.files()
        for answered in range(len(ALL)):
            done = run(answers=ALL[:answered], then=then)
            assert done.returncode == (130 if then == "Ctrl-C" else 1), answered
            assert run.typed.asked == answered + 1
            assert "Traceback" not in done.stderr
            if answered < len(ALL) - 1:
                assert changed(before, place) == set()
                assert done.stderr.endswith("nothing was written or changed\n")
            assert not {"apply", "bootstrap apply"} & set(place.terraform_calls())
        assert changed(before, place) == {
            "terraform/terraform.tfvars",
            "lambda/dist/predictive-autoscaler.zip",
        }
        assert not list(Path(tempfile.gettempdir()).iterdir())
        assert run(answers=("",) * (len(ALL) - 1) + ("yes",)).returncode == 0

    @pytest.mark.parametrize(
        ("fails", "told"),
        [
            ("credentials", "Unable to locate credentials"),
            ("build", "the Lambda's zip ended with code 1"),
            ("init", "init went wrong"),
            ("plan", "plan went wrong"),
            ("apply", "terraform apply ended with code 1"),
        ],
    )
    def test_where_a_step_fails(self, run: Runner, place: Clone, fails: str, told: str) -> None:
        done = run("--yes", *FLAGS, FAILS=fails)
        assert done.returncode == 1
        assert told in done.stderr
        assert "Traceback" not in done.stderr
        assert place.tfvars.exists() == (fails != "credentials")
        assert not list(Path(tempfile.gettempdir()).iterdir())
        assert run("--yes", *FLAGS).returncode == 0

    def test_after_the_apply_it_is_told_that_it_was_done(self, run: Runner) -> None:
        done = run("--yes", *FLAGS, FAILS="output")
        assert done.returncode == 1
        assert "output went wrong" in done.stderr
        assert done.stderr.endswith("the plan is applied\n")

    def test_what_cannot_be_read_is_not_replaced(self, run: Runner, place: Clone) -> None:
        place.tfvars.write_bytes(b'aws_region = "\xff"\n')
        before = place.files()
        done = run("--yes", *FLAGS)
        assert done.returncode == 2
        assert "terraform/terraform.tfvars is no UTF-8 text" in done.stderr
        assert changed(before, place) == set()

    def test_an_old_terraform_is_refused_at_once(self, run: Runner, place: Clone) -> None:
        done = run("--yes", *FLAGS, TERRAFORM_VERSION="1.10.5")
        assert done.returncode == 2
        assert "Terraform 1.10.5: 1.11 or newer is needed" in done.stderr
        assert place.terraform_calls() == []

    def test_a_bucket_of_somebody_else_is_refused_before_anything_is_written(
        self, run: Runner, place: Clone
    ) -> None:
        before = place.files()
        done = run("--yes", *FLAGS, BUCKET_SAYS="AccessDenied")
        assert done.returncode == 1
        assert f"state-bucket belongs to another account than {ACCOUNT}" in done.stderr
        assert changed(before, place) == set()

    def test_another_bucket_than_the_one_made_here_is_refused(self, run: Runner) -> None:
        state = (
            '{"resources": [{"mode": "managed", "type": "aws_s3_bucket", "instances": '
            '[{"attributes": {"bucket": "first"}}]}]}'
        )
        (run.place.root / "terraform" / "bootstrap" / "terraform.tfstate").write_text(state)
        done = run("--yes", *FLAGS)
        assert done.returncode == 2
        assert "'state-bucket'" in done.stderr
        assert "'first'" in done.stderr

    def test_an_interrupt_while_applying_lets_terraform_end_and_reaches_it_once(
        self, place: Clone
    ) -> None:
        """Through the shell script, as from a terminal or a service."""
        process = subprocess.Popen(
            [place.root / "scripts" / "quick_start.sh", "--yes", *FLAGS],
            env=place.environment(SLOW="yes"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        until = time.monotonic() + 20
        while "slow" not in place.calls() and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=20)
        assert process.returncode == 130
        assert place.calls().count("interrupted") == 1
        assert "waiting until terraform apply has ended" in told
        assert "the same command carries on" in told


class TestAnswers:
    def test_a_wrong_one_is_asked_again_with_what_is_allowed(
        self, run: Runner, place: Clone
    ) -> None:
        wrong = ("test", "dev", "europe", "eu-central-1", "A_B", "state-bucket", "me", "me@x.org")
        done = run(answers=(*wrong, "Berlin!", "UTC", "Shop", "", "no"))
        assert done.returncode == 1
        for complaint in (
            "environment is 'test'; allowed is dev, staging, prod",
            "aws_region is 'europe'; allowed is a region's code",
            "the state's bucket is 'A_B'; allowed is 3 to 63",
            "alarms.email is 'me'; allowed is an e-mail address",
            "controller.timezone is 'Berlin!'; allowed is an IANA zone",
            "domain is 'Shop'; allowed is a host name",
        ):
            assert complaint in done.stdout
        assert not place.tfvars.exists()

    @pytest.mark.parametrize(
        ("option", "value", "told"),
        [
            ("--environment", "test", "environment is 'test'"),
            ("--region", "Frankfurt", "aws_region is 'Frankfurt'"),
            ("--state-bucket", "a", "the state's bucket is 'a'"),
            ("--email", "me", "alarms.email is 'me'"),
            ("--timezone", "", "controller.timezone is ''"),
            ("--timezone", "Mars/X", "controller.timezone is 'Mars/X'; allowed is an IANA zone"),
            ("--certificate-arn", "arn:aws:acm:x", "needs a domain"),
        ],
    )
    def test_a_wrong_option_is_refused(
        self, run: Runner, place: Clone, option: str, value: str, told: str
    ) -> None:
        done = run("--yes", option, value)
        assert done.returncode == 2
        assert told in done.stderr
        assert not place.tfvars.exists()

    def test_options_are_not_asked_for(self, run: Runner) -> None:
        done = run(*FLAGS, "--environment", "staging", answers=("", "", "no"))
        assert run.typed.asked == 3
        assert "about 506 USD" in done.stdout
        assert "Time zone" not in done.stdout

    def test_a_certificate_is_asked_for_with_a_domain_only(self, run: Runner, place: Clone) -> None:
        certificate = "arn:aws:acm:eu-central-1:111122223333:certificate/1"
        shop = ("shop.example.com", certificate, "Z0123456789ABCDEFGHIJ")
        assert run(answers=(*GOOD, *shop, "yes", "yes")).returncode == 0
        text = place.tfvars.read_text()
        assert f'certificate_arn = "{certificate}"' in text
        assert 'hosted_zone_id  = "Z0123456789ABCDEFGHIJ"' in text

    def test_an_environment_that_sets_the_same_is_told_of(self, run: Runner, place: Clone) -> None:
        file = place.root / "terraform" / "environments" / "prod.tfvars"
        with file.open("a") as added:
            added.write("\nalarms = {\n  p95_seconds = 2\n}\n")
        done = run("--yes", "--environment", "prod", *FLAGS)
        assert "prod.tfvars sets alarms, which goes before what was answered" in done.stdout
        assert "look at ami_id in prod.tfvars" in done.stdout
        with file.open("a") as added:
            added.write('\naws_region = "us-west-2"\n')
        done = run("--yes", "--environment", "prod", *FLAGS)
        assert done.returncode == 2
        assert "prod.tfvars sets 'us-west-2'" in done.stderr


class TestAgain:
    def test_earlier_answers_are_the_defaults(self, run: Runner, place: Clone) -> None:
        assert run(answers=ALL).returncode == 0
        first = place.tfvars.read_text()
        done = run(answers=("",) * 6 + ("yes", "yes"), AWS_REGION="us-west-2")
        assert done.returncode == 0
        assert place.tfvars.read_text() == first
        for answer in (*GOOD[:2], GOOD[2], *GOOD[3:]):
            assert f"[{answer}]: " in done.stdout
        assert "terraform.tfvars is written" not in done.stdout
        changed_one = run(answers=("", "", "", "-", "", "", "yes", "yes"))
        assert changed_one.returncode == 0
        assert "alarms" not in place.tfvars.read_text()
        assert not list(place.tfvars.parent.glob("terraform.tfvars.before"))

    @pytest.mark.parametrize("choice", ["keep", "write", "quit"])
    def test_what_was_changed_by_hand_is_asked_about(
        self, run: Runner, place: Clone, choice: str
    ) -> None:
        assert run("--yes", *FLAGS).returncode == 0
        by_hand = place.tfvars.read_text() + '\ncontroller = {\n  mode = "full"\n}\n'
        place.tfvars.write_text(by_hand)
        others = {"keep": ("", ""), "write": ("",) * 6, "quit": ()}[choice]
        done = run(answers=(choice, *others, "yes", "yes"))
        assert "was changed by hand" in done.stdout
        assert done.returncode == (1 if choice == "quit" else 0)
        kept = place.tfvars.with_name("terraform.tfvars.before")
        if choice == "write":
            assert "full" not in place.tfvars.read_text()
            assert kept.read_text() == by_hand
        else:
            assert place.tfvars.read_text() == by_hand
            assert not kept.exists()

    def test_without_questions_it_stays_and_options_do_not_pass_it_by(
        self, run: Runner, place: Clone
    ) -> None:
        by_hand = 'aws_region = "eu-west-3"\nalarms = { email = "a@example.com" }\n'
        place.tfvars.write_text(by_hand)
        assert run("--yes", "--state-bucket", "b-1").returncode == 0
        assert place.tfvars.read_text() == by_hand
        assert any("--region eu-west-3" in line for line in place.calls())
        refused = run("--yes", "--region", "eu-central-1")
        assert refused.returncode == 2
        assert "says 'eu-west-3': change it there, or give --overwrite" in refused.stderr
        assert run("--yes", "--overwrite", *FLAGS).returncode == 0
        assert 'email = "me@example.com"' in place.tfvars.read_text()

    def test_a_file_without_a_region_is_terraforms_own_default(
        self, run: Runner, place: Clone
    ) -> None:
        place.tfvars.write_text("# nothing yet\n")
        done = run("--yes", "--plan-only", AWS_REGION="eu-west-3")
        assert "region us-east-1" in done.stdout


class TestScripts:
    def test_the_shell_script_asks_at_a_terminal_and_ctrl_c_stops_it(self, place: Clone) -> None:
        import pty

        leader, follower = pty.openpty()
        process = subprocess.Popen(
            [place.root / "scripts" / "quick_start.sh"],
            env=place.environment(),
            stdin=follower,
            stdout=follower,
            stderr=follower,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(follower)
        said = b""
        while b"Environment: " not in said:
            said += os.read(leader, 4096)
        os.write(leader, b"\x03")
        while True:
            try:
                more = os.read(leader, 4096)
            except OSError:  # Nobody is left at the other end.
                break
            said += more
            if not more:
                break
        os.close(leader)
        assert process.wait(timeout=10) == 130
        assert b"interrupted; nothing was written or changed" in said
        assert b"Traceback" not in said

    @pytest.mark.parametrize("name", ["quick_start", "setup_env"])
    def test_an_old_python_is_told_which_one_is_needed(self, name: str) -> None:
        text = (ROOT / "scripts" / f"{name}.py").read_text()
        script = f"import sys; sys.version_info = (3, 8, 18); sys.version = '3.8.18'\n{text}"
        script = script.replace("__file__", "'scripts/x.py'")
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert done.stderr == (
            "error: Python 3.11 or newer is needed, not 3.8.18; PYTHON names another one\n"
        )

    @pytest.mark.parametrize("name", ["quick_start", "setup_env"])
    def test_the_powershell_script_can_be_parsed_and_only_calls_the_same_script(
        self, name: str
    ) -> None:
        text = parsed(ROOT / "scripts" / f"{name}.ps1")
        assert f"'{name}.py'".encode() in text
        assert len(re.findall(rb"& (?:\$env:PYTHON|py -3|python3) \$script ", text)) == 3
        assert b"Invoke-Expression" not in text


@pytest.mark.parametrize("document", ["README.md", "DEPLOYMENT.md"])
def test_what_the_documents_tell_to_type_works(run: Runner, document: str) -> None:
    text = (ROOT / document).read_text().replace("\\\n", " ")
    typed = re.findall(r"^ *scripts/quick_start\.sh(.*)$", text, re.MULTILINE)
    assert typed
    for line in typed:
        words = line.replace("STATE_BUCKET", "state-bucket").split()
        done = run(*words, answers=("",) * 6 + ("yes", "no" if "--plan-only" not in words else ""))
        told = done.stdout + done.stderr
        assert ("not applied" in told) if not words else done.returncode == 0, told


def test_the_file_is_formatted_and_read_back_by_terraform(run: Runner, place: Clone) -> None:
    """An answer that looks like an expression is a text."""
    required("terraform")
    email = 'a"b\\${path.module}%{if}@example.com'
    shop = ("--domain", "shop.example.com", "--hosted-zone-id", "Z1")
    assert run("--yes", *FLAGS, "--email", email, *shop).returncode == 0
    folder = place.stand_ins / "module"
    folder.mkdir()
    for source in (place.tfvars, ROOT / "terraform" / "variables.tf"):
        (folder / source.name).write_bytes(source.read_bytes())
    module = Module(folder)
    assert module.run("fmt", "-check", "-no-color").returncode == 0
    (folder / "show.tf").write_text('output "email" {\n  value = var.alarms.email\n}\n')
    module.succeed("init", "-no-color")
    shown = email.replace("\\", "\\\\").replace('"', '\\"')
    assert f'email = "{shown}"\n' in module.succeed("plan", "-no-color")
    again = run("--yes", "--plan-only")
    assert again.returncode == 0
    assert "changed by hand" not in again.stdout


def _take_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
