"""A person in front of the app: a real browser, the real app, the API on the local cloud."""

import csv
import io
import os
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, WebSocket, expect

from demo.commands import stop
from demo.services import start_app
from tests.browser import chromium, steps
from tests.ports import free_port
from tests.radiograph.dicom_files import dataset, saved
from tests.radiograph.files import page_of_text

from ..builders import ROOT, Demo
from .calls import model_in_context, post

SHOTS = ROOT / "build" / "screenshots"
PAGES = ("", "many", "model")


@dataclass(frozen=True)
class App:
    """The running app and a browser to open it in."""

    url: str
    browser: Browser

    def page(self, path: str = "") -> Page:
        """Open one of the app's pages in a session of its own."""
        page = chromium.opened(self.browser)
        steps.go(page, self.url, path)
        return page


@pytest.fixture(scope="module")
def app(cloud: Demo) -> Iterator[App]:
    if chromium.executable() is None:
        if os.environ.get("CI"):
            pytest.fail("There is no Chromium: .ci/run has to install it.")
        pytest.skip("There is no Chromium on the PATH; install it, or set CHROMIUM to its path.")
    port = free_port()
    process = start_app(ROOT, {**cloud.env, "API_URL": cloud.api.url, "API_KEY": cloud.api.key}, port)
    try:
        with chromium.browser() as running:
            yield App(f"http://127.0.0.1:{port}", running)
    finally:
        stop(process)


def test_an_image_is_read_and_explained(app: App, cloud: Demo) -> None:
    page, image = app.page(), cloud.images("PNEUMONIA")[0]
    steps.choose(page, steps.file("image.jpeg", image))
    expect(steps.result(page)).to_be_visible()
    told = post(cloud, image).body
    words = "Pneumonia suspected" if told["label"] == "PNEUMONIA" else "No pneumonia suspected"
    expect(steps.result(page)).to_have_text(words)
    test = model_in_context(cloud)["metrics"]
    expect(page.get_by_text(f"(n = {test['Sensitivity']['n']})")).to_be_visible()
    clear = image_shown(page)
    opacity = steps.explain(page)
    expect(page.get_by_role("img", name="with the heat map over it")).to_be_visible()
    covered = image_shown(page)
    assert covered != clear
    opacity.press("ArrowRight")
    steps.settled(page)
    assert image_shown(page) not in (clear, covered)
    steps.shot(page, SHOTS, "one-desktop")


def image_shown(page: Page) -> str:
    """Return the address of the picture of the image, which follows from its pixels."""
    return str(page.get_by_role("img", name="Chest radiograph").get_attribute("src"))


def test_the_image_can_be_windowed(app: App) -> None:
    page = app.page()
    page.get_by_text("Synthetic, healthy").click()
    expect(steps.result(page)).to_be_visible()
    before = image_shown(page)
    page.get_by_text("Window and level").click()
    window = page.get_by_role("slider", name="Window")
    for _ in range(20):
        window.press("ArrowLeft")
    expect(page.get_by_role("img", name="Chest radiograph")).not_to_have_attribute("src", before)


def test_of_a_dicom_image_no_tag_leaves_the_app(app: App) -> None:
    page = app.page()
    image = saved(dataset(PatientName="Doe^Jane", PatientID="123456"))
    steps.choose(page, steps.file("image.dcm", image, "application/dicom"))
    expect(page.get_by_text("Its tags are not sent")).to_be_visible()


def test_many_images_become_a_table_and_a_file(app: App, cloud: Demo) -> None:
    page = app.page("many")
    images = {f"p{number}.jpg": image for number, image in enumerate(cloud.images("PNEUMONIA")[:4])}
    images |= {f"n{number}.jpg": image for number, image in enumerate(cloud.images("NORMAL")[:4])}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        for name, image in list(images.items())[1:]:
            opened.writestr(f"images/{name}", image)
    first = steps.file("p0.jpg", images["p0.jpg"])
    broken = steps.file("broken.jpg", images["p0.jpg"][:500])
    steps.choose(page, first, broken, steps.file("rest.zip", archive.getvalue(), "application/zip"))
    steps.read_all(page)
    expect(page.get_by_text(re.compile(r"Failed:\s*1"))).to_be_visible()
    steps.shot(page, SHOTS, "many-desktop")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    rows = {row["file"].rpartition("/")[2]: row for row in csv.DictReader(io.StringIO(text))}
    assert set(rows) == {*images, "broken.jpg"}
    assert rows["broken.jpg"]["code"] == "truncated"
    for name in ("p0.jpg", "n1.jpg"):
        assert float(rows[name]["probability"]) == pytest.approx(
            post(cloud, images[name]).body["probability"], abs=1e-9
        )


def test_what_was_read_is_still_there_after_a_look_at_another_page_and_nobody_else_sees_it(
    app: App, cloud: Demo
) -> None:
    page, other = app.page(), app.page()
    steps.choose(page, steps.file("mine.jpeg", cloud.images("NORMAL")[0]))
    expect(steps.result(page)).to_be_visible()
    other.reload()
    steps.settled(other)
    expect(other.get_by_text("mine.jpeg")).to_have_count(0)
    expect(steps.result(other)).to_have_count(0)
    page.get_by_role("link", name="The model").click()
    expect(page.get_by_role("heading", name="The model", level=1)).to_be_visible()
    page.get_by_role("link", name="Read one image").click()
    expect(page.get_by_text("mine.jpeg is still open")).to_be_visible()
    expect(steps.result(page)).to_be_visible()
    page.get_by_role("button", name="Close it").click()
    expect(steps.result(page)).to_have_count(0)


def test_the_model_page_has_the_evaluations_figures(app: App, cloud: Demo) -> None:
    page = app.page("model")
    auroc = model_in_context(cloud)["metrics"]["AUROC"]
    interval = f"[{auroc['low']:.3f}, {auroc['high']:.3f}], n = {auroc['n']:,} patients"
    expect(page.get_by_text(interval)).to_be_visible()
    expect(page.get_by_text(re.compile("USD an hour"))).to_be_visible()
    expect(page.locator("[data-testid=stVegaLiteChart] svg")).to_have_count(3)
    steps.settled(page)
    steps.shot(page, SHOTS, "model-desktop")


@pytest.mark.parametrize("path", PAGES, ids=["one", "many", "model"])
def test_a_page_has_title_language_labels_and_contrast_in_light_and_dark_and_fits_a_phone(
    app: App, cloud: Demo, path: str
) -> None:
    page = app.page(path)
    if path == "":
        steps.choose(page, steps.file("image.jpeg", cloud.images("PNEUMONIA")[0]))
        expect(steps.result(page)).to_be_visible()
        steps.settled(page)
    assert "chest radiograph reading" in page.title()
    assert violations(page) == []
    light = background(page)
    page.emulate_media(color_scheme="dark")
    steps.settled(page)
    assert background(page) != light
    assert violations(page) == []

    page.set_viewport_size({"width": chromium.PHONE[0], "height": chromium.PHONE[1]})
    steps.settled(page)
    if path == "many":
        steps.choose(page, *(steps.file(f"{i}.jpg", image) for i, image in enumerate(cloud.images("NORMAL")[:3])))
        steps.read_all(page)
    steps.shot(page, SHOTS, f"{path or 'one'}-phone")
    width = page.evaluate("Math.max(...[...document.querySelectorAll('[data-testid=stMain]')].map(e => e.scrollWidth))")
    assert width <= chromium.PHONE[0]


def background(page: Page) -> str:
    return str(page.get_by_test_id("stApp").evaluate("app => getComputedStyle(app).backgroundColor"))


def violations(page: Page) -> list[dict[str, Any]]:
    """Return what axe-core finds against WCAG 2.1 A and AA, each with where it is."""
    page.evaluate(chromium.AXE.read_text(encoding="utf-8"))
    found: dict[str, Any] = page.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']})")
    return [
        {"rule": one["id"], "why": one["help"], "where": [node["target"] for node in one["nodes"]][:3]}
        for one in found["violations"]
    ]


def test_it_can_be_used_by_keyboard_alone(app: App) -> None:
    page = app.page()
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText") in ("My image", "Synthetic, healthy"):
            break
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(steps.result(page)).to_be_visible()


def test_the_key_never_reaches_the_browser(app: App, cloud: Demo) -> None:
    page = chromium.opened(app.browser)
    frames: list[bytes] = []

    def keep(payload: str | bytes) -> None:
        frames.append(payload if isinstance(payload, bytes) else payload.encode())

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", keep)

    page.on("websocket", listen)
    steps.go(page, app.url)
    steps.choose(page, steps.file("image.jpeg", cloud.images("NORMAL")[0]))
    expect(steps.result(page)).to_be_visible()
    steps.go(page, app.url, "model")
    assert sum(map(len, frames)) > 1000
    assert cloud.api.key.encode() not in b"".join(frames)


def test_what_cannot_be_read_is_refused_with_the_reason_and_nothing_else(app: App, cloud: Demo) -> None:
    page = app.page()
    for name, content, reason in (
        ("empty.jpg", b"", "Received 0 bytes"),
        ("text.jpg", b"Dear colleague,", "Received a text"),
        ("half.jpg", cloud.images("NORMAL")[0][:900], "half.jpg cannot be read"),
        ("page.jpg", page_of_text(), "mostly white"),
    ):
        steps.choose(page, steps.file(name, content))
        expect(page.get_by_test_id("stAlertContentError")).to_contain_text(reason)
        expect(steps.result(page)).to_have_count(0)
        steps.settled(page)
