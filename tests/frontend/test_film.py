"""What the app shows and sends for a chosen file."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import radiograph
from frontend import film
from tests.lambda_.events import image
from tests.radiograph.test_dicom import dataset, saved


def noisy_png(side: int = 2400) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (side, side), np.uint8)
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(("form", "media_type"), [("JPEG", "image/jpeg"), ("PNG", "image/png")])
def test_a_film_the_api_takes_is_sent_as_it_is(form: str, media_type: str) -> None:
    data = image(form)
    found = film.from_file("film", data)
    assert (found.body, found.media_type, found.note) == (data, media_type, "")


def test_a_film_the_api_does_not_take_is_reduced_and_the_note_says_so() -> None:
    data = noisy_png()
    assert len(data) > radiograph.MAX_BYTES
    found = film.from_file("film.png", data)
    assert found.body == radiograph.standardise(data, max_bytes=None)
    assert "5.8 MB" in found.note
    assert found.picture.size == (2400, 2400)


def test_of_a_dicom_file_only_pixels_are_sent() -> None:
    data = saved(dataset(PatientName="Doe^Jane", PatientID="123456"))
    assert b"Doe^Jane" in data
    found = film.from_file("film.dcm", data)
    assert radiograph.media_type(found.body) == "image/jpeg"
    assert b"Doe" not in found.body
    assert b"123456" not in found.body
    assert "tags stay here" in found.note


def test_the_two_synthetic_films_differ_and_can_be_sent() -> None:
    healthy, ill = film.synthetic(False), film.synthetic(True)
    assert healthy.digest != ill.digest
    assert len(healthy.body) < radiograph.MAX_BYTES


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\xff\xd8\xff", image()[:300]])
def test_a_file_that_is_no_film_is_refused_with_a_sentence(data: bytes) -> None:
    with pytest.raises(radiograph.FilmError, match=r"\.$"):
        film.from_file("film", data)


def test_reading_a_file_leaves_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    film.from_file("film", noisy_png())
    assert list(tmp_path.iterdir()) == []
