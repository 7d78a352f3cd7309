"""What the app shows and sends for an uploaded file."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import radiograph
from frontend import uploaded_image
from tests.lambda_.events import IMAGE, encoded_image
from tests.radiograph.dicom_files import dataset, saved


def grainy_png() -> bytes:
    """Return a synthetic image with grain, as a PNG that exceeds the API's limit."""
    grain = np.random.default_rng(0).normal(0, 12, (2400, 2600))
    pixels = np.clip(np.asarray(IMAGE.resize((2600, 2400)), float) + grain, 0, 255).astype(np.uint8)
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(("form", "media_type"), [("JPEG", "image/jpeg"), ("PNG", "image/png")])
def test_an_image_within_the_limit_is_sent_unchanged(form: str, media_type: str) -> None:
    data = encoded_image(form)
    image = uploaded_image.from_file("image", data)
    assert (image.body, image.media_type, image.note) == (data, media_type, "")


def test_an_image_over_the_limit_of_a_request_is_sent_unchanged_and_the_note_says_how() -> None:
    data = grainy_png()
    assert len(data) > radiograph.MAX_BYTES
    image = uploaded_image.from_file("image.png", data)
    assert (image.body, image.media_type) == (data, "image/png")
    assert f"{len(data) / 1e6:.1f} MB" in image.note
    assert (image.size, image.preview.size) == ((2600, 2400), (1200, 1108))


def test_a_file_above_the_limit_of_an_upload_is_rejected_with_both_sizes() -> None:
    data = encoded_image() + bytes(radiograph.MAX_UPLOAD_BYTES)
    with pytest.raises(radiograph.ImageError, match="25,000,000") as caught:
        uploaded_image.from_file("image.jpg", data)
    assert f"{len(data):,}" in str(caught.value)


def test_the_default_window_changes_nothing() -> None:
    greys = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    assert uploaded_image.windowed(greys, 128, 256).tobytes() == greys.tobytes()


def test_a_narrow_window_is_black_below_and_white_above() -> None:
    greys = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    shown = np.asarray(uploaded_image.windowed(greys, 100, 51)).ravel()
    assert (shown[74], shown[125], shown[200]) == (0, 255, 255)
    assert 120 <= shown[100] <= 135


def test_of_a_dicom_file_only_pixels_are_sent() -> None:
    data = saved(dataset(PatientName="Doe^Jane", PatientID="123456"))
    assert b"Doe^Jane" in data
    image = uploaded_image.from_file("image.dcm", data)
    assert radiograph.media_type(image.body) == image.media_type == "image/png"
    assert b"Doe" not in image.body
    assert b"123456" not in image.body
    assert "tags" in image.note


def test_the_two_synthetic_images_differ_and_can_be_sent() -> None:
    healthy, ill = uploaded_image.synthetic(False), uploaded_image.synthetic(True)
    assert healthy.digest != ill.digest
    assert len(healthy.body) < radiograph.MAX_BYTES


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\xff\xd8\xff", encoded_image()[:300]])
def test_a_file_that_is_not_an_image_is_rejected_with_a_sentence(data: bytes) -> None:
    with pytest.raises(radiograph.ImageError, match=r"\.$"):
        uploaded_image.from_file("image", data)


def test_reading_a_file_leaves_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    uploaded_image.from_file("image", grainy_png())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", ["TIFF", "BMP"])
def test_of_a_scan_only_pixels_are_sent(form: str) -> None:
    buffer = BytesIO()
    Image.open(BytesIO(grainy_png())).convert("L").save(buffer, form)
    upload = uploaded_image.from_file("scan", buffer.getvalue())
    assert upload.media_type == "image/png"
    assert form in upload.note


def test_an_image_of_one_grey_value_is_refused() -> None:
    buffer = BytesIO()
    Image.new("L", (300, 300), 255).save(buffer, "PNG")
    with pytest.raises(radiograph.ImageError, match="255"):
        uploaded_image.from_file("white.png", buffer.getvalue())


def test_the_note_says_what_the_tags_of_a_dicom_file_declare() -> None:
    data = saved(dataset(BurnedInAnnotation="YES", PatientOrientation=["R", "F"], WindowCenter=0, WindowWidth=0))
    note = uploaded_image.from_file("image.dcm", data).note
    for part in ("BurnedInAnnotation", "mirrored", "Window 0/0"):
        assert part in note
