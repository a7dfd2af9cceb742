"""What is seen before any load, the web UI, and the scripts around it."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from predictive_autoscaler.folders import sole_user_of
from predictive_autoscaler.loadtest import command, preflight
from predictive_autoscaler.loadtest.options import table_of_scenarios
from tests.helpers.commands import ROOT, clean_environment, complaint
from tests.helpers.load_runs import load_command, load_test
from tests.helpers.powershell import parsed
from tests.helpers.storefront import storefront


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class TestBeforeTheLoad:
    def refused(self, *arguments: object) -> str:
        done = load_test(*arguments, seconds=60)
        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr.startswith("error: ")
        assert done.stderr.count("\n") == 1
        return done.stderr

    def test_a_dead_host_is_told(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(preflight, "START_SECONDS", 0.0)
        host = f"http://127.0.0.1:{free_port()}"
        assert command.main(["--host", host]) == 1
        assert f"error: --host {host}: no answer" in capsys.readouterr().err

    def test_a_wrong_channel_is_told(self, tmp_path: Path) -> None:
        with storefront(tmp_path / "shop.sqlite") as shop:
            told = self.refused("--host", shop.url, "--channel", "chanel")
            assert "--channel chanel: the shop at " in told
            assert "lists no products" in told
            # No load has been made.
            assert shop.stats()["served"] == 1

    def test_a_folder_in_use_is_told(self, tmp_path: Path) -> None:
        with storefront(tmp_path / "shop.sqlite") as shop, sole_user_of(tmp_path / "out"):
            done = load_test("--host", shop.url, "--out", tmp_path / "out", seconds=60)
        assert "another run is writing to" in complaint(done, 2)

    def test_an_instance_that_is_not_healthy_is_told(self, tmp_path: Path) -> None:
        with storefront(tmp_path / "shop.sqlite", "--boot-seconds", 600) as shop:
            told = self.refused("--host", shop.url)
        assert "/graphql/ answers with HTTP 503; is an instance healthy?" in told


def test_the_web_ui_waits_for_a_person_on_this_machine_only(tmp_path: Path) -> None:
    port = free_port()
    with storefront(tmp_path / "shop.sqlite") as shop:
        running = subprocess.Popen(
            load_command(
                *("--web-ui", "--web-port", port, "--host", shop.url, "--out", tmp_path / "out")
            ),
            cwd=ROOT,
            env=clean_environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            page = fetched(f"http://127.0.0.1:{port}/")
            assert shop.url in page
            assert listening_on(port) <= {"0100007F"}
            assert shop.stats()["served"] == 1
        finally:
            running.terminate()
            running.wait(30)
            assert running.stdout is not None
            output = running.stdout.read()
            running.stdout.close()
    assert "scenario manual" in output
    assert f"http://127.0.0.1:{port}/ is the web UI" in output


def fetched(address: str) -> str:
    ends = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5) as response:
                return str(response.read().decode())
        except (urllib.error.URLError, OSError):
            assert time.monotonic() < ends
            time.sleep(0.3)


def listening_on(port: int) -> set[str]:
    """Addresses, in the kernel's hexadecimal, that something listens on at a port."""
    table = Path("/proc/net/tcp")
    if not table.exists():
        return set()
    rows = [line.split() for line in table.read_text().splitlines()[1:]]
    return {row[1].split(":")[0] for row in rows if row[3] == "0A" and int(row[1][-4:], 16) == port}


class TestScripts:
    def test_the_shell_script_finds_a_python_and_its_help_teaches(self, tmp_path: Path) -> None:
        environment = clean_environment()
        environment.pop("PYTHON", None)
        done = subprocess.run(
            [str(ROOT / "locust" / "run_test.sh"), "--help"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=100,
            check=True,
        )
        assert table_of_scenarios() in done.stdout
        for word in ("--web-ui", "--master-host", "examples:", "exit code", "compressed"):
            assert word in done.stdout

    def test_the_powershell_script_can_be_parsed_and_knows_the_same_options(self) -> None:
        text = parsed(ROOT / "locust" / "run_test.ps1")
        assert text.count(b"$script @words") == 3
        assert b"'run_test.py'" in text
        told = set(re.findall(r"'(--[a-z-]+)'", text.decode()))
        known = subprocess.run(
            load_command("--help"), cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        assert told == {
            *("--scenario", "--host", "--duration", "--workers", "--channel", "--out", "--web-ui")
        }
        assert all(f"{word} " in known for word in told)

    def test_no_package_hides_locust(self) -> None:
        assert not (ROOT / "locust" / "__init__.py").exists()


def test_there_is_exactly_one_shape() -> None:
    """Of two, Locust would use one, silently."""
    program = """
import sys
sys.path.insert(0, "locust")
import locustfile
from locust import LoadTestShape
print([name for name, one in vars(locustfile).items()
       if isinstance(one, type) and issubclass(one, LoadTestShape)])
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.stdout.strip() == "['ScenarioShape']", done.stderr


@pytest.mark.parametrize("words", [["--scenario", "replay"], ["--duration", "never"]])
def test_locust_itself_refuses_what_cannot_be_run(words: list[str]) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "locust", "-f", "locust/locustfile.py", "--headless"),
            *("--host", "http://127.0.0.1:9", *words),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode != 0
    assert "--trace FILE" in done.stderr or "'never' is not a duration" in done.stderr
