"""The command line of a load test: look at the shop, then run Locust, alone or with workers."""

from __future__ import annotations

import argparse
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from predictive_autoscaler.errors import AutoscalerError, UsageError
from predictive_autoscaler.folders import sole_user_of
from predictive_autoscaler.loadtest.options import (
    add_scenario_options,
    check,
    table_of_scenarios,
    whole,
)
from predictive_autoscaler.loadtest.preflight import look, shop_address
from predictive_autoscaler.loadtest.scenarios import MANUAL

ROOT = Path(__file__).resolve().parents[3]
LOCUSTFILE = ROOT / "locust" / "locustfile.py"
LOCAL = "127.0.0.1"
WORKERS_WAIT_SECONDS = 120
ENDING_SECONDS = 15
EPILOG = f"""\
scenarios, with their own durations:
{table_of_scenarios()}

examples:
  a first look, one minute:
    locust/run_test.sh --scenario baseline --host http://shop.example.com --duration 60s
  ten times the documented sale, from four processes of this machine:
    locust/run_test.sh --scenario flash-sale --users-scale 10 --workers 4 --host URL
  a recorded day within half an hour:
    locust/run_test.sh --scenario replay --trace traffic.csv --peak-users 200 --host URL
  by hand, in the browser:
    locust/run_test.sh --web-ui --host URL
  from several machines; the first one is the master:
    locust/run_test.sh --master --bind 0.0.0.0 --expect-workers 2 --scenario surge --host URL
    locust/run_test.sh --worker --master-host 10.0.0.5

The exit code is 0 if the gate was passed, 1 if it was not or the shop was not there, and 2 for
options that cannot be used. The folder --out gets run_stats.csv (and _stats_history, _failures,
_exceptions), report.html and stats.json.
"""


class _Parser(argparse.ArgumentParser):
    """One line on standard error instead of the usage."""

    def error(self, message: str) -> NoReturn:
        print(f"error: {message}", file=sys.stderr)
        raise SystemExit(2)


def parser() -> argparse.ArgumentParser:
    """All options: those of the scenario, and those of the machines that run it."""
    made = _Parser(
        prog="locust/run_test.sh",
        description="Drive shoppers against a Saleor shop, and judge how it did.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument(
        "--host", metavar="URL", help="address of the shop, such as http://shop.example.com"
    )
    made.add_argument(
        "--out", type=Path, metavar="FOLDER", help="for the reports (default: out/load/SCENARIO)"
    )
    add_scenario_options(made.add_argument_group("scenario and gate"))
    _add_machine_options(made.add_argument_group("machines"))
    return made


def _add_machine_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--workers",
        type=whole(0, 64),
        default=0,
        metavar="N",
        help="processes of this machine that make the load, 0 to 64; 0, the default: this one",
    )
    group.add_argument("--web-ui", action="store_true", help="start from the browser")
    group.add_argument(
        "--web-port", type=whole(1, 65535), default=8089, help="of the web UI (default: 8089)"
    )
    group.add_argument("--master", action="store_true", help="lead workers of other machines")
    group.add_argument(
        "--expect-workers",
        type=whole(1, 1000),
        default=1,
        metavar="N",
        help="with --master: workers to wait for before the start, 1 to 1000 (default: 1)",
    )
    group.add_argument("--worker", action="store_true", help="make load for a master elsewhere")
    group.add_argument("--master-host", metavar="NAME", help="with --worker: where the master is")
    group.add_argument(
        "--master-port", type=whole(1, 65535), default=5557, help="of the master (default: 5557)"
    )
    group.add_argument(
        "--bind",
        default=LOCAL,
        metavar="ADDRESS",
        help="that the web UI and the master listen on; others reach them with 0.0.0.0, and "
        "neither asks for a password (default: %(default)s)",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a load test. Returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = parser().parse_args(words)
    if options.web_ui and not any(word.split("=")[0] == "--scenario" for word in words):
        options.scenario = MANUAL
    # Told to end, it ends Locust as well.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return _run(options)
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except AutoscalerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        return 130


def _run(options: argparse.Namespace) -> int:
    _check_machines(options)
    if options.worker:
        return _finish(_worker(options, options.master_host, options.master_port), [])
    check(options)
    address = shop_address(options.host)
    name = look(address, options.channel, _tell, insecure=options.insecure)
    _tell(f"{address} is there, and sells {name!r} in {options.channel}")
    out = options.out or Path("out") / "load" / options.scenario
    with sole_user_of(out):
        _tell(f"scenario {options.scenario}, reports in {out}")
        port = _free_port() if options.workers else options.master_port
        leader = _leader(options, address, out, port)
        workers = [_worker(options, LOCAL, port) for _ in range(options.workers)]
        return _finish(leader, workers)


def _tell(text: str) -> None:
    print(f"load: {text}", flush=True)


def _check_machines(options: argparse.Namespace) -> None:
    chosen = [
        name
        for name in ("master", "worker", "workers")
        if (options.workers if name == "workers" else getattr(options, name))
    ]
    if len(chosen) > 1:
        raise UsageError(f"--{chosen[0]} and --{chosen[1]} cannot be combined; choose one")
    if options.worker and not options.master_host:
        raise UsageError("--worker needs --master-host NAME, the machine that leads")
    if options.master_host and not options.worker:
        raise UsageError(f"--master-host {options.master_host} is for --worker only")
    if options.scenario == MANUAL and not options.web_ui and not options.worker:
        raise UsageError(f"--scenario {MANUAL} needs --web-ui, where the users are set")


def _leader(
    options: argparse.Namespace, address: str, out: Path, port: int
) -> subprocess.Popen[bytes]:
    """The process that counts: the only one, or the master of some."""
    words = ["--host", address, "--csv", str(out / "run"), "--html", str(out / "report.html")]
    words += ["--json-file", str(out / "stats"), "--only-summary"]
    if options.web_ui:
        words += ["--web-host", options.bind, "--web-port", str(options.web_port)]
        print(f"load: http://{options.bind}:{options.web_port}/ is the web UI", flush=True)
    else:
        words.append("--headless")
    if options.master or options.workers:
        expected = options.workers or options.expect_workers
        words += ["--master", "--master-bind-host", options.bind if options.master else LOCAL]
        words += ["--master-bind-port", str(port), "--expect-workers", str(expected)]
        words += ["--expect-workers-max-wait", str(WORKERS_WAIT_SECONDS)]
    return _locust(options, words)


def _worker(options: argparse.Namespace, host: str, port: int) -> subprocess.Popen[bytes]:
    words = ["--worker", "--master-host", host, "--master-port", str(port)]
    return _locust(options, words)


def _locust(options: argparse.Namespace, words: list[str]) -> subprocess.Popen[bytes]:
    """Start Locust with the scenario's options, as they are after all defaults."""
    given = [
        *("--scenario", options.scenario),
        *("--users-scale", f"{options.users_scale:g}"),
        *("--think-scale", f"{options.think_scale:g}"),
        *("--channel", options.channel),
        *("--trace-skip-hours", f"{options.trace_skip_hours:g}"),
        *("--trace-hours", f"{options.trace_hours:g}"),
        *("--peak-users", f"{options.peak_users:g}"),
        *("--max-errors-percent", f"{options.max_errors_percent:g}"),
        *("--max-p95-seconds", f"{options.max_p95_seconds:g}"),
        f"--key-operations={options.key_operations}",
    ]
    if options.duration is not None:
        given += ["--duration", f"{options.duration:.0f}s"]
    if options.seed is not None:
        given += ["--seed", str(options.seed)]
    if options.trace is not None:
        given += ["--trace", options.trace]
    if options.insecure:
        given.append("--insecure")
    program = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--loglevel", "WARNING"]
    return subprocess.Popen([*program, *words, *given], stdin=subprocess.DEVNULL)


def _finish(leader: subprocess.Popen[bytes], workers: list[subprocess.Popen[bytes]]) -> int:
    """Wait for the end, and leave no process behind."""
    try:
        code = leader.wait()
        for worker in workers:
            worker.wait(ENDING_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    finally:
        for process in (leader, *workers):
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(ENDING_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
    return code


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOCAL, 0))
        port: int = probe.getsockname()[1]
        return port
