"""A DICOM image is read as viewers show it, in 8-bit grey and without its tags."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    RLELossless,
)

from radiograph import ImageError, encode, resize
from radiograph.dicom import read_dicom
from tests.radiograph.dicom_files import RAMP, dataset, saved
from tests.radiograph.files import encoded, image, jpeg


def shown(**tags: Any) -> np.ndarray:
    return np.asarray(read_dicom(saved(dataset(**tags))), int)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_without_a_window_the_values_fill_the_greys(syntax: UID) -> None:
    assert np.abs(shown(syntax=syntax) - RAMP / 4095 * 255).max() <= 0.5


def test_monochrome1_is_inverted() -> None:
    assert np.array_equal(shown(PhotometricInterpretation="MONOCHROME1"), 255 - shown())


def test_the_linear_window_is_the_standards() -> None:
    # PS3.3 C.11.2.1.2.1: at or below c - 0.5 - (w-1)/2 black, above c - 0.5 + (w-1)/2 white, linear between.
    grey = shown(WindowCenter=2048, WindowWidth=1024)
    assert (grey[RAMP <= 2048 - 0.5 - 511.5] == 0).all()
    assert (grey[RAMP > 2048 - 0.5 + 511.5] == 255).all()
    between = (RAMP > 1536) & (RAMP < 2559)
    assert np.abs(grey - ((RAMP - 2047.5) / 1023 + 0.5) * 255)[between].max() <= 0.51


def test_the_first_of_several_windows_counts() -> None:
    several = shown(WindowCenter=[2048, 100], WindowWidth=[1024, 50])
    assert np.array_equal(several, shown(WindowCenter=2048, WindowWidth=1024))


def test_a_sigmoid_window_is_half_at_its_centre() -> None:
    grey = shown(WindowCenter=2048, WindowWidth=1024, VOILUTFunction="SIGMOID")
    assert np.abs(grey[np.abs(RAMP - 2048.0) < 2] - 127.5).max() <= 1
    assert grey.min() < 2
    assert grey.max() > 253


def test_rescale_comes_before_the_window() -> None:
    rescaled = shown(RescaleSlope="2", RescaleIntercept="-1000", WindowCenter=3096.5, WindowWidth=2047)
    assert np.abs(rescaled - shown(WindowCenter=2048.5, WindowWidth=1024)).max() <= 1


def test_a_falling_rescale_slope_turns_the_greys_around() -> None:
    assert np.array_equal(shown(RescaleSlope="-1", RescaleIntercept="4095"), 255 - shown())


def test_a_voi_lut_is_looked_up() -> None:
    table = Dataset()
    table.LUTDescriptor = [4096, 0, 16]
    values = np.clip(np.arange(4096) * 32 - 32768, 0, 65535).astype(np.uint16)
    table.add_new("LUTData", "US", values.tolist())
    assert np.array_equal(shown(VOILUTSequence=Sequence([table])), np.rint(values[RAMP] / 65535 * 255))


def test_padding_does_not_affect_the_range() -> None:
    padded = RAMP // 2
    padded[0, 0] = 4095
    grey = shown(pixels=padded, PixelPaddingValue=4095)
    assert grey[-1, -1] == 255


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGBaseline8Bit])
def test_compressed_images_are_decoded(syntax: UID) -> None:
    pixels = np.asarray(image())
    item = dataset(pixels, WindowCenter=128, WindowWidth=256)
    if syntax == RLELossless:
        item.compress(syntax)
    else:
        form = {"form": "JPEG", "quality": 95} if syntax == JPEGBaseline8Bit else {"form": "JPEG2000", "no_jp2": True}
        item.PixelData = encapsulate([encoded(image(), **form)])  # type: ignore[arg-type]
        item["PixelData"].VR, item.file_meta.TransferSyntaxUID = "OB", syntax
    read = np.asarray(read_dicom(saved(item)), float)
    assert np.abs(read - pixels).mean() < (3 if syntax == JPEGBaseline8Bit else 0.01)


@pytest.mark.parametrize(
    ("code", "tags"),
    [
        ("wrong_modality", {"Modality": "CT"}),
        ("wrong_modality", {"Modality": None, "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"}),
        ("wrong_modality", {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.2"}),
        ("wrong_view", {"ViewPosition": "LATERAL"}),
        ("wrong_view", {"ViewPosition": "LL"}),
        ("wrong_view", {"PatientOrientation": ["A", "F"]}),
        ("wrong_view", {"BodyPartExamined": "HAND"}),
        ("not_a_radiograph", {"pixels": np.full((100, 128), 700, np.uint16)}),
        ("no_pixels", {"PixelData": None}),
        ("multi_frame", {"NumberOfFrames": 2}),
        ("too_many_pixels", {"Rows": 60000, "Columns": 60000}),
        ("too_small", {"Rows": 10}),
        ("unsupported_encoding", {"PhotometricInterpretation": "RGB"}),
        ("unsupported_encoding", {"SamplesPerPixel": 3}),
        ("truncated", {"Rows": 200}),
        ("broken", {"PhotometricInterpretation": None}),
        ("broken", {"WindowCenter": 2048, "WindowWidth": [], "BitsStored": 99}),
    ],
)
def test_a_file_without_a_single_grey_image_is_rejected(code: str, tags: dict[str, Any]) -> None:
    with pytest.raises(ImageError) as caught:
        read_dicom(saved(dataset(**tags)))
    assert caught.value.code == code
    assert str(caught.value).startswith("Received ")
    assert "Doe" not in str(caught.value)


@pytest.mark.parametrize("cut", [133, 300, 500, 9000])
def test_a_cut_file_is_rejected(cut: int) -> None:
    with pytest.raises(ImageError):
        read_dicom(saved(dataset())[:cut])


def test_a_compression_without_decoder_is_named() -> None:
    item = dataset(np.asarray(image()), JPEGLosslessSV1)
    item.PixelData = encapsulate([b"\xff\xd8\xff\xd9"])
    item["PixelData"].VR = "OB"
    with pytest.raises(ImageError, match="JPEG Lossless"):
        read_dicom(saved(item))


def test_a_deflated_file_is_rejected_before_it_is_inflated() -> None:
    with pytest.raises(ImageError, match="deflated"):
        read_dicom(saved(dataset(syntax=DeflatedExplicitVRLittleEndian)))


def test_another_format_is_named() -> None:
    with pytest.raises(ImageError, match="a JPEG image"):
        read_dicom(jpeg())


def test_an_8_bit_dicom_image_is_read_as_its_pixels() -> None:
    data = saved(dataset(np.asarray(image()), WindowCenter=128, WindowWidth=256))
    assert np.abs(np.asarray(read_dicom(data), int) - np.asarray(image(), int)).max() <= 1


def test_only_pixels_leave_the_file() -> None:
    data = saved(dataset())
    assert b"Doe" in data
    assert read_dicom(data).info == {}
    assert b"Doe" not in encode(resize(read_dicom(data)))
