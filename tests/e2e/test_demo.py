"""The demonstration as a person runs it: a day of traffic through the real handler."""

from __future__ import annotations

import atexit
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from tests.helpers.commands import json_of, run
from tests.helpers.recordings import TRACES, recorded

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

DECISIONS_A_DAY = 288
MEGABYTE = 2**20


@dataclass(frozen=True)
class Demo:
    """What one run has left behind."""

    done: subprocess.CompletedProcess[str]
    out: Path

    @property
    def facts(self) -> Any:
        return json_of(self.done)

    def figures(self, policy: str) -> dict[str, float]:
        figures: dict[str, float] = self.facts["runs"][policy]
        return figures

    @property
    def ours(self) -> dict[str, float]:
        return self.figures("predictive")

    @property
    def tracked(self) -> dict[str, float]:
        return self.figures("target tracking 70 %")

    @property
    def records(self) -> list[dict[str, Any]]:
        lines = (self.out / "decisions.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]


@cache
def demo(trace: str | None = None, repetition: int = 0) -> Demo:
    """Run once and keep for all tests of this process."""
    folder = Path(mkdtemp(prefix="demo-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    out = folder / "deep" / "demo"
    source = ("--trace", TRACES / trace) if trace else ()
    return Demo(run("demo", "--json", "--out", out, *source, seconds=600), out)


class TestTheGeneratedShop:
    def test_json_is_alone_on_the_standard_output(self) -> None:
        facts = demo().facts
        assert facts["published"] is True
        assert facts["runs"].keys() == {"predictive", "target tracking 70 %", "oracle"}
        assert facts["notes"] == []

    def test_the_terminal_shows_what_is_being_done_and_not_every_request(self) -> None:
        """The simulated AWS would log thousands of lines."""
        told = demo().done.stderr
        assert "HTTP/1.1" not in told
        assert "On held-back time" in told
        assert len(told.splitlines()) < 100

    def test_it_is_cheaper_than_target_tracking_and_misses_little(self) -> None:
        made = demo()
        assert made.ours["instance_hours"] <= 0.85 * made.tracked["instance_hours"]
        # A sale that nobody announced costs a boot and an interval whatever the forecast.
        assert made.ours["missed_share"] <= 0.01
        assert made.figures("oracle")["missed_share"] == 0
        assert made.ours["cost_against_oracle"] >= 1

    def test_every_five_minutes_were_decided_by_the_forest(self) -> None:
        records = demo().records
        assert len(records) == DECISIONS_A_DAY
        for record in records:
            assert record["status"] == "completed"
            decision = record["groups"]["shop"]["decision"]
            assert decision["rung"] == "forest"
            assert decision["faults"] == []

    def test_the_report_is_one_page_that_needs_nothing_else(self) -> None:
        report = Path(demo().facts["report"])
        assert report == demo().out / "report.html"
        assert report.stat().st_size < 6 * MEGABYTE
        page = report.read_text()
        assert page.lstrip().lower().startswith("<!doctype html>")
        # The browser is told to fetch nothing, whatever the chart library has in its text.
        policy = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)"', page)
        assert policy is not None
        assert "default-src 'none'" in policy[1]
        assert "http" not in policy[1]
        ours = "".join(part for part in page.split("<script") if len(part) < MEGABYTE)
        assert len(ours) > 10_000
        namespaces = r"http://www\.w3\.org/"
        assert re.findall(rf"(?!{namespaces})https?://[^\s\"'<>)]+", ours) == []
        assert re.findall(r"(?:src|href)=[\"'](?!data:|#)[^\"']*", ours) == []

    def test_nothing_is_left_but_the_report_the_model_and_the_records(self) -> None:
        names = {path.name for path in demo().out.iterdir()}
        assert names == {"report.html", "decisions.jsonl", "model"}

    def test_a_second_run_makes_the_same_decisions(self) -> None:
        def texts(made: Demo) -> list[str]:
            records = made.records
            for record in records:
                assert len(record.pop("run")) == 32
            return [json.dumps(record, sort_keys=True) for record in records]

        first, second = demo(), demo(repetition=1)
        assert texts(first) == texts(second)
        for name in ("model.npz", "model.json"):
            assert (first.out / "model" / name).read_bytes() == (
                second.out / "model" / name
            ).read_bytes()


class TestRecordedTraffic:
    def test_smooth_traffic_costs_less_and_misses_no_more(self) -> None:
        made = demo(recorded("ms_mongo_app1.csv"))
        assert made.ours["instance_hours"] <= 0.85 * made.tracked["instance_hours"]
        assert made.ours["missed_share"] <= made.tracked["missed_share"]

    def test_noisy_traffic_misses_at_most_half_for_no_more(self) -> None:
        made = demo(recorded("nasa_aug95.csv"))
        assert made.ours["instance_hours"] <= made.tracked["instance_hours"]
        assert made.ours["missed_share"] <= 0.5 * made.tracked["missed_share"]
        assert made.tracked["missed_share"] > 0
