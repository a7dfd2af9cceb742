"""The storefront as processes: start, rate, queue, end, and several with one database."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from predictive_autoscaler.storefront import capacity_per_second
from tests.helpers.commands import ROOT, clean_environment
from tests.helpers.locust_files import locust_file
from tests.helpers.storefront import CHANNEL, Instance, command, started, stopped, storefront

operations = locust_file("saleor_operations")
CATEGORIES = "{categories(first: 20) {edges {node {slug}}}}"


def hammer(instance: Instance, threads: int, seconds: float) -> tuple[dict[int, int], float]:
    """Answers by status, from so many clients that ask without a pause; and the seconds it took."""
    counts: dict[int, int] = {}
    lock = threading.Lock()
    ends = time.monotonic() + seconds
    body = json.dumps({"query": CATEGORIES})

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", instance.port, timeout=30)
        while time.monotonic() < ends:
            connection.request("POST", "/graphql/", body)
            response = connection.getresponse()
            response.read()
            with lock:
                counts[response.status] = counts.get(response.status, 0) + 1
        connection.close()

    began = time.monotonic()
    with ThreadPoolExecutor(threads) as pool:
        for future in [pool.submit(client) for _ in range(threads)]:
            future.result()
    return counts, time.monotonic() - began


def test_it_saturates_at_the_rate_that_is_stated(tmp_path: Path) -> None:
    expected = capacity_per_second({"categories": 1}, workers=2, service_ms=820)
    with storefront(tmp_path / "shop.sqlite", "--service-ms", 820, "--queue", 40) as instance:
        instance.ask(CATEGORIES)
        instance.stats()
        counts, seconds = hammer(instance, threads=12, seconds=10)
        told = instance.stats()
    assert set(counts) == {200}
    # About 90 service times of a spread of a third: three standard errors are a tenth.
    assert counts[200] / seconds == pytest.approx(expected, rel=0.2)
    assert told["busy_share"] > 0.9
    assert told["refused"] == 0
    assert told["p95_ms"] > told["p50_ms"] > 1000


def test_beyond_the_queue_it_answers_503_at_once(tmp_path: Path) -> None:
    # A service time of about 17 s, so that none of it ends while this looks.
    options = ("--service-ms", 60_000, "--workers", 1, "--queue", 2)
    instance = started(tmp_path / "shop.sqlite", *options)
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(instance.ask, CATEGORIES) for _ in range(8)]
        ends = time.monotonic() + 4
        while sum(one.done() for one in answers) < 5 and time.monotonic() < ends:
            time.sleep(0.05)
        early = [one.result() for one in answers if one.done()]
        told = instance.stats()
        stopped(instance)
    assert [status for status, _ in early] == [503] * 5
    assert "waiting" in early[0][1]["errors"][0]["message"]
    assert told["refused"] == 5
    assert told["waiting"] == 2


def test_sigterm_ends_it_within_a_second_also_at_work(tmp_path: Path) -> None:
    instance = started(tmp_path / "shop.sqlite", "--service-ms", 60_000)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(instance.ask, CATEGORIES)
        while not instance.stats()["busy_share"]:
            time.sleep(0.05)
        began = time.monotonic()
        instance.process.terminate()
        _, told = instance.process.communicate(timeout=10)
        seconds = time.monotonic() - began
        status, content = waiting.result()
    assert (instance.process.returncode, told) == (0, "")
    # A second, and what a busy machine may add to it.
    assert seconds < 2
    assert status == 503
    assert "going away" in content["errors"][0]["message"]


def test_it_says_when_it_has_booted(tmp_path: Path) -> None:
    with storefront(tmp_path / "new" / "shop.sqlite", "--boot-seconds", 2) as instance:
        assert instance.request("GET", "/health/")[0] == 503
        assert instance.ask(CATEGORIES)[0] == 503
        ends = time.monotonic() + 10
        while instance.request("GET", "/health/")[0] != 200:
            assert time.monotonic() < ends
            time.sleep(0.1)
        assert instance.ask(CATEGORIES)[0] == 200


def test_several_start_at_once_and_share_their_checkouts(tmp_path: Path) -> None:
    database = tmp_path / "shop.sqlite"
    with ThreadPoolExecutor(3) as pool:
        options = ("--service-ms", 0)
        instances = list(pool.map(lambda _: started(database, *options), range(3)))
    try:
        assert len({instance.port for instance in instances}) == 3
        one, two, three = instances
        _, content = one.ask(operations.DOCUMENTS["checkoutCreate"], channel=CHANNEL, email="a@b.c")
        checkout = content["data"]["checkoutCreate"]["checkout"]["id"]
        listing = two.ask(operations.DOCUMENTS["products"], channel=CHANNEL, first=20)[1]
        for product in operations.nodes(listing["data"]["products"]):
            _, content = two.ask(
                operations.DOCUMENTS["product"], channel=CHANNEL, slug=product["slug"]
            )
            if variants := operations.buyable(content["data"]["product"]):
                break
        lines = [{"variantId": variants[0]["id"], "quantity": 1}]
        _, content = three.ask(operations.DOCUMENTS["checkoutLinesAdd"], id=checkout, lines=lines)
        assert content["data"]["checkoutLinesAdd"]["errors"] == []
        create = operations.DOCUMENTS["checkoutCreate"]
        with ThreadPoolExecutor(6) as pool:
            made = list(
                pool.map(
                    lambda number: instances[number % 3].ask(create, channel=CHANNEL, email="a"),
                    range(60),
                )
            )
        assert all(status == 200 and "errors" not in content for status, content in made)
    finally:
        for instance in instances:
            assert stopped(instance) == 0


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc to count CPU time with")
def test_a_request_costs_little_cpu(tmp_path: Path) -> None:
    """Many instances share a small machine. About 1 ms is usual; the bound leaves room."""
    with storefront(tmp_path / "shop.sqlite", "--service-ms", 0, "--queue", 100) as instance:
        _, content = instance.ask(operations.DOCUMENTS["products"], channel=CHANNEL, first=20)
        slugs = [one["slug"] for one in operations.nodes(content["data"]["products"])]
        bodies = [
            {
                "query": operations.DOCUMENTS["products"],
                "variables": {"channel": CHANNEL, "first": 20},
            },
            *(
                {
                    "query": operations.DOCUMENTS["product"],
                    "variables": {"channel": CHANNEL, "slug": slug},
                }
                for slug in slugs[:2]
            ),
            {"query": operations.DOCUMENTS["categories"], "variables": {"first": 20}},
        ]
        connection = http.client.HTTPConnection("127.0.0.1", instance.port, timeout=30)
        before = cpu_seconds(instance.process.pid)
        for number in range(1000):
            connection.request("POST", "/graphql/", json.dumps(bodies[number % len(bodies)]))
            assert connection.getresponse().read()
        used = cpu_seconds(instance.process.pid) - before
        connection.close()
    assert used < 3.0


def cpu_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--workers", "0"], "--workers: '0' is not a whole number from 1 to 64"),
        (["--port", "70000"], "--port: '70000' is not a whole number from 0 to 65535"),
        (["--service-ms", "-1"], "--service-ms: '-1' is not a number from 0 to 60000"),
        (["--service-ms", "nan"], "--service-ms: 'nan' is not a number"),
        (["--queue", "x"], "--queue: 'x' is not a whole number"),
        (["--boot-seconds", "1e9"], "--boot-seconds: '1e9' is not a number from 0 to 3600"),
        (["--host", "no.such.host.invalid"], "--host no.such.host.invalid"),
        (["--database", "/proc/no/shop.sqlite"], "--database /proc/no/shop.sqlite"),
        (["--colour", "red"], "--colour"),
    ],
)
def test_bad_options_are_told_in_one_line(tmp_path: Path, words: list[str], told: str) -> None:
    done = subprocess.run(
        command("--database", tmp_path / "shop.sqlite", *words),
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in (1, 2)
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert told in done.stderr


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with storefront(tmp_path / "shop.sqlite") as instance:
        done = subprocess.run(
            command("--database", tmp_path / "shop.sqlite", "--port", instance.port),
            cwd=ROOT,
            env=clean_environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert f"--port {instance.port}: cannot listen there" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_help_teaches() -> None:
    done = subprocess.run(
        command("--help"), cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    for word in ("--boot-seconds", "/health/", "/graphql/", "/stats", "example:", "saturates"):
        assert word in done.stdout
