"""Tags that cannot be true are dropped with a note, untidy tags are read, and the image is turned upright."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import JPEG2000Lossless, JPEGExtended12Bit

from radiograph import ImageError, media_type
from radiograph.dicom import read_with_notes
from tests.radiograph.dicom_files import RAMP, dataset, saved
from tests.radiograph.files import encoded, frame_header, image, jpeg_of, segment

RIGHT = RAMP / 4095 * 255
WINDOW = {"WindowCenter": 2048, "WindowWidth": 4096}


def read(**tags: Any) -> tuple[np.ndarray, str]:
    any_view = tags.pop("any_view", False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = saved(dataset(**tags))
    grey, notes = read_with_notes(data, any_view=any_view)
    return np.asarray(grey, float), " ".join(notes)


def lut(bits: int, values: np.ndarray, first: int = 0, packed: bool = False) -> Sequence:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(values), first, bits])
    if packed:
        item.add_new("LUTData", "OW", values.astype(np.uint8).tobytes())
    else:
        item.add_new("LUTData", "US", values.astype(int).tolist())
    return Sequence([item])


UNTRUE: dict[str, tuple[dict[str, Any], str]] = {
    "window width 0": ({"WindowCenter": 2048, "WindowWidth": 0}, "Window 2048/0"),
    "placeholder window": ({"WindowCenter": 0, "WindowWidth": 0}, "Window 0/0"),
    "window beside the pixels": ({"WindowCenter": 50, "WindowWidth": 150}, "Window 50/150"),
    "window without a width": ({"WindowCenter": 2048, "WindowWidth": []}, "Window 2048/none"),
    "slope 0": ({"RescaleSlope": "0", "RescaleIntercept": "0", **WINDOW}, "RescaleSlope 0"),
    "LUT narrower than declared": ({"VOILUTSequence": lut(16, np.arange(4096))}, "16 bits"),
    "constant LUT": ({"VOILUTSequence": lut(12, np.full(4096, 9)), **WINDOW}, "VOILUTSequence"),
    "HighBit below BitsStored": ({"HighBit": 3}, "HighBit 3"),
    "padding of everything": ({"PixelPaddingValue": 0, "PixelPaddingRangeLimit": 4095}, "PixelPaddingValue"),
}


@pytest.mark.parametrize("name", UNTRUE)
def test_a_tag_that_cannot_be_true_is_dropped_with_a_note(name: str) -> None:
    tags, note = UNTRUE[name]
    grey, notes = read(**tags)
    assert np.abs(grey - RIGHT).max() <= 1
    assert note in notes


UNTIDY: dict[str, dict[str, Any]] = {
    "empty rescale": {"RescaleSlope": "", "RescaleIntercept": ""},
    "no SamplesPerPixel": {"SamplesPerPixel": None},
    "lower-case photometric": {"PhotometricInterpretation": "monochrome2"},
    "left-justified": {"pixels": RAMP << 4, "HighBit": 15},
    "packed LUT of 8 bits": {"VOILUTSequence": lut(8, np.arange(4096) // 16, packed=True)},
    "digitised film": {"Modality": "RG"},
    "no Modality": {"Modality": None},
    "a decubitus view": {"ViewPosition": "LLD"},
    "chest and abdomen": {"BodyPartExamined": "CHEST_ABDOMEN"},
    "window after a useless one": {"WindowCenter": [0, 2048], "WindowWidth": [0, 4096]},
}


@pytest.mark.parametrize("name", UNTIDY)
def test_an_untidy_tag_is_read(name: str) -> None:
    assert np.abs(read(**UNTIDY[name])[0] - RIGHT).max() <= 1


def test_a_decimal_comma_is_a_point() -> None:
    data = saved(dataset(WindowCenter="2048.0", WindowWidth="4096.0"))
    comma = data.replace(b"2048.0", b"2048,0").replace(b"4096.0", b"4096,0")
    assert np.array_equal(read_with_notes(comma).image, read_with_notes(data).image)


def test_inverse_presentation_is_inverted_once() -> None:
    assert np.abs(read(PresentationLUTShape="INVERSE")[0] - (255 - RIGHT)).max() <= 1
    inverted_twice = read(PresentationLUTShape="INVERSE", PhotometricInterpretation="MONOCHROME1")[0]
    assert np.abs(inverted_twice - (255 - RIGHT)).max() <= 1


def test_a_signed_first_value_is_read_from_unsigned_bytes() -> None:
    signed = (RAMP.astype(np.int16) - 2048).astype(np.int16)
    table = lut(12, np.arange(4096), first=63488)
    tags = {"pixels": signed.view(np.uint16), "PixelRepresentation": 1, "VOILUTSequence": table}
    assert np.abs(read(**tags)[0] - RIGHT).max() <= 1


@pytest.mark.parametrize(
    "window", [{}, {"WindowCenter": 2048, "WindowWidth": 0}, {"WindowCenter": 50, "WindowWidth": 9}]
)
def test_without_a_usable_window_an_image_of_most_of_its_bits_keeps_its_exposure(window: dict[str, Any]) -> None:
    pixels = (100 + RAMP * 0.9).astype(np.uint16)
    hot = pixels // 4
    hot[50, 50] = 4095
    assert np.abs(read(pixels=pixels, **window)[0] - pixels / 4095 * 255).max() <= 1
    assert np.abs(read(pixels=hot, **window)[0] - pixels / 4095 * 255).mean() <= 1


def test_without_a_window_an_image_of_few_of_its_values_is_stretched() -> None:
    assert np.abs(read(pixels=(3000 + RAMP // 8).astype(np.uint16))[0] - RIGHT).max() <= 1


def test_a_hot_pixel_does_not_darken_the_image() -> None:
    hot = RAMP // 4
    hot[50, 50] = 4095
    assert np.abs(read(pixels=hot)[0] - RIGHT).mean() <= 1


def test_a_range_of_padding_does_not_affect_the_range() -> None:
    padded = RAMP // 4
    padded[:20] = 4000
    padded[20:40] = 4095
    grey, _ = read(pixels=padded, PixelPaddingValue=4000, PixelPaddingRangeLimit=4095)
    assert grey[-1, -1] == 255
    assert grey[40, 0] < 2


def test_an_overlay_above_the_stored_bits_of_jpeg_2000_is_masked() -> None:
    pixels = np.asarray(image()).astype(np.uint16) * 16
    item = dataset(pixels, **WINDOW)
    overlaid = pixels.copy()
    overlaid[:30] |= 1 << 12
    item.PixelData = encapsulate([encoded(Image.fromarray(overlaid), "JPEG2000", no_jp2=True)])
    item["PixelData"].VR, item.file_meta.TransferSyntaxUID = "OB", JPEG2000Lossless
    grey = np.asarray(read_with_notes(saved(item)).image, float)
    assert np.abs(grey - pixels / 4095 * 255).max() <= 1


@pytest.mark.parametrize(
    ("orientation", "turns"), [("L\\F", 0), ("F\\R", 1), ("R\\H", 2), ("H\\L", 3), ("", 0), ("X", 0)]
)
def test_the_image_is_turned_upright(orientation: str, turns: int) -> None:
    stored = np.ascontiguousarray(np.rot90(RAMP, turns))
    grey, notes = read(pixels=stored, PatientOrientation=orientation.split("\\"))
    assert np.abs(grey - RIGHT).max() <= 1
    assert (f"{90 * turns} degrees" in notes) == bool(turns)


@pytest.mark.parametrize(
    ("tags", "note"),
    [({"PatientOrientation": ["R", "F"]}, "mirrored"), ({"BurnedInAnnotation": "YES"}, "BurnedInAnnotation")],
)
def test_what_the_user_must_know_is_noted(tags: dict[str, Any], note: str) -> None:
    grey, notes = read(**tags)
    assert np.abs(grey - RIGHT).max() <= 1
    assert note in notes


def test_every_view_is_read_on_request() -> None:
    assert np.abs(read(ViewPosition="LATERAL", BodyPartExamined="HAND", any_view=True)[0] - RIGHT).max() <= 1


def test_a_file_without_preamble_is_read() -> None:
    data = saved(dataset())[132:]
    assert media_type(data) == "application/dicom"
    assert np.abs(np.asarray(read_with_notes(data).image, float) - RIGHT).max() <= 1


def test_jpeg_extended_of_12_bits_is_refused_by_name() -> None:
    item = dataset(RAMP, JPEGExtended12Bit)
    item.PixelData = encapsulate([jpeg_of(segment(0xC1, frame_header(128, 100, bits=12)))])
    item["PixelData"].VR = "OB"
    with pytest.raises(ImageError, match="12 bits compressed as 'JPEG Extended"):
        read_with_notes(saved(item))


def test_mutated_headers_are_read_or_refused() -> None:
    data = saved(dataset(VOILUTSequence=lut(12, np.arange(4096)), **WINDOW))
    random = np.random.default_rng(1)
    for _ in range(200):
        mutated = bytearray(data)
        for position in random.integers(132, 1200, random.integers(1, 6)):
            mutated[position] = random.integers(256)
        try:
            grey, _ = read_with_notes(bytes(mutated))
        except ImageError as error:
            assert str(error).startswith("Received ")
        else:
            assert grey.mode == "L"
