"""The installed Chromium, driven by Playwright."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",  # root in a container cannot use Chromium's sandbox; only the project's own pages are opened
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
TIMEOUT = 45_000
"""Milliseconds to wait for an action or for what a test expects. A busy machine is slow."""
DESKTOP, PHONE = (1280, 860), (390, 844)
AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"


def executable() -> str | None:
    """Return the path of Chromium, from CHROMIUM or the PATH, or None."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def browser() -> Iterator[Browser]:
    """Run a headless Chromium."""
    expect.set_options(timeout=TIMEOUT)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable(), args=list(FLAGS))
        try:
            yield running
        finally:
            running.close()


def opened(running: Browser, size: tuple[int, int] = DESKTOP, dark: bool = False) -> Page:
    """Return a page in a new browser session."""
    context = running.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if dark else "light", locale="en-GB"
    )
    context.set_default_timeout(TIMEOUT)
    return context.new_page()
