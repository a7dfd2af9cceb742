"""The local page in a real browser: what it says and asks for, how it looks, how fast it draws."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from predictive_autoscaler.core.types import utc_text
from predictive_autoscaler.ports import Alarm
from predictive_autoscaler.web.question import Status
from tests.helpers.browser import Heard, browser, opened
from tests.helpers.fortnight import (
    ALARMS,
    DAYS,
    INTERVAL,
    NOW,
    SLOT,
    Answered,
    Fortnight,
    answer_like,
    fortnight,
    served,
)
from tests.unit.report.html_page import HOSTILE

pytestmark = pytest.mark.slow
WIDTHS = (390, 768, 1280, 1920)
DRAWN = "() => performance.getEntriesByName('curves drawn').map(one => one.duration)"
MOST_MILLISECONDS = 1000


@pytest.fixture(scope="module")
def made() -> Fortnight:
    found = fortnight(Answered(Status(answer=answer_like())), hour_price="0.096")
    found.desk.look()
    found.desk.look_back()
    return found


@pytest.fixture(scope="module")
def address(made: Fortnight) -> Iterator[str]:
    with served(made.desk) as found:
        yield found


@pytest.fixture(scope="module")
def launched() -> Iterator[Browser]:
    with browser() as found:
        yield found


def drawn(page: Page) -> list[float]:
    """Milliseconds from having the curves until they were on the screen, once they are."""
    page.wait_for_function("() => performance.getEntriesByName('curves drawn').length > 0")
    expect(page.locator("#why-text p").first).to_be_visible()
    found: list[float] = page.evaluate(DRAWN)
    return found


def said_nothing(heard: Heard, address: str) -> None:
    assert heard.console == []
    assert heard.errors == []
    assert [url for url in heard.requests if not url.startswith((address, "data:"))] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_and_says_nothing(
    launched: Browser, address: str, tmp_path: Path, width: int, scheme: str
) -> None:
    with opened(launched, address, width, scheme) as (page, heard):
        drawn(page)
        expect(page.locator(".main-svg").first).to_be_visible()
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width
        beyond = page.evaluate(
            """() => [...document.querySelectorAll("body *")]
            .filter((one) => !one.closest(".scroll, svg, .skip") && one.checkVisibility())
            .filter((one) => one.getBoundingClientRect().right > innerWidth + 0.5)
            .map((one) => one.outerHTML.slice(0, 80))"""
        )
        assert beyond == []
        page_colour = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
        assert page_colour == {"light": "rgb(246, 247, 249)", "dark": "rgb(14, 17, 22)"}[scheme]
        shot = tmp_path / f"{width}-{scheme}.png"
        page.screenshot(path=shot, full_page=True)
        assert shot.stat().st_size > 50_000
        said_nothing(heard, address)


@pytest.mark.alone
def test_fourteen_days_are_drawn_in_less_than_a_second(launched: Browser, address: str) -> None:
    taken = []
    for _ in range(3):
        with opened(launched, address) as (page, _heard):
            taken += drawn(page)
            bins = page.evaluate("() => document.getElementById('moment').max")
            assert int(bins) + 1 == DAYS * 288
    assert min(taken) < MOST_MILLISECONDS, taken


class TestKeyboard:
    def test_the_way_from_the_top_to_the_charts(self, launched: Browser, address: str) -> None:
        with opened(launched, address) as (page, _):
            drawn(page)
            page.keyboard.press("Tab")
            expect(page.locator(".skip")).to_be_focused()
            expect(page.locator(".skip")).to_be_in_viewport()
            page.keyboard.press("Enter")
            page.keyboard.press("Tab")
            expect(page.locator("[data-hours='24']")).to_be_focused()
            page.keyboard.press("Enter")
            expect(page.locator("[data-hours='24']")).to_have_attribute("aria-pressed", "true")

    def test_arrows_go_from_decision_to_decision(self, launched: Browser, address: str) -> None:
        with opened(launched, address) as (page, heard):
            drawn(page)
            expect(page.locator("#why-time")).to_have_text("16 Mar, 10:15 UTC")
            page.keyboard.press("ArrowLeft")
            page.keyboard.press("ArrowLeft")
            expect(page.locator("#why-time")).to_have_text("16 Mar, 10:05 UTC")
            expect(page.locator("#why-head")).to_contain_text("from 16 to 20")
            page.keyboard.press("ArrowRight")
            expect(page.locator("#why-head")).to_contain_text("from 20 to 21")
            asked = [url for url in heard.requests if "/api/decisions/" in url]
            assert asked[-1].endswith(utc_text(SLOT - INTERVAL))
            said_nothing(heard, address)

    def test_the_slider_of_the_price(
        self, launched: Browser, address: str, made: Fortnight
    ) -> None:
        with opened(launched, address) as (page, _):
            drawn(page)
            price = page.locator("#price")
            # Nearest to the one that the newest decision used.
            expect(price).to_have_attribute("aria-valuetext", "price 10")
            expect(page.locator("#what-now")).to_have_text(made.desk.what_if()["price_words"])
            price.focus()
            page.keyboard.press("ArrowRight")
            page.keyboard.press("ArrowRight")
            expect(page.locator("#price-text")).to_have_text("price 50")
            expect(page.locator("#what-table tr.chosen th")).to_have_text("price 50")
            tiles = page.locator("#what-tiles li")
            expect(tiles.nth(0)).to_contain_text("12\u202f566")
            expect(tiles.nth(0)).to_contain_text("25\u202f133 fewer than as set now")
            expect(tiles.nth(1)).to_contain_text("47.0 more than as set now")
            expect(tiles.nth(2)).to_contain_text("USD")
            page.keyboard.press("End")
            expect(page.locator("#price-text")).to_have_text("price 200")

    def test_every_button_can_be_reached_and_has_a_name(
        self, launched: Browser, address: str
    ) -> None:
        with opened(launched, address) as (page, _):
            drawn(page)
            # The slider can be reached once there is an answer, which comes last.
            expect(page.locator("#what-tiles li").first).to_be_visible()
            wanted = page.evaluate(
                """() => [...document.querySelectorAll("a, button, input")]
                .filter((one) => one.checkVisibility() && !one.disabled).length"""
            )
            reached = set()
            for _ in range(wanted + 3):
                page.keyboard.press("Tab")
                name = page.evaluate(
                    """() => { const one = document.activeElement;
                    if (!one.matches("a, button, input")) return "";
                    return (one.getAttribute("aria-label") || one.textContent).trim()
                        + "|" + [...document.querySelectorAll("*")].indexOf(one); }"""
                )
                assert not name.startswith("|")
                reached.add(name)
            assert len(reached - {""}) == wanted


def test_a_click_on_a_chart_explains(launched: Browser, address: str) -> None:
    with opened(launched, address) as (page, heard):
        drawn(page)
        before = page.locator("#why-time").inner_text()
        box = page.locator("#demand-chart .nsewdrag").bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 3, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        expect(page.locator("#readout")).to_contain_text("in service")
        page.mouse.click(x, y)
        expect(page.locator("#why-time")).not_to_have_text(before)
        expect(page.locator("#why-tables table").first).to_be_visible()
        page.locator("#decisions button").nth(2).click()
        expect(page.locator("#why-time")).to_have_text("16 Mar, 10:05 UTC")
        said_nothing(heard, address)


def test_the_way_to_misses_and_changes(launched: Browser, address: str, made: Fortnight) -> None:
    curves = made.desk.series()["curves"]
    last, before = curves["missed"][-1], curves["missed"][-2]
    with opened(launched, address) as (page, _):
        drawn(page)
        moment, later_miss = page.locator("#moment"), page.locator("#next-miss")
        expect(later_miss).to_be_disabled()
        expect(page.locator("#next-change")).to_be_disabled()
        page.locator("#previous-miss").click()
        expect(moment).to_have_js_property("value", str(last))
        page.locator("#previous-miss").click()
        expect(moment).to_have_js_property("value", str(before))
        later_miss.click()
        expect(moment).to_have_js_property("value", str(last))
        page.locator("#newest").click()
        page.locator("#previous-change").click()
        expect(page.locator("#why-time")).to_have_text("16 Mar, 10:10 UTC")


def test_the_strip_is_as_dark_as_much_was_missed(
    launched: Browser, address: str, made: Fortnight
) -> None:
    curves = made.desk.series()["curves"]
    marks = """() => { const strip = document.getElementById("capacity-chart").data
        .find((one) => one.type === "bar");
        return strip.marker.opacity.map((shade) => [shade, strip.width]); }"""
    with opened(launched, address, 390) as (page, _):
        drawn(page)
        expect(page.locator("[data-hours='24']")).to_have_attribute("aria-pressed", "true")
        page.locator("[data-hours='0']").click()
        found = page.evaluate(marks)
        length = found[0][1] / curves["step"]
        assert length > 20
        covered = sum((shade - 0.2) / 0.8 * length for shade, _ in found)
        assert covered == pytest.approx(len(curves["missed"]))
        assert max(shade for shade, _ in found) < 1
    with opened(launched, address, 1280) as (page, _):
        drawn(page)
        expect(page.locator("[data-hours='0']")).to_have_attribute("aria-pressed", "true")
        for _ in range(5):
            page.locator("#zoom-in").click()
        assert {tuple(one) for one in page.evaluate(marks)} == {(1, curves["step"])}


def test_nothing_of_one_decision_stands_under_the_time_of_another(
    launched: Browser, address: str
) -> None:
    held: list[Route] = []
    with opened(launched, address) as (page, heard):
        drawn(page)
        page.route("**/api/decisions/*", lambda route: held.append(route))
        page.locator("#previous").click()
        expect(page.locator("#why-time")).to_have_text("16 Mar, 10:10 UTC")
        expect(page.locator("#why-head")).to_have_text("Reading the decision …")
        expect(page.locator("#why-text")).to_be_empty()
        expect(page.locator("#why-tables")).to_be_empty()
        held[-1].continue_()
        expect(page.locator("#why-head")).to_contain_text("from 20 to 21")
        # Whoever has gone on does not get the answer of before.
        page.locator("#previous").click()
        page.wait_for_function("() => document.getElementById('why-text').childElementCount === 0")
        page.locator("#previous").click()
        expect(page.locator("#why-time")).to_have_text("16 Mar, 10:00 UTC")
        page.wait_for_timeout(500)
        held[-1].continue_()
        expect(page.locator("#why-head")).to_contain_text("from 19 to 20")
        said_nothing(heard, address)


def test_an_explanation_that_cannot_be_read_again_keeps_standing(launched: Browser) -> None:
    fresh = fortnight(full=False)
    fresh.desk.look()
    fresh.desk.look_back()
    with served(fresh.desk) as address, opened(launched, address) as (page, _):
        drawn(page)
        head = page.locator("#why-head").inner_text()
        detail = {"status": 502, "json": {"detail": "s3:GetObject: Read timeout."}}
        page.route("**/api/decisions/*", lambda route: route.fulfill(**detail))
        fresh.world.source.visible_until = fresh.world.clock.now()
        fresh.world.clock.advance(timedelta(seconds=61))
        fresh.desk.look()
        expect(page.locator("#why-note")).to_contain_text(
            "cannot be read again just now: s3:GetObject: Read timeout."
        )
        expect(page.locator("#why-head")).to_have_text(head)
        assert page.locator("#why-text p").count() > 2
        page.locator("#previous").click()
        expect(page.locator("#why-head")).to_have_text(
            "It cannot be explained just now: s3:GetObject: Read timeout."
        )
        expect(page.locator("#why-note")).to_be_empty()


def test_a_page_that_is_opened_at_once_does_not_wait_for_the_next_look(launched: Browser) -> None:
    early = fortnight(full=False)
    with (
        served(early.desk, refresh_seconds=3600) as address,
        opened(launched, address) as (page, _),
    ):
        expect(page.locator("#progress")).to_contain_text("Reading the metrics")
        early.desk.look()
        early.desk.look_back()
        drawn(page)
        expect(page.locator("#progress")).to_be_empty()


def test_a_server_that_hangs_is_told_of(launched: Browser, address: str) -> None:
    with opened(launched, address) as (page, _):
        drawn(page)
        page.route("**/api/now", lambda route: None)
        expect(page.locator("#notices")).to_contain_text("does not answer", timeout=20_000)
        expect(page.locator("body")).to_have_class("stale")
        page.unroute("**/api/now")
        expect(page.locator("body")).not_to_have_class("stale", timeout=20_000)
        expect(page.locator("#notices")).not_to_contain_text("does not answer")


def test_the_theme_can_be_chosen(launched: Browser, address: str) -> None:
    with opened(launched, address) as (page, heard):
        drawn(page)
        page.get_by_role("button", name="Dark theme").click()
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        colour = "() => document.querySelector('#demand-chart .xtick text').style.fill"
        assert page.evaluate(colour) == "rgb(163, 173, 184)"
        said_nothing(heard, address)


def test_news_come_without_a_reload_and_keep_the_focus(launched: Browser) -> None:
    fresh = fortnight()
    fresh.desk.look()
    fresh.desk.look_back()
    with served(fresh.desk) as address, opened(launched, address) as (page, heard):
        drawn(page)
        page.evaluate("() => { window.same = true; }")
        page.locator("#decisions button").nth(1).focus()

        def later() -> None:
            fresh.world.source.visible_until = fresh.world.clock.now()
            fresh.world.clock.advance(INTERVAL)
            fresh.world.step()
            fresh.desk.look()
            fresh.desk.look_back()

        fresh.alarms.alarms = (*ALARMS, Alarm(f"shop-{HOSTILE}", "ALARM", NOW, HOSTILE))
        later()
        expect(page.locator("#tiles")).to_contain_text("2 ringing")
        expect(page.locator("#alarms li").nth(0)).to_contain_text(HOSTILE)
        expect(page.locator("#why-time")).to_have_text("16 Mar, 10:20 UTC")
        expect(page.locator(f"[data-slot='{utc_text(SLOT - INTERVAL)}']")).to_be_focused()
        assert page.evaluate("() => window.same")
        # What the reader has chosen stays.
        page.locator("#previous").click()
        expect(page.locator("#why-time")).to_have_text("16 Mar, 10:15 UTC")
        later()
        expect(page.locator("#decisions button").first).to_have_text("10:30 UTC")
        expect(page.locator("#why-time")).to_have_text("16 Mar, 10:15 UTC")
        assert page.locator("img").count() == 0
        said_nothing(heard, address)


def test_a_server_that_is_gone_is_told_and_what_was_known_stays(launched: Browser) -> None:
    gone = fortnight(full=False)
    gone.desk.look()
    gone.desk.look_back()
    with served(gone.desk) as address:
        held = opened(launched, address)
        page, _ = held.__enter__()
        drawn(page)
    try:
        expect(page.locator("#notices")).to_contain_text("server does not answer", timeout=10_000)
        expect(page.locator("#tiles")).to_contain_text("1 ringing")
    finally:
        held.__exit__(None, None, None)
