"""Unusual but readable DICOM files give the image that a plain file gives."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ImplicitVRLittleEndian

from radiograph.dicom import read_dicom
from tests.radiograph.dicom_files import RAMP, dataset, saved

WINDOW = {"WindowCenter": 2048, "WindowWidth": 4096}


def item(**tags: object) -> Dataset:
    return dataset(**WINDOW, **tags)


def with_private_tags() -> bytes:
    image = item()
    image.add_new(0x00091010, "LO", "a maker's text")
    image.add_new(0x7FE11001, "OB", bytes(99))
    return saved(image)


def with_empty_lut() -> bytes:
    table = Dataset()
    table.add_new("LUTDescriptor", "US", [])
    table.add_new("LUTData", "OW", b"")
    return saved(item(VOILUTSequence=Sequence([table])))


def with_overlay_bits() -> bytes:
    pixels = RAMP.copy()
    pixels[:30] |= 1 << 12
    return saved(item(pixels=pixels))


def in_character_set(name: str, patient: bytes) -> bytes:
    data = saved(item(SpecificCharacterSet=name, PatientName="x" * len(patient)))
    return data.replace(b"x" * len(patient), patient)


def implicit_as_explicit() -> bytes:
    explicit, implicit = saved(item()), saved(item(syntax=ImplicitVRLittleEndian))
    start = b"\x08\0\x16\0"  # SOPClassUID, the first element after the file's meta information
    return explicit[: explicit.index(start)] + implicit[implicit.index(start) :]


UNUSUAL: dict[str, Callable[[], bytes]] = {
    "exact window": lambda: saved(item(VOILUTFunction="LINEAR_EXACT")),
    "an unreadable window before a good one": lambda: saved(
        dataset(WindowCenter=["1111.0", "2048.0"], WindowWidth=["2222.0", "4096.0"])
    ).replace(b"1111.0", b"1.#QNA"),
    "empty LUT beside a window": with_empty_lut,
    "overlay in an unused bit": with_overlay_bits,
    "MONOCHROME1 with IDENTITY": lambda: saved(
        item(pixels=4095 - RAMP, PhotometricInterpretation="MONOCHROME1", PresentationLUTShape="IDENTITY")
    ),
    "no frame": lambda: saved(item(NumberOfFrames=0)),
    "empty number of frames": lambda: saved(item(NumberOfFrames="")),
    "bytes after the pixels": lambda: saved(item(PixelData=RAMP.tobytes() + bytes(400))),
    "bytes after the file": lambda: saved(item()) + bytes(7),
    "a TIFF file's preamble": lambda: b"II*\0" + saved(item())[4:],
    "private tags": with_private_tags,
    "implicit data set declared as explicit": implicit_as_explicit,
    "Japanese": lambda: in_character_set("ISO 2022 IR 87", b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B "),
    "Korean": lambda: in_character_set("ISO 2022 IR 149", b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7  "),
    "an unknown character set": lambda: in_character_set("ISO_IR 999", b"Doe^\xff\xfe "),
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_an_unusual_file_gives_the_image_of_a_plain_one(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = UNUSUAL[name]()
    assert np.abs(np.asarray(read_dicom(data), float) - RAMP / 4095 * 255).max() <= 1
