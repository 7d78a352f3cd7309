"""Steps of a person in the app."""

from pathlib import Path

from playwright.sync_api import Locator, Page, expect

File = dict[str, object]


def file(name: str, data: bytes, media_type: str = "image/jpeg") -> File:
    """Return a file to upload, from memory."""
    return {"name": name, "mimeType": media_type, "buffer": data}


def go(page: Page, url: str, path: str = "") -> None:
    """Open a page of the app and wait until Streamlit has drawn it."""
    page.goto(f"{url}/{path}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    settled(page)


def settled(page: Page) -> None:
    """Wait until no script runs and no animation is left."""
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    page.wait_for_timeout(400)


def choose(page: Page, *files: File | Path) -> None:
    """Choose files in the page's uploader."""
    page.locator("input[type=file]").set_input_files(list(files))  # type: ignore[arg-type]


def result(page: Page) -> Locator:
    """Return the heading with the result."""
    return page.get_by_role("heading", name="neumonia suspected")


def explain(page: Page) -> Locator:
    """Show the heat map; return its opacity slider."""
    page.get_by_role("button", name="Show heat map").click()
    opacity = page.get_by_role("slider", name="Opacity")
    expect(opacity).to_be_visible()
    settled(page)
    return opacity


def read_all(page: Page) -> None:
    """Read the uploaded images."""
    page.get_by_role("button", name="Read ", exact=False).and_(page.get_by_test_id("stBaseButton-primary")).click()
    expect(page.get_by_role("button", name="Download CSV")).to_be_visible()
    settled(page)


def shot(page: Page, folder: Path, name: str) -> Path:
    """Take a screenshot of the whole page."""
    folder.mkdir(parents=True, exist_ok=True)
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    before = page.viewport_size
    assert before is not None
    page.set_viewport_size({"width": before["width"], "height": max(before["height"], int(height))})
    page.wait_for_timeout(500)
    path = folder / f"{name}.png"
    page.screenshot(path=str(path))
    page.set_viewport_size(before)
    return path
