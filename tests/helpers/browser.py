"""A real browser: the Chromium of the machine, driven by Playwright, which brings none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """The browser's path. Where there is none, the test is skipped; in CI it fails."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"none of {', '.join(NAMES)} is installed")
        pytest.skip(f"none of {', '.join(NAMES)} is installed")
    return found


@contextmanager
def browser() -> Iterator[Browser]:
    """A headless one, until the block ends."""
    path = chromium()
    with sync_playwright() as driver:
        # Chromium's own sandbox does not work for root, as whom containers run.
        launched = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield launched
        finally:
            launched.close()


@dataclass
class Heard:
    """What a page said and asked for while it was open."""

    console: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@contextmanager
def opened(
    launched: Browser, address: str, width: int = 1280, scheme: str = "light"
) -> Iterator[tuple[Page, Heard]]:
    """The page at an address, with all that it says written down."""
    context = launched.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page, heard = context.new_page(), Heard()
    page.on("console", lambda message: heard.console.append(message.text))
    page.on("pageerror", lambda error: heard.errors.append(str(error)))
    page.on("request", lambda request: heard.requests.append(request.url))
    try:
        page.goto(address)
        yield page, heard
    finally:
        context.close()
