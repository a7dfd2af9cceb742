from __future__ import annotations

import gzip
import hashlib
import io
import re
import urllib.error
from dataclasses import replace
from email.message import Message
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from predictive_autoscaler.backtest.quality.plan import TRACES
from scripts import rebuild_traces
from scripts.rebuild_traces import Source, SourceUnusableError, rebuilt

RATE = Source(
    "rate", ("o/r/abc/data/mongo.csv",), "MIT", 1, "2018-04-25 00:00:00", "2018-04-25 00:09:00"
)
COUNT = Source("count", ("o/r/abc/wc.csv",), "MIT", 1, "1998-05-01 00:02:00", "1998-05-01 00:14:00")
VALUE = Source(
    "value", ("o/r/abc/elb.csv",), "MIT", 5, "2014-04-10 00:00:00", "2014-04-10 00:25:00"
)


def rows(text: bytes) -> dict[str, str]:
    """Requests by time of day."""
    header, *lines = text.decode().splitlines()
    assert header == "timestamp,requests"
    return {line.split(",")[0][11:16]: line.split(",")[1] for line in lines}


def test_rates_are_summed_into_bins_and_quotes_do_not_matter() -> None:
    lines = [f'"2018-04-25T00:0{minute}:00Z","{minute}.5","0"' for minute in range(10)]
    text = "\n".join(['"TimeStamp","Value","Label"', *lines]) + "\n"
    files = rebuilt(text.encode(), RATE, "app")
    assert rows(files["app.csv"]) == {"00:00": "750.0", "00:05": "2250.0"}
    assert rows(files["minute/app.csv"])["00:03"] == "210.0"
    assert rebuilt(text.replace('"', "").encode(), RATE, "app") == files


def counts(*minutes: int) -> bytes:
    lines = [f"1998-05-01 00:{minute:02}:00,{minute}" for minute in minutes]
    return "\n".join(["period,count", *lines]).encode()


def test_a_bin_without_some_of_its_minutes_is_scaled_up() -> None:
    # Given a window that begins in the middle of a bin, and minute 7 absent
    files = rebuilt(counts(*range(7), *range(8, 20)), COUNT, "wc")
    assert rows(files["wc.csv"]) == {
        "00:00": "15.0",  # (2 + 3 + 4) x 5/3
        "00:05": "35.0",  # (5 + 6 + 8 + 9) x 5/4
        "00:10": "60.0",
    }
    minutes = rows(files["minute/wc.csv"])
    assert next(iter(minutes)) == "00:02"
    assert list(minutes)[-1] == "00:14"
    assert minutes["00:07"] == ""


def test_absent_minutes_are_zero_where_the_source_is_a_log() -> None:
    log = replace(COUNT, absent_is_zero=True)
    files = rebuilt(counts(2, 3, 10), log, "nasa")
    assert rows(files["nasa.csv"]) == {"00:00": "8.33", "00:05": "0.0", "00:10": "10.0"}


def test_values_at_odd_seconds_are_put_on_the_grid_and_gaps_filled() -> None:
    text = "timestamp,value,label\n2014-04-10 00:04:53,94,0\n2014-04-10 00:14:53,56,0\n"
    text += "2014-04-10 00:19:53,10,0\n2014-04-10 00:24:53,20,0\n2014-04-10 00:29:53,7,0\n"
    files = rebuilt(text.encode(), VALUE, "elb")
    assert list(files) == ["elb.csv"]
    assert rows(files["elb.csv"]) == {
        "00:00": "94.0",
        "00:05": "75.0",
        "00:10": "56.0",
        "00:15": "10.0",
        "00:20": "20.0",
        "00:25": "7.0",
    }


@pytest.mark.parametrize(
    "text",
    ["<html>not found</html>", "timestamp,hits\n2014-04-10,1\n", "timestamp,value\nsoon,1\n", ""],
)
def test_what_is_no_such_source_is_refused(text: str) -> None:
    with pytest.raises(SourceUnusableError, match="columns timestamp and value"):
        rebuilt(text.encode(), VALUE, "elb")


def test_another_time_is_refused() -> None:
    with pytest.raises(SourceUnusableError, match="nothing between 2014"):
        rebuilt(b"timestamp,value\n2001-01-01 00:00:00,1\n", VALUE, "elb")


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> dict[str, Source]:
    """One recording whose SHA-256 is known, and one that is not as measured."""
    files = rebuilt(counts(*range(20)), COUNT, "wc")
    right = {path: hashlib.sha256(text).hexdigest() for path, text in files.items()}
    made = {"wc": replace(COUNT, sha256=right), "elb": VALUE}
    monkeypatch.setattr(rebuild_traces, "sources", lambda: made)
    return made


@pytest.mark.usefixtures("table")
def test_recordings_are_made_of_files_in_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    downloaded, out = tmp_path / "downloaded", tmp_path / "traces"
    (downloaded / "deep").mkdir(parents=True)
    (downloaded / "deep" / "wc.csv").write_bytes(counts(*range(20)))
    options = ["--from", str(downloaded), "--out", str(out)]
    assert rebuild_traces.main([*options, "--only", "wc"]) == 0
    assert "as measured" in capsys.readouterr().out
    assert (out / "wc.csv").read_text().startswith("timestamp,requests\n1998-05-01 00:00:00,15.0")
    minutes = gzip.decompress((out / "minute" / "wc.csv.gz").read_bytes())
    assert rows(minutes)["00:14"] == "14.0"
    # The other one is not there: told, and the first is made all the same.
    assert rebuild_traces.main(options) == 1
    told = capsys.readouterr().err
    assert f"{downloaded}: no file named elb.csv" in told
    assert "not made: elb" in told


@pytest.mark.usefixtures("table")
def test_a_recording_that_was_not_measured_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "wc.csv").write_bytes(counts(*range(19)))
    (tmp_path / "elb.csv").write_text("timestamp,value\n2014-04-10 00:04:00,1\n")
    assert rebuild_traces.main(["--from", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    told = capsys.readouterr()
    assert "figures will differ: elb" in told.err
    assert (tmp_path / "out" / "elb.csv").exists()


class FakeAnswer(io.BytesIO):
    def __init__(self, content: bytes, announced: int) -> None:
        super().__init__(content)
        self.headers = Message()
        self.headers["Content-Length"] = str(announced)


def served(answers: dict[str, FakeAnswer]) -> Any:
    """Stands in for `urlopen`."""

    def open_it(address: str, timeout: float) -> FakeAnswer:
        assert timeout == rebuild_traces.TIMEOUT_SECONDS
        if address not in answers:
            raise urllib.error.HTTPError(address, 404, "Not Found", Message(), None)
        return answers[address]

    return open_it


NEWEST = "https://raw.githubusercontent.com/o/r/HEAD/wc.csv"
PINNED = "https://raw.githubusercontent.com/o/r/abc/wc.csv"


def test_the_pinned_version_is_tried_before_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {PINNED: FakeAnswer(b"pinned", 6), NEWEST: FakeAnswer(b"newest", 6)}
    monkeypatch.setattr("urllib.request.urlopen", served(answers))
    assert rebuild_traces.fetched(COUNT, None) == b"pinned"
    del answers[PINNED]
    assert rebuild_traces.fetched(COUNT, None) == b"newest"


def test_a_failed_download_names_every_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("urllib.request.urlopen", served({NEWEST: FakeAnswer(b"new", 6)}))
    wanted = f"{re.escape(PINNED)}: HTTP Error 404.*{re.escape(NEWEST)}: 3 of 6 bytes arrived"
    with pytest.raises(SourceUnusableError, match=wanted):
        rebuild_traces.fetched(COUNT, None)


def test_the_table_of_sources_has_the_recordings_of_the_measurement() -> None:
    table = rebuild_traces.sources()
    assert set(table) == set(TRACES)
    for name, source in table.items():
        minutes = {f"minute/{name}.csv"} if source.step_minutes == 1 else set()
        assert set(source.sha256) == {f"{name}.csv"} | minutes
        assert pd.Timestamp(source.first) < pd.Timestamp(source.last)
        assert source.form in rebuild_traces.COLUMNS
        for address in source.addresses():
            assert address.startswith("https://")
