"""Take screenshots of the running app with synthetic images: `python -m tests.browser.screenshots`.

The README's picture is one of them: docs/images/one-desktop.png.
"""

import argparse
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from playwright.sync_api import Page, expect

from radiograph import phantom
from tests.browser import chromium, steps

IMAGES = 8


def main(argv: list[str] | None = None) -> int:
    """Take the screenshots and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.screenshots", description=__doc__)
    parser.add_argument("--url", default="http://localhost:8501", help="the running app (default: %(default)s)")
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("build/screenshots"),
        help="folder (default: %(default)s)",
    )
    options = parser.parse_args(argv)
    if chromium.executable() is None:
        print("Chromium is not on the PATH. Install it, or set CHROMIUM to its path.", file=sys.stderr)
        return 1
    pages: dict[str, tuple[str, Callable[[Page], None]]] = {
        "one": ("", one_image),
        "many": ("many", many_images),
        "model": ("model", model),
    }
    with chromium.browser() as running:
        for device, size, dark in (("desktop", chromium.DESKTOP, False), ("phone", chromium.PHONE, True)):
            for name, (path, walk) in pages.items():
                page = chromium.opened(running, size, dark)
                steps.go(page, options.url, path)
                walk(page)
                print(steps.shot(page, options.output, f"{name}-{device}"))
                page.context.close()
    return 0


def one_image(page: Page) -> None:
    """Read a synthetic image and show its heat map."""
    page.get_by_text("Synthetic, pneumonia").click()
    expect(steps.result(page)).to_be_visible()
    steps.explain(page)


def many_images(page: Page) -> None:
    """Read some synthetic images and a file that is not an image."""
    images = [steps.file(f"phantom-{seed}.jpg", drawn(seed, seed % 2 == 0)) for seed in range(100, 100 + IMAGES)]
    steps.choose(page, *images, steps.file("letter.jpg", b"Dear colleague,"))
    steps.read_all(page)


def model(page: Page) -> None:
    """Wait for the charts."""
    expect(page.locator("[data-testid=stVegaLiteChart] svg")).to_have_count(3)
    steps.settled(page)


def drawn(seed: int, pneumonia: bool) -> bytes:
    """Return a synthetic image as a JPEG."""
    buffer = BytesIO()
    phantom.draw(seed, pneumonia).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


if __name__ == "__main__":
    sys.exit(main())
