"""The command line as a process: help, exit codes, and where what is printed goes."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import typer

from predictive_autoscaler.cli import app
from predictive_autoscaler.core.csv_text import samples_to_csv
from predictive_autoscaler.core.types import Json, utc_from_text
from tests.helpers.commands import (
    TRAINING_SCRIPT,
    Command,
    clean_environment,
    complaint,
    json_of,
    run,
    succeeded,
)
from tests.helpers.shop import GROUP, entry, shop, world

COMMANDS = {
    "train": [
        *("--csv", "--from", "--publish", "--force", "--seed", "--max-bins", "--json"),
        *("--groups", "--scheduler"),
    ],
    "retrain": ["--newest-days", "--keep", "--dry-run", "--fail-when-refused", "--groups"],
    "rollback": ["--list", "--yes", "--bucket", "--store"],
    "collect": ["--out", "--days", "--asg-name", "--json"],
    "decide": ["--apply", "--bucket", "--json"],
    "explain": ["--record", "--bucket", "--json"],
    "mode": ["--yes", "--asg-name", "--json", "off|observe|full"],
    "monitor": ["--component", "--refresh-interval", "--once", "--json", "--alarm-prefix"],
    "backtest": ["--quantile", "--what-if", "--settings", "--from", "--scheduler", "Examples:"],
    "demo": ["--trace", "--out", "--capacity-per-instance", "--json"],
}

PARSERS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV file of two days."""
    path = tmp_path_factory.mktemp("recording") / "shop.csv"
    path.write_text(samples_to_csv(shop(300).latest(2 * 288)))
    return path


@pytest.fixture(scope="module")
def record_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A decision record."""
    path = tmp_path_factory.mktemp("record") / "record.json"
    path.write_text(json.dumps(world(desired=3).step()))
    return path


class TestHelp:
    def test_of_the_program_names_every_command(self) -> None:
        told = succeeded(run("--help"))
        assert set(re.findall(r"^\W*(\w+) ", told, re.MULTILINE)) >= COMMANDS.keys()
        # What a command does is said whole, on a terminal of the usual width.
        narrow = run("--help", env=clean_environment(COLUMNS="80"))
        assert "..." not in succeeded(narrow).partition("Commands:")[2]

    def test_no_arguments_show_it_too(self) -> None:
        done = run()
        assert "Usage: " in done.stdout + done.stderr
        assert "Traceback" not in done.stderr

    @pytest.mark.parametrize("name", COMMANDS)
    def test_of_a_command_names_its_options(self, command: Command, name: str) -> None:
        told = succeeded(command(name, "--help"))
        assert f"Usage: predictive-autoscaler {name}" in told
        for option in COMMANDS[name]:
            assert option in told

    @pytest.mark.parametrize("name", sorted(PARSERS))
    def test_of_a_command_has_examples_that_are_understood(
        self, command: Command, name: str
    ) -> None:
        told = succeeded(command(name, "--help", env=clean_environment(COLUMNS="80")))
        assert "list[" not in told
        below = [part.split() for part in told.partition("Example")[2].split("\n\n")]
        lines = [words for words in below if words[:1] == ["predictive-autoscaler"]]
        assert lines
        for _, called, *words in lines:
            assert called == name
            with PARSERS[name].make_context(name, words):
                pass

    def test_of_the_training_script(self) -> None:
        """As the README and the Lambda's people know it."""
        told = succeeded(run("--help", script=TRAINING_SCRIPT))
        assert "--csv" in told
        assert "train_model.py" in told

    def test_the_installed_program_is_the_same(self) -> None:
        program = Path(sys.executable).with_name("predictive-autoscaler")
        done = subprocess.run(
            [program, "--help"],
            env=clean_environment(),
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert done.stdout == succeeded(run("--help"))


class TestWrongOptions:
    @pytest.mark.parametrize(
        ("line", "told"),
        [
            ("demo --boot-minutes 30", "--boot-minutes is '30'; allowed is 1 to 20"),
            ("demo --seed x", "--seed is 'x'; allowed is 0 to 4294967295"),
            (
                "demo --capacity-per-instance 0",
                "--capacity-per-instance is '0'; allowed is at least 0.000001",
            ),
            (
                "backtest x.csv --instance-hour-price 0",
                "--instance-hour-price is '0'; allowed is 0.0001 to 1000",
            ),
            ("train --from datadog", "--from is 'datadog'; allowed is cloudwatch"),
            (
                "monitor --component asq",
                "--component is 'asq'; allowed is asg, metrics, model, lambda, alarms, all",
            ),
            ("backtest x.csv --grain x", "--grain is 'x'; allowed is a whole number"),
        ],
    )
    def test_of_a_value_the_option_the_value_and_the_range_are_told(
        self, command: Command, line: str, told: str
    ) -> None:
        assert complaint(command(*line.split()), 2) == told

    def test_of_a_value_in_the_environment_its_variable_is_told(self, command: Command) -> None:
        env = clean_environment(AUTOSCALER_BOOT_MINUTES="soon")
        message = complaint(command("train", "--csv", "x.csv", env=env), 2)
        assert message == "AUTOSCALER_BOOT_MINUTES is 'soon'; allowed is 1 to 20"

    @pytest.mark.parametrize(
        ("arguments", "wrong"),
        [
            (["fly"], "fly"),
            (["train", "--colour", "red"], "--colour"),
            (["train", "--csv"], "--csv"),
            (["train", "--csv", "x.csv", "--days", "0"], "--days"),
            (["train", "--csv", "x.csv", "--seed", "-1"], "--seed"),
            (["train", "--from", "datadog"], "--from"),
            (["train", "--csv", "x.csv", "--boot-minutes", "21"], "--boot-minutes"),
            (["collect", "--days", "many"], "--days"),
            (["decide", "now"], "now"),
            (["demo", "--boot-minutes", "0"], "--boot-minutes"),
        ],
    )
    def test_they_end_with_2_and_say_which(
        self, command: Command, arguments: list[str], wrong: str
    ) -> None:
        done = command(*arguments)
        assert done.returncode == 2
        assert done.stdout == ""
        assert wrong in done.stderr

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["train"], "give either --csv FILE or --from cloudwatch"),
            (["train", "--csv", "x.csv", "--from", "cloudwatch"], "give either --csv FILE or"),
            (["demo", "--min", "9", "--max", "3"], "--min is 9 and --max is 3"),
            (["explain", "yesterday", "--bucket", "b"], "the slot is 'yesterday'"),
        ],
        ids=["no source", "two sources", "bounds", "slot"],
    )
    def test_so_do_options_that_do_not_fit_together(
        self, command: Command, arguments: list[str], words: str
    ) -> None:
        assert words in complaint(command(*arguments), 2)

    def test_the_process_ends_with_it(self) -> None:
        assert run("train", "--colour", "red").returncode == 2


class TestErrors:
    """One line on the standard error and nothing on the standard output.

    The exit code is 2 for settings and places, 1 for data that cannot be used.
    """

    def test_the_process_ends_with_it(self) -> None:
        done = run("train", "--csv", "absent.csv")
        assert complaint(done) == "absent.csv: there is no such file"

    @pytest.mark.parametrize("extra", [[], ["--json"]])
    def test_a_file_that_is_not_there(self, command: Command, extra: list[str]) -> None:
        done = command("train", "--csv", "absent.csv", *extra)
        assert complaint(done) == "absent.csv: there is no such file"
        assert done.stdout == ""

    def test_binary_garbage(self, command: Command, tmp_path: Path) -> None:
        path = tmp_path / "traffic.csv"
        path.write_bytes(bytes(range(256)) * 100)
        assert f"{path}: cannot be read as CSV" in complaint(command("train", "--csv", path))

    def test_too_little_history(self, command: Command, tmp_path: Path) -> None:
        path = tmp_path / "traffic.csv"
        path.write_text(samples_to_csv(shop(300).latest(287)))
        out = tmp_path / "model"
        done = command("train", "--csv", path, "--out", out)
        assert complaint(done) == "found 23.9 hours of request counts; at least 24 hours are needed"
        assert not out.exists()

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["decide"], "ASG_NAME is not set"),
            (["collect"], "ASG_NAME is not set"),
            (["explain"], "S3_BUCKET is not set"),
            (["train", "--from", "cloudwatch"], "ASG_NAME is not set"),
            (["train", "--csv", "x", "--publish"], "S3_BUCKET is not set; --publish needs it"),
            (
                ["train", "--csv", "x", "--publish", "--bucket", "b"],
                "ASG_NAME is not set; --publish needs it",
            ),
        ],
    )
    def test_a_setting_that_is_missing(
        self, command: Command, arguments: list[str], words: str
    ) -> None:
        assert words in complaint(command(*arguments), 2)

    def test_a_setting_that_is_misspelt(self, command: Command) -> None:
        env = clean_environment(
            ASG_NAME="web", LOAD_BALANCER="app/x/1", S3_BUCKET="b", AUTOSCALER_MODUS="full"
        )
        assert "unknown setting AUTOSCALER_MODUS" in complaint(command("decide", env=env), 2)

    def test_a_zone_that_does_not_exist(self, command: Command) -> None:
        done = command("train", "--csv", "x.csv", "--timezone", "Europe/Atlantis")
        assert complaint(done, 2).startswith("--timezone is 'Europe/Atlantis'; allowed is")

    def test_a_zone_that_does_not_exist_in_the_environment(self, command: Command) -> None:
        env = clean_environment(AUTOSCALER_TIMEZONE="Europe/Atlantis")
        message = complaint(command("train", "--csv", "x.csv", env=env), 2)
        assert message.startswith("AUTOSCALER_TIMEZONE is 'Europe/Atlantis'; allowed is")

    def test_an_interval_that_does_not_divide_the_hour(self, command: Command) -> None:
        done = command("train", "--csv", "x.csv", "--interval-minutes", "7")
        assert complaint(done, 2).startswith("--interval-minutes is '7'; allowed is")
        env = clean_environment(AUTOSCALER_INTERVAL_MINUTES="7")
        message = complaint(command("train", "--csv", "x.csv", env=env), 2)
        assert message.startswith("AUTOSCALER_INTERVAL_MINUTES is '7'; allowed is")

    def test_nobody_answers(self, tmp_path: Path) -> None:
        env = clean_environment(
            ASG_NAME="web",
            LOAD_BALANCER="app/x/1",
            S3_BUCKET="b",
            AWS_REGION="eu-central-1",
            AWS_ACCESS_KEY_ID="x",
            AWS_SECRET_ACCESS_KEY="x",
            AWS_ENDPOINT_URL="http://127.0.0.1:9",
        )
        out = tmp_path / "metrics.csv"
        message = complaint(run("collect", "--days", "1", "--out", out, env=env))
        assert "check the network, AWS_REGION and AWS_ENDPOINT_URL" in message
        assert not out.exists()

    @pytest.mark.parametrize("content", ["", "[]", "{}", '{"groups": 3}', "\x00\x01", '{"groups'])
    def test_a_file_that_is_no_record(self, command: Command, tmp_path: Path, content: str) -> None:
        path = tmp_path / "record.json"
        path.write_text(content)
        assert "decision record" in complaint(command("explain", "--record", path))

    def test_a_record_of_random_bytes(self, command: Command, tmp_path: Path) -> None:
        path = tmp_path / "record.json"
        path.write_bytes(bytes(range(256)))
        message = complaint(command("explain", "--record", path))
        assert "cannot be read as a decision record" in message

    @pytest.mark.parametrize("line", ["train --csv x.csv", "demo", "backtest x.csv"])
    def test_a_place_that_cannot_be_written_to_is_told_before_the_work(
        self, command: Command, tmp_path: Path, line: str
    ) -> None:
        blocked = tmp_path / "file"
        blocked.write_text("")
        place = blocked / "deep" / "model"
        done = command(*line.split(), "--out", place)
        message = complaint(done, 2)
        assert message == f"--out is {place}; {blocked} is no folder that can be written to"
        assert done.stderr.count("\n") == 1

    def test_so_is_a_file_that_metrics_cannot_be_written_to(
        self, command: Command, tmp_path: Path
    ) -> None:
        env = clean_environment(ASG_NAME="web", LOAD_BALANCER="app/x/1", S3_BUCKET="b")
        done = command("collect", "--out", tmp_path, env=env)
        assert complaint(done, 2) == f"--out is {tmp_path}, a folder; allowed is a file"


class TestTraining:
    def test_it_prints_a_table_and_says_where_the_model_is(
        self, command: Command, recording: Path, tmp_path: Path
    ) -> None:
        done = command("train", "--csv", recording, "--out", tmp_path, "--max-bins", "300")
        told = succeeded(done)
        for word in ("forest", "last value", "seasonal", "WAPE", "pinball loss", "coverage"):
            assert word in told
        assert str(tmp_path) in told
        assert {path.name for path in tmp_path.iterdir()} == {"model.npz", "model.json"}

    def test_json_is_alone_on_the_standard_output_and_the_bytes_repeat(
        self, recording: Path, tmp_path: Path
    ) -> None:
        """Two processes, the script and the command, one and two jobs: one model."""
        facts = {}
        for name, script, jobs in (("a", TRAINING_SCRIPT, 1), ("b", None, 2)):
            arguments = ["--csv", recording, "--out", tmp_path / name, "--max-bins", "300"]
            subcommand = [] if script else ["train"]
            done = run(*subcommand, *arguments, "--jobs", jobs, "--json", script=script)
            facts[name] = json_of(done)
            assert done.stderr == ""
        assert facts["a"]["model_id"] == facts["b"]["model_id"]
        assert facts["a"]["rows"] > 200
        assert facts["a"]["published"] is None
        assert facts["a"]["scores"].keys() == {"forest", "last value", "seasonal"}
        for name in ("model.npz", "model.json"):
            first, second = (tmp_path / folder / name for folder in "ab")
            assert first.read_bytes() == second.read_bytes()

    def test_a_coarser_file_is_put_on_the_interval(self, command: Command, tmp_path: Path) -> None:
        path = tmp_path / "half_hours.csv"
        path.write_text(samples_to_csv(shop(1800, 5)))
        done = command("train", "--csv", path, "--out", tmp_path, "--max-bins", "300", "--json")
        facts = json_of(done)
        card = json.loads((tmp_path / "model.json").read_text())
        assert card["parameters"]["interval_seconds"] == 300
        assert facts["rows"] > 250


class TestExplaining:
    def test_a_record_in_words(self, command: Command, record_file: Path) -> None:
        record = json.loads(record_file.read_text())
        decision = entry(record)["decision"]
        told = succeeded(command("explain", "--record", record_file))
        assert f"Scale out from 3 to {decision['after_instances']}" in told
        assert f"{GROUP}, {record['slot']}, mode full" in told
        assert f"The group was set to {decision['after_instances']}." in told
        assert decision["model_id"] in told
        assert "expected missed" in told

    def test_of_a_served_quantile_no_price_is_told(self, command: Command, tmp_path: Path) -> None:
        path = tmp_path / "record.json"
        record = world(desired=3, QUANTILE="0.95").step()
        path.write_text(json.dumps(record))
        told = succeeded(command("explain", "--record", path))
        assert f"{entry(record)['decision']['wish_instances']} ←" in told
        assert "95 % quantile" in told
        assert "expected missed" in told
        assert "cost in" not in told
        assert "priced" not in told

    def test_as_json_it_is_the_record_itself(self, command: Command, record_file: Path) -> None:
        done = command("explain", "--record", record_file, "--json")
        told = json_of(done)
        words = told.pop("explanations")[GROUP]
        record = json.loads(record_file.read_text())
        assert told == record
        assert words["headline"].startswith("Scale out from 3 to ")
        assert words["week_before"] is None
        printed = " ".join(succeeded(command("explain", "--record", record_file)).split())
        for text in (*words["paragraphs"], words["outcome"]):
            assert " ".join(text.split()) in printed

    def test_what_moved_the_forecast_and_what_else_it_would_have_taken(
        self, command: Command, record_file: Path
    ) -> None:
        told = " ".join(succeeded(command("explain", "--record", record_file)).split())
        after = entry(json.loads(record_file.read_text()))["decision"]["after_instances"]
        assert "What moved it, as factors that multiply: " in told
        assert f"One more, {after + 1}, " in told
        assert f"One fewer, {after - 1}, " in told
        assert "A week earlier the newest interval had " in told
        assert "There is no record of the same time a week before." in told

    def test_beside_it_stands_what_was_decided_a_week_before(
        self, command: Command, record_file: Path, tmp_path: Path
    ) -> None:
        record = json.loads(record_file.read_text())
        before = (utc_from_text(record["slot"]) - timedelta(days=7)).isoformat()
        then = copy.deepcopy(record) | {"slot": before}
        entry(then)["decision"] |= {"slot": before, "before_instances": 9, "after_instances": 8}
        path = tmp_path / "decisions.jsonl"
        lines: list[Json] = [then, {}, record]
        path.write_text("".join(json.dumps(one) + "\n" for one in lines))
        told = " ".join(succeeded(command("explain", "--record", path)).split())
        assert "The decision of then: Scale in from 9 to 8" in told
        assert "There is no record of the same time" not in told
        words = json_of(command("explain", "--record", path, "--json"))["explanations"][GROUP]
        assert words["week_before"]["after_instances"] == 8

    def test_of_a_group_that_was_gone(self, command: Command, tmp_path: Path) -> None:
        made = world()
        made.actuator.groups.clear()
        path = tmp_path / "record.json"
        path.write_text(json.dumps(made.step()))
        told = succeeded(command("explain", "--record", path))
        assert "No decision: there is no group 'web'." in told

    def test_of_a_dry_run(self, command: Command, tmp_path: Path) -> None:
        path = tmp_path / "record.json"
        path.write_text(json.dumps(world(desired=3).controller().run_once(dry_run=True)))
        told = succeeded(command("explain", "--record", path))
        assert "This was a dry run: nothing was done." in told


def test_a_trace_too_short_for_the_demonstration(
    command: Command, recording: Path, tmp_path: Path
) -> None:
    done = command("demo", "--trace", recording, "--out", tmp_path)
    message = complaint(done)
    assert "at least 4 days, the last of them whole, are needed" in message
    assert list(tmp_path.iterdir()) == []
