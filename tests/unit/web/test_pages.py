"""Every route: what it answers, to whom, and that nothing of it can be made to act."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from predictive_autoscaler.core.types import utc_text
from predictive_autoscaler.errors import DataError, ThrottledError
from predictive_autoscaler.ports import Alarm
from predictive_autoscaler.web.desk import Desk
from predictive_autoscaler.web.pages import PARTS, make_app
from tests.helpers.fortnight import DAYS, INTERVAL, NOW, SLOT, Fortnight, fortnight
from tests.helpers.odd_records import ODD, with_odd
from tests.helpers.shop import entry
from tests.unit.report.html_page import HOSTILE, Tags, embedded
from tests.unit.web.conftest import PORT

ROUTES = ("/", "/parts/plotly.js", "/api/now", "/api/series", "/api/what-if")
BINS = DAYS * 288


def answered(client: TestClient, path: str) -> Any:
    found = client.get(path)
    assert found.status_code == 200, found.text
    return found.json()


class TestAnswers:
    def test_the_page_tells_without_any_script(self, client: TestClient) -> None:
        text = client.get("/").text
        assert "<h1>web</h1>" in text
        for words in ("21 desired, 1 to 60 allowed", "1 ringing", "in use, up to 14 d"):
            assert words in text
        assert "forest until 16 Mar 10:30, then seasonal until 17 Mar 10:15" in text
        assert embedded(text)["now"]["mode"] == "full"

    def test_the_page_asks_for_nothing_from_elsewhere(self, client: TestClient) -> None:
        tags = Tags(client.get("/").text)
        for path in tags.loaded():
            assert path.startswith(("/parts/", "data:", "#")), path
        for path in tags.loaded():
            if path.startswith("/parts/"):
                assert client.get(path).status_code == 200
        assert {path.partition("?")[0] for path in tags.loaded() if "parts" in path} == {
            *(f"/parts/{name}" for name in PARTS),
            "/parts/plotly.js",
        }

    def test_fourteen_days_and_the_next(self, client: TestClient) -> None:
        curves = answered(client, "/api/series")["curves"]
        assert curves["bins"] == BINS
        assert curves["step"] == 300_000
        for name in ("demand", "in_service", "desired", "wish", "lower", "latency", "needed"):
            assert len(curves[name]) == BINS
        # The newest interval is under way; all before it are measured and decided.
        assert [curves["demand"].count(None), curves["wish"].count(None)] == [1, 0]
        assert curves["recorded"] == list(range(BINS))
        assert [piece["rung"] for piece in curves["ahead"]] == ["forest", "seasonal"]
        assert sum(len(piece["median"]) for piece in curves["ahead"]) == 288
        for bin in curves["missed"]:
            assert curves["needed"][bin] > curves["in_service"][bin]

    def test_a_decision_is_explained_with_the_one_of_a_week_before(
        self, client: TestClient, made: Fortnight
    ) -> None:
        found = answered(client, f"/api/decisions/{utc_text(SLOT)}")
        record = made.world.decisions.load(SLOT)
        assert record is not None
        decision = entry(record)["decision"]
        assert found["to"] == decision["after_instances"]
        assert found["head"].startswith(("Stay at", "Scale"))
        assert any("The decision of then:" in text for text in found["text"])
        assert [row[0] for row in found["candidates"]] == [
            one["instances"] for one in decision["candidates"]
        ]

    def test_the_what_if_has_prices_hours_misses_and_money(self, client: TestClient) -> None:
        found = answered(client, "/api/what-if")
        rows = found["answer"]["rows"]
        assert [row["miss_price"] for row in rows if row["miss_price"]] == [
            2,
            5,
            10,
            20,
            50,
            100,
            200,
        ]
        assert found["priced"]
        assert found["share"] is None

    @pytest.mark.parametrize(
        "path",
        [
            "/nothing",
            "/docs",
            "/api/now/",
            "/openapi.json",
            "/parts/../guard.py",
            "/parts/%2e%2e%2fguard.py",
            "/parts/serve.html.j2",
            "/api/decisions/2020-01-01T00:00:00Z",
            "/api/decisions/2026-03-16T10:15:00",
            "/api/decisions/..%2f..%2fcontrol%2fweb",
            "/api/decisions/%3Cscript%3E",
            "/api/decisions/9999-99-99T00:00:00Z",
            "/api/decisions/0001-01-01T00:00:00+23:59",
            "/api/decisions/%00",
        ],
    )
    def test_what_is_not_there(self, client: TestClient, path: str) -> None:
        found = client.get(path)
        assert found.status_code == 404
        assert "<script" not in found.text
        assert "Traceback" not in found.text


class TestGuard:
    @pytest.mark.parametrize("path", ROUTES)
    @pytest.mark.parametrize(
        "method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "BREW"]
    )
    def test_only_get_is_answered(self, client: TestClient, path: str, method: str) -> None:
        found = client.request(method, path, content=b"x" if method == "POST" else None)
        assert found.status_code == 405
        assert found.headers["allow"] == "GET"
        assert "access-control-allow-origin" not in found.headers

    @pytest.mark.parametrize("path", ROUTES)
    @pytest.mark.parametrize(
        "host",
        [
            "evil.example",
            f"evil.example:{PORT}",
            f"127.0.0.1.evil.example:{PORT}",
            "127.0.0.1",
            f"127.0.0.1:{PORT + 1}",
            f"0.0.0.0:{PORT}",
            f"127.0.0.1:{PORT}@evil.example",
            "",
        ],
    )
    def test_another_name_is_refused(self, client: TestClient, path: str, host: str) -> None:
        found = client.get(path, headers={"Host": host})
        assert found.status_code == 421
        assert "web" not in found.text

    @pytest.mark.parametrize("host", [f"localhost:{PORT}", f"LOCALHOST:{PORT}"])
    def test_the_other_name_of_this_machine_will_do(self, client: TestClient, host: str) -> None:
        assert client.get("/", headers={"Host": host}).status_code == 200

    @pytest.mark.parametrize("path", [*ROUTES, "/nothing"])
    def test_no_other_page_may_read_or_hold_it(self, client: TestClient, path: str) -> None:
        found = client.get(path, headers={"Origin": "https://evil.example"})
        policy = found.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self';")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert found.headers["cross-origin-resource-policy"] == "same-origin"
        assert found.headers["x-content-type-options"] == "nosniff"
        assert not any(name.startswith("access-control") for name in found.headers)

    def test_what_changes_is_not_kept_by_the_browser(self, client: TestClient) -> None:
        assert client.get("/api/now").headers["cache-control"] == "no-store"
        assert client.get("/").headers["cache-control"] == "no-store"
        assert "max-age" in client.get("/parts/plotly.js").headers["cache-control"]

    def test_a_websocket_is_closed(self, client: TestClient) -> None:
        from starlette.websockets import WebSocketDisconnect

        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/api/now"):
            pass


@pytest.fixture(scope="module")
def odd() -> Fortnight:
    """One whose newest record is made odd again and again."""
    return fortnight(full=False)


class TestTroubles:
    """A desk of its own each, since things go wrong at it."""

    def test_hostile_names_stay_words(self) -> None:
        made = fortnight(full=False)
        made.alarms.alarms = (Alarm(f"shop-{HOSTILE}", "ALARM", NOW, HOSTILE),)
        made.desk.look()
        client = client_of(made)
        text = client.get("/").text
        assert Tags(text).count("script") == 5
        assert Tags(text).count("img") == 0
        assert "{{ 7 * 7 }}" in text
        assert client.get("/api/now").json()["alarms"][0]["words"] == f"shop-{HOSTILE}: {HOSTILE}"

    def test_before_anything_was_read(self) -> None:
        client = client_of(fortnight(full=False))
        assert "Reading the metrics of the last days" in client.get("/").text
        assert answered(client, "/api/series") == {"version": "", "curves": None}
        assert "switched off" in answered(client, "/api/what-if")["error"]

    def test_it_is_settled_once_all_is_read_and_well(self) -> None:
        made = fortnight(full=False)
        client = client_of(made)
        assert not answered(client, "/api/now")["settled"]
        made.desk.look()
        assert not answered(client, "/api/now")["settled"]
        made.desk.look_back()
        assert answered(client, "/api/now")["settled"]
        made.alarms.error = ThrottledError("cloudwatch:DescribeAlarms: Throttling: Rate exceeded")
        made.world.clock.advance(INTERVAL)
        made.desk.look()
        assert not answered(client, "/api/now")["settled"]

    def test_throttled_it_keeps_what_it_knew_and_says_how_old_that_is(self) -> None:
        made = fortnight(full=False)
        made.desk.look()
        made.alarms.error = ThrottledError("cloudwatch:DescribeAlarms: Throttling: Rate exceeded")
        made.world.source.error = ThrottledError("cloudwatch:GetMetricData: Throttling")
        made.world.clock.advance(INTERVAL)
        made.desk.look()
        words = answered(client_of(made), "/api/now")
        alarms = next(text for text in words["notices"] if text.startswith("Alarms: "))
        assert alarms == (
            "Alarms: cloudwatch:DescribeAlarms: Throttling: Rate exceeded. What is shown is 5 min "
            "old. The next try is in 5 s."
        )
        assert words["alarms"][0]["what"] == "ringing"
        assert any(text.startswith("Traffic: ") for text in words["notices"])
        assert answered(client_of(made), "/api/series")["curves"]["bins"] > 0

    @pytest.mark.parametrize(
        ("error", "status"), [(DataError("no JSON"), 502), (ThrottledError("slow down"), 502)]
    )
    def test_a_record_that_cannot_be_read(
        self, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
    ) -> None:
        made = fortnight(full=False)

        def fail(slot: object) -> None:
            raise error

        monkeypatch.setattr(made.world.decisions, "load", fail)
        found = client_of(made).get(f"/api/decisions/{utc_text(SLOT)}")
        assert (found.status_code, found.json()) == (status, {"detail": str(error)})

    def test_a_record_with_odd_values_is_no_decision_record(self) -> None:
        made = fortnight(full=False)
        record = json.loads(json.dumps(made.world.decisions.load(SLOT)))
        entry(record)["decision"]["quantiles"] = {"0.5": "<b>many</b>"}
        made.world.decisions.complete(SLOT, record)
        found = client_of(made).get(f"/api/decisions/{utc_text(SLOT)}")
        assert found.status_code == 502
        assert "this is not a decision record" in found.json()["detail"]

    @pytest.mark.parametrize(("field", "value"), ODD)
    def test_one_odd_number_takes_nothing_else_away(
        self, odd: Fortnight, field: str, value: object
    ) -> None:
        log = odd.world.decisions
        sound = log.load(SLOT - INTERVAL)
        assert sound is not None
        log.complete(SLOT, with_odd(sound, field, value) | {"slot": utc_text(SLOT)})
        desk = Desk(odd.watch_anew(), log, odd.world.groups[0], 1, None, odd.world.clock.now)
        desk.look()
        desk.look_back()
        client = client_of(replace(odd, desk=desk))
        assert client.get("/").status_code == 200
        words = answered(client, "/api/now")
        assert [line["what"] for line in words["decisions"]].count("–") == 1
        assert "this is not a decision record" in words["decisions"][0]["words"]
        curves = answered(client, "/api/series")["curves"]
        assert curves["wish"][-1] is None
        assert curves["wish"][-2] is not None
        assert None not in curves["needed"][-5:-1]
        found = client.get(f"/api/decisions/{utc_text(SLOT)}")
        assert (found.status_code, client.get("/api/now").status_code) == (502, 200)
        assert "this is not a decision record" in found.json()["detail"]

    def test_an_odd_record_of_last_week_is_only_left_out(self) -> None:
        made = fortnight(full=False)
        record = made.world.decisions.load(SLOT)
        assert record is not None
        before = SLOT - timedelta(days=7)
        made.world.decisions.complete(before, with_odd(record, "after_instances", "many"))
        found = answered(client_of(made), f"/api/decisions/{utc_text(SLOT)}")
        assert found["head"].startswith(("Stay at", "Scale"))
        assert not any("The decision of then:" in text for text in found["text"])

    def test_a_record_without_a_decision_says_why(self) -> None:
        made = fortnight(full=False)
        record = json.loads(json.dumps(made.world.decisions.load(SLOT)))
        entry(record).update(decision=None, outcome={"status": "failed", "error": "no metrics"})
        made.world.decisions.complete(SLOT, record)
        found = answered(client_of(made), f"/api/decisions/{utc_text(SLOT)}")
        assert found == {"head": "No decision: no metrics"}


def client_of(made: Fortnight) -> TestClient:
    return TestClient(make_app(made.desk, PORT, 5), base_url=f"http://127.0.0.1:{PORT}")
