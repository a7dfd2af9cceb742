"""`monitor` against the simulated AWS: each component, as text and JSON, on good and bad lines."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from predictive_autoscaler.adapters.aws.clients import Clients
from predictive_autoscaler.cli import console
from predictive_autoscaler.core.types import utc_text
from predictive_autoscaler.demo.local_aws import GROUP
from tests.helpers.commands import ROOT, call, complaint, json_of, succeeded
from tests.helpers.faulty_line import State, faulty_line
from tests.helpers.monitored import FUNCTION, RINGING, Monitored, monitored
from tests.helpers.powershell import parsed

Command = Callable[..., "subprocess.CompletedProcess[str]"]
ACTIONS = {
    "DescribeAutoScalingGroups": ["autoscaling:DescribeAutoScalingGroups"],
    "DescribeAlarms": ["cloudwatch:DescribeAlarms"],
    "GetMetricData": ["cloudwatch:GetMetricData"],
    "ListObjectsV2": ["s3:ListBucket"],
    "GetObject": ["s3:GetObject", "s3:ListBucket", "kms:Decrypt"],
}
"""What the reader's role must be allowed, by what is asked of AWS."""
SCRIPT = ROOT / "scripts" / "monitor.sh"


@pytest.fixture(scope="module")
def made() -> Iterator[Monitored]:
    with monitored() as found:
        yield found


@pytest.fixture
def command(
    made: Monitored, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Command:
    """`monitor --once …` in this process."""

    def once(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {**made.environment, **variables}
        return call(capfd, monkeypatch, "monitor", "--once", *arguments, env=environment)

    return once


def words(done: subprocess.CompletedProcess[str]) -> str:
    return " ".join(succeeded(done).split())


class TestComponents:
    def test_asg(self, made: Monitored, command: Command) -> None:
        told = words(command("--component", "asg"))
        decision = made.records[-1]["groups"][GROUP]["decision"]
        after = decision["after_instances"]
        newcomers = made.records[0]["groups"][GROUP]["decision"]["after_instances"]
        assert f"{after} in service · {after} desired" in told
        assert f"{decision['wish_instances']} wanted by the forecast, {after} decided" in told
        assert f"{made.newest:%H:%M}" in told
        assert f"from 12 to {newcomers}" in told
        assert "Traffic" not in told

    def test_metrics(self, command: Command) -> None:
        told = words(command("--component", "metrics"))
        for measure in ("requests/min", "failed/min", "latency", "CPU"):
            assert measure in told
        assert "▒ 90 % band by forest until" in told
        assert "░ 90 % band by seasonal until" in told
        assert "expected a peak of" in told

    def test_model(self, made: Monitored, command: Command) -> None:
        told = words(command("--component", "model"))
        assert made.trained.card.model_id in told
        assert "can be used" in told
        assert "forecast by: forest" in told

    def test_lambda(self, command: Command) -> None:
        told = words(command("--component", "lambda", "--alarm-prefix", "shop-"))
        assert "one is due every 5 min" in told
        assert f"{FUNCTION}: 11 calls in the last hour (12 are due), 1 failed" in told
        assert "longest 0.9 s" in told

    def test_alarms(self, command: Command) -> None:
        told = words(command("--component", "alarms"))
        assert f"{RINGING}: The slowest 5 % of requests take longer than 1 s" in told
        assert "1 ringing, 1 quiet" in told
        assert "1 ringing, 2 quiet" in words(command("--component", "alarms", ALARM_PREFIX="shop-"))

    def test_json_is_one_document(self, made: Monitored, command: Command) -> None:
        content = json_of(command("--json", "--function", FUNCTION))
        assert content["group"] == GROUP
        assert content["decisions"]["value"][0]["slot"] == utc_text(made.newest)
        assert content["model"]["value"]["model_id"] == made.trained.card.model_id
        assert content["outlook"]["value"]["ahead"][0]["rung"] == "forest"
        assert content["calls"]["value"]["errors"] == 1
        assert content["traffic"]["value"]["period_seconds"] == 300
        assert {content[name]["error"] for name in ("capacity", "alarms", "calls")} == {""}

    def test_all_in_sixty_columns_changes_nothing_and_asks_little(
        self, command: Command, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """And docs/monitor.md names what the reader's role needs for it."""
        made = asked(monkeypatch)
        # The terminal's width is asked for when the console is made, which may be long ago.
        monkeypatch.setattr(console.out, "width", 60)
        told = succeeded(command("--function", FUNCTION))
        assert max(map(len, told.splitlines())) <= 60
        assert "\x1b" not in told
        for title in ("Instances", "Alarms", "Traffic", "Model", "Lambda"):
            assert f"\n{title}" in told
        wrote = [name for name in made if re.match("Put|Set|Create|Delete|Update", name)]
        assert wrote == []
        assert made["DescribeAutoScalingGroups"] == made["DescribeAlarms"] == 1
        # Traffic, the function, and nine days of history, a day each; the present one has
        # perhaps just begun.
        assert made["GetMetricData"] in (1 + 1 + 9, 1 + 1 + 9 + 1)
        # Six records, the model's pointer and two files, and the kept days, of which there are
        # as many as the controller's first tick has finished.
        # Listings of the models' pointers and of what operators have said. A third one looks for
        # the newest record, if an interval has begun since the last one.
        assert made["ListObjectsV2"] in (2, 3)
        assert made["GetObject"] <= 6 + 3 + 10
        document = (ROOT / "docs" / "monitor.md").read_text()
        assert {name: ACTIONS[name] for name in made} == ACTIONS
        assert set(re.findall(r"^ +\"([a-z0-9]+:[A-Za-z]+)\",?$", document, re.MULTILINE)) == {
            action for actions in ACTIONS.values() for action in actions
        }


def asked(patch: pytest.MonkeyPatch) -> Counter[str]:
    """Have every client that is made from now on count its calls."""
    counted: Counter[str] = Counter()
    make = Clients._make

    def counting(self: Clients, service: str) -> Any:
        client = make(self, service)
        client.meta.events.register("after-call.*", lambda model, **_: counted.update([model.name]))
        return client

    patch.setattr(Clients, "_make", counting)
    return counted


class TestWrongOptions:
    @pytest.mark.parametrize(
        ("arguments", "wrong"),
        [
            (("--refresh-interval", "0"), "--refresh-interval is 0; allowed is 1 to 3600"),
            (("--refresh-interval", "3601"), "--refresh-interval is 3601; allowed is 1 to 3600"),
            (("--refresh-interval", "soon"), "--refresh-interval"),
            (("--component", "disk"), "--component"),
        ],
    )
    def test_they_are_refused(
        self, command: Command, arguments: tuple[str, ...], wrong: str
    ) -> None:
        done = command(*arguments)
        assert done.returncode == 2
        assert wrong in done.stderr

    def test_a_setting_that_is_missing(self, command: Command) -> None:
        assert "S3_BUCKET is not set" in complaint(command(S3_BUCKET=""), 2)

    def test_a_group_that_is_not_there_is_told_beside_what_is(self, command: Command) -> None:
        told = command("--component", "asg", "--asg-name", "nobody")
        missing = "there is no group 'nobody'; check ASG_NAME and AWS_REGION"
        assert f"✗ {missing}." in " ".join(told.stdout.split())
        assert complaint(told) == f"asg could not be read: {missing}"

    def test_a_bucket_that_is_not_there(self, command: Command) -> None:
        told = complaint(command("--component", "lambda", "--bucket", "nosuch"))
        assert told.startswith("lambda could not be read: ")


class TestBadLines:
    @pytest.mark.parametrize(
        ("state", "words"),
        [
            (State.CUT, "check the network, AWS_REGION and AWS_ENDPOINT_URL"),
            # boto3 tries again by itself first, which takes seconds.
            pytest.param(State.THROTTLED, "Throttling: Rate exceeded", marks=pytest.mark.slow),
        ],
    )
    def test_nothing_could_be_read(
        self, made: Monitored, command: Command, state: State, words: str
    ) -> None:
        with faulty_line(made.aws.endpoint) as line:
            line.state = state
            done = command("--component", "asg", AWS_ENDPOINT_URL=line.address)
        message = complaint(done)
        assert message.startswith("asg could not be read: autoscaling:DescribeAutoScalingGroups")
        assert "Next try" not in done.stdout
        assert words in message
        assert "✗ autoscaling:DescribeAutoScalingGroups" in done.stdout

    @pytest.mark.slow
    def test_throttled_then_cut_then_well_again(self, made: Monitored) -> None:
        """The last good facts stay, with the error beside them."""
        with faulty_line(made.aws.endpoint) as line:
            environment = {**made.environment, "AWS_ENDPOINT_URL": line.address}
            with streaming(environment, "--component", "asg") as documents:
                good = next(documents)["capacity"]
                assert good["error"] == ""
                line.state = State.THROTTLED
                throttled = first(documents, lambda one: "Rate exceeded" in one["error"])
                assert throttled["value"] == good["value"]
                assert throttled["read_at"] >= good["read_at"]
                assert throttled["retry_at"] > throttled["read_at"]
                line.state = State.CUT
                cut = first(documents, lambda one: "check the network" in one["error"])
                assert cut["value"] == good["value"]
                assert cut["read_at"] == throttled["read_at"]
                line.state = State.OPEN
                healed = first(documents, lambda one: not one["error"])
                assert healed["read_at"] > throttled["read_at"]


def first(documents: Iterator[Any], fits: Callable[[Any], bool]) -> Any:
    """The group's capacity in the first document in which it is so."""
    return next(one["capacity"] for one in documents if fits(one["capacity"]))


@contextmanager
def streaming(environment: Mapping[str, str], *arguments: str) -> Iterator[Iterator[Any]]:
    """The documents of a `monitor --json` that goes on until it is told to end."""
    program = [sys.executable, "-m", "predictive_autoscaler", "monitor", "--json"]
    running = subprocess.Popen(
        [*program, "--refresh-interval", "1", *arguments],
        cwd=ROOT,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    assert running.stderr is not None
    try:
        yield map(json.loads, running.stdout)
    finally:
        running.terminate()
        _, complaints = running.communicate(timeout=60)
    assert running.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in complaints


def test_in_a_terminal_it_takes_the_window_and_gives_it_back(made: Monitored) -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(ROOT)
        plain = {name: text for name, text in made.environment.items() if name != "COLUMNS"}
        program = [sys.executable, "-m", "predictive_autoscaler", "monitor"]
        os.execve(  # never comes back
            sys.executable, [*program, "--component", "asg"], {**plain, "TERM": "xterm-256color"}
        )
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 60, 0, 0))
    seen = read_until(terminal, b"in service", seconds=60)
    seen += read_until(terminal, b"\x1b[H", seconds=10)
    os.write(terminal, b"\x03")  # Ctrl-C
    seen += read_until(terminal, None, seconds=30)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 130
    text = seen.decode(errors="replace")
    assert text.startswith("\x1b[?1049h")
    assert "\x1b[?1049l" in text
    assert "Traceback" not in text
    frames = text.split("\x1b[H")
    lines = [line for frame in frames for line in without_codes(frame).split("\r\n")]
    assert max(map(len, lines)) <= 60
    assert any("in service" in line for line in lines)


def without_codes(text: str) -> str:
    """What a terminal would show of it, without the echo of Ctrl-C."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("^C", "")


def read_until(terminal: int, ending: bytes | None, seconds: float) -> bytes:
    """What the terminal shows up to these bytes; None: until it is closed."""
    seen, limit = b"", time.monotonic() + seconds
    while ending is None or ending not in seen:
        left = limit - time.monotonic()
        assert left > 0, seen
        if not select.select([terminal], [], [], left)[0]:
            continue
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # Linux's way of saying that the other side is gone
            break
        if not piece:
            break
        seen += piece
    return seen


class TestScripts:
    def test_the_shell_script_shows_a_group(self, made: Monitored) -> None:
        """Also where no more than ASCII can be printed."""
        environment = {name: text for name, text in made.environment.items() if name != "PYTHON"}
        done = subprocess.run(
            [SCRIPT, "--component", "asg", "--once", "--refresh-interval", "5"],
            cwd="/",
            env={**environment, "PYTHONIOENCODING": "ascii"},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        told = succeeded(done)
        assert "in service ?" in told
        assert "allowed" in told

    def test_the_powershell_script_can_be_parsed_and_knows_the_same_options(
        self, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        text = parsed(ROOT / "scripts" / "monitor.ps1")
        assert text.count(b" @words") == 4
        assert b"'predictive_autoscaler', 'monitor'" in text
        told = set(re.findall(r"'(--[a-z-]+)'", text.decode()))
        assert told == {
            *("--component", "--refresh-interval", "--once", "--json", "--asg-name"),
            *("--region", "--alarm-prefix", "--function"),
        }
        known = succeeded(call(capfd, monkeypatch, "monitor", "--help"))
        assert all(f"{option} " in known for option in told)


def test_the_command_needs_nothing_that_windows_lacks() -> None:
    """monitor.ps1 is of no use otherwise."""
    program = """
import sys
for name in ("fcntl", "termios", "pty", "resource", "grp", "pwd"):
    sys.modules[name] = None
import predictive_autoscaler.adapters.aws.alarms
import predictive_autoscaler.app.monitor.watch
import predictive_autoscaler.wiring
from predictive_autoscaler.cli import main
main(["monitor", "--help"])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert "--refresh-interval" in succeeded(done)
