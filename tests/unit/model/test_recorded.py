"""Files that people have made: what is read, and what is refused with which words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from predictive_autoscaler.core.csv_text import samples_to_csv
from predictive_autoscaler.core.types import Samples
from predictive_autoscaler.errors import DataError
from predictive_autoscaler.model.recorded import at_interval, read_recording
from tests.helpers.shop import same_bits, shop

START = datetime(2026, 11, 1, tzinfo=UTC)
Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(text: str) -> Path:
        path = tmp_path / "traffic.csv"
        path.write_text(text)
        return path

    return to_file


def rows(count: int = 300, minutes: int = 5, form: str = "%Y-%m-%d %H:%M:%S") -> list[str]:
    """A file's lines, header first."""
    moments = (START + index * timedelta(minutes=minutes) for index in range(count))
    data = [f"{moment.strftime(form)},{100 + index}" for index, moment in enumerate(moments)]
    return ["timestamp,requests", *data]


def text(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_recording(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


class TestGoodFiles:
    @pytest.mark.parametrize("minutes", [1, 5, 10, 15, 30, 60])
    def test_the_grid_is_the_files_own(self, write: Write, minutes: int) -> None:
        recording = read_recording(write(text(rows(60, minutes))))
        samples = recording.samples
        assert samples.interval_seconds == 60 * minutes
        assert samples.start == START
        assert samples.requests.tolist() == list(range(100, 160))
        assert recording.absent_rows == 0

    @pytest.mark.parametrize(
        "form",
        ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S+00:00"],
    )
    def test_times_are_utc_however_they_are_written(self, write: Write, form: str) -> None:
        assert read_recording(write(text(rows(form=form)))).samples.start == START

    def test_another_zone_is_converted(self, write: Write) -> None:
        samples = read_recording(write(text(rows(form="%Y-%m-%dT%H:%M:%S+02:00")))).samples
        assert samples.start == START - timedelta(hours=2)

    def test_optional_columns_in_any_order(self, write: Write) -> None:
        path = write(
            "cpu_utilization,timestamp,refused,requests,capacity,errors,response_time\n"
            "55.5,2026-11-01 00:00:00,1,100,3,2,0.25\n"
            ",2026-11-01 00:05:00,0,200,,,\n"
        )
        samples = read_recording(path).samples
        assert samples.requests.tolist() == [100, 200]
        np.testing.assert_array_equal(samples.cpu_percent, [55.5, np.nan])
        np.testing.assert_array_equal(samples.in_service, [3, np.nan])
        np.testing.assert_array_equal(samples.response_time_seconds, [0.25, np.nan])
        np.testing.assert_array_equal(samples.errors, [2, np.nan])
        np.testing.assert_array_equal(samples.refused, [1, 0])
        assert np.isnan(samples.healthy_hosts).all()

    def test_absent_rows_are_counted_and_stay_absent(self, write: Write) -> None:
        lines = rows()
        del lines[10:13]
        recording = read_recording(write(text(lines)))
        assert recording.absent_rows == 3
        assert len(recording.samples) == 300
        assert np.flatnonzero(np.isnan(recording.samples.requests)).tolist() == [9, 10, 11]

    def test_an_empty_cell_is_absent(self, write: Write) -> None:
        lines = rows()
        lines[5] = lines[5].split(",")[0] + ","
        samples = read_recording(write(text(lines))).samples
        assert np.flatnonzero(np.isnan(samples.requests)).tolist() == [4]

    def test_what_collect_writes_is_read_back_exactly(self, write: Write) -> None:
        samples = shop(300).latest(600)
        assert same_bits(read_recording(write(samples_to_csv(samples))).samples, samples)

    def test_a_byte_order_mark_of_a_spreadsheet_does_no_harm(self, tmp_path: Path) -> None:
        path = tmp_path / "traffic.csv"
        path.write_text(text(rows()), encoding="utf-8-sig")
        assert len(read_recording(path).samples) == 300

    def test_windows_line_ends_do_no_harm(self, tmp_path: Path) -> None:
        path = tmp_path / "traffic.csv"
        path.write_bytes(text(rows()).replace("\n", "\r\n").encode())
        assert read_recording(path).samples.requests[-1] == 399


class TestBadFiles:
    """Each is refused with what was found, where, and what is needed."""

    def test_no_such_file(self, tmp_path: Path) -> None:
        assert refusal(tmp_path / "absent.csv") == "there is no such file"

    def test_a_folder(self, tmp_path: Path) -> None:
        assert "cannot be read as CSV" in refusal(tmp_path)

    @pytest.mark.parametrize("content", ["", "\n", "\n\n  \n"])
    def test_an_empty_file(self, write: Write, content: str) -> None:
        assert refusal(write(content)).startswith("the file is empty; write a first line")

    @pytest.mark.parametrize(("sign", "name"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")])
    def test_other_separators_are_named(self, write: Write, sign: str, name: str) -> None:
        rows = f"timestamp{sign}requests\n2026-11-20 08:05:00{sign}12\n"
        assert refusal(write(rows)).startswith(
            f"its columns are separated by {name}; write a first line 'timestamp,requests'"
        )

    def test_a_header_alone(self, write: Write) -> None:
        assert refusal(write("timestamp,requests\n")) == (
            "no rows; at least 24 hours of metrics are needed"
        )

    def test_one_row(self, write: Write) -> None:
        assert refusal(write(text(rows(1)))) == "one row; at least 24 hours of metrics are needed"

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (bytes(range(256)) * 40, "cannot be read as CSV"),
            (b"\x1f\x8b\x08\x00" + bytes(500), "cannot be read as CSV"),
            (bytes(5000), "no rows"),
            ("timestamp,requests\n2026-11-01,1\n".encode("utf-16"), "cannot be read as CSV"),
            (b"PK\x03\x04" + bytes(range(255, 0, -1)) * 9, "cannot be read as CSV"),
        ],
        ids=["bytes", "gzip", "zeros", "utf-16", "spreadsheet"],
    )
    def test_binary_garbage(self, tmp_path: Path, content: bytes, words: str) -> None:
        path = tmp_path / "traffic.csv"
        path.write_bytes(content)
        message = refusal(path)
        assert message.startswith(words)
        assert len(message) < 300

    def test_a_wrong_column(self, write: Write) -> None:
        message = refusal(write(text(["timestamp,request_count", *rows()[1:]])))
        assert "column 'requests' is missing; found timestamp, request_count" in message
        assert "needed are timestamp, requests, optional are" in message
        assert "cpu_utilization" in message

    def test_an_unknown_column(self, write: Write) -> None:
        """A misspelt optional column would be left out in silence."""
        lines = [f"{line},{'cpu' if index == 0 else 50}" for index, line in enumerate(rows())]
        assert "unknown column 'cpu'; found timestamp, requests, cpu" in refusal(write(text(lines)))

    def test_no_header(self, write: Write) -> None:
        assert "column 'timestamp' is missing" in refusal(write(text(rows()[1:])))

    @pytest.mark.parametrize("bad", ["yesterday", "2026-13-01 00:00:00", "", "01.11.2026"])
    def test_a_time_that_is_none(self, write: Write, bad: str) -> None:
        lines = rows()
        lines[7] = f"{bad},5"
        message = refusal(write(text(lines)))
        assert message.startswith("line 8: ")
        assert "is no time; write it as 2026-11-20 08:05:00 (UTC)" in message

    def test_unsorted_rows(self, write: Write) -> None:
        lines = rows()
        lines[20], lines[21] = lines[21], lines[20]
        assert refusal(write(text(lines))) == (
            "line 22: 2026-11-01 01:35:00 is earlier than the line before; "
            "rows must be in order of time, each time once"
        )

    def test_duplicated_rows(self, write: Write) -> None:
        lines = rows()
        lines.insert(20, lines[20])
        message = refusal(write(text(lines)))
        assert message.startswith("line 22: 2026-11-01 01:35:00 appears twice; ")

    @pytest.mark.parametrize("bad", ["-1", "-0.5", "inf", "many", "1,5"])
    def test_what_is_no_count(self, write: Write, bad: str) -> None:
        lines = rows()
        lines[30] = lines[30].split(",")[0] + f',"{bad}"'
        message = refusal(write(text(lines)))
        assert message.startswith("line 31: requests is ")
        assert bad in message
        assert message.endswith("a number of at least 0, or nothing, is needed")

    def test_a_negative_value_of_another_column(self, write: Write) -> None:
        lines = [f"{line},{'cpu_utilization' if i == 0 else -i}" for i, line in enumerate(rows())]
        assert refusal(write(text(lines))).startswith("line 2: cpu_utilization is ")

    def test_a_row_off_the_grid(self, write: Write) -> None:
        lines = rows()
        lines[40] = "2026-11-01 03:17:00,5"
        assert refusal(write(text(lines))) == (
            "line 41: the row is not on the grid of 5 minutes that the others are on"
        )

    @pytest.mark.parametrize("minutes", [2, 7, 20, 120, 1440])
    def test_a_step_that_is_not_allowed(self, write: Write, minutes: int) -> None:
        assert refusal(write(text(rows(50, minutes)))) == (
            f"rows are {minutes} minutes apart; allowed are 1, 5, 10, 15, 30, 60"
        )

    def test_a_wrong_year_does_not_fill_the_memory(self, write: Write) -> None:
        lines = rows(minutes=1)
        lines[-1] = "2126-11-01 00:00:00,5"
        assert "spans 36524 days; at most 3650" in refusal(write(text(lines)))

    def test_lines_of_different_lengths(self, write: Write) -> None:
        lines = rows()
        lines[9] += ",7,8,9"
        assert "cannot be read as CSV" in refusal(write(text(lines)))


class TestOnTheControlInterval:
    def of(self, minutes: int, values: list[float]) -> Samples:
        return Samples.of(START, 60 * minutes, {"requests": np.array(values)})

    def test_minutes_are_added_up(self) -> None:
        samples = at_interval(self.of(1, list(range(10))), 300)
        assert samples.requests.tolist() == [10, 35]

    def test_half_hours_are_split_without_losing_any(self) -> None:
        """Six bins of five minutes each, running from one value to the next."""
        samples = at_interval(self.of(30, [600, 1200, 1200]), 300)
        assert samples.interval_seconds == 300
        assert len(samples) == 18
        assert samples.requests[0] == 100
        assert samples.requests[6] == samples.requests[-1] == 200
        assert (np.diff(samples.requests[:7]) > 0).all()

    def test_hours_too(self) -> None:
        samples = at_interval(self.of(60, [1200, 1200]), 300)
        assert samples.requests.tolist() == [100.0] * 24

    def test_a_gap_stays_a_gap(self) -> None:
        samples = at_interval(self.of(30, [600, np.nan, 600]), 300)
        assert np.isnan(samples.requests[6:12]).all()
        assert not np.isnan(samples.requests[:6]).any()

    def test_the_same_step_is_left_alone(self) -> None:
        samples = shop(300).latest(10)
        assert at_interval(samples, 300) is samples
