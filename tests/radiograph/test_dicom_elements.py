"""Elements are read in every byte order, bit depth and value representation; cut and damaged files are named."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.datadict import tag_for_keyword
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    BasicTextSRStorage,
    EncapsulatedPDFStorage,
    EnhancedCTImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    GrayscaleSoftcopyPresentationStateStorage,
    ImplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    RLELossless,
)

from radiograph import ImageError
from radiograph.dicom import read_dicom
from tests.radiograph.dicom_files import RAMP, compressed_dataset, dataset, saved

SYNTAXES = [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian]
WINDOW = {"WindowCenter": 2048, "WindowWidth": 4096}
IMAGE = ("PixelData", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PhotometricInterpretation")


def stored(pixels: np.ndarray, syntax: UID, **tags: Any) -> Dataset:
    item = dataset(pixels.byteswap() if syntax == ExplicitVRBigEndian else pixels, syntax, **tags)
    item["PixelData"].VR = "OW"
    return item


def difference(data: bytes, right: np.ndarray = RAMP / 4095 * 255) -> float:
    return float(np.abs(np.asarray(read_dicom(data), float) - right).max())


def refusal(data: bytes) -> tuple[str, str]:
    with pytest.raises(ImageError) as caught:
        read_dicom(data)
    return caught.value.code, str(caught.value)


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.keyword)
@pytest.mark.parametrize(("bits", "allocated"), [(8, 8), (8, 16), (10, 16), (12, 16), (14, 16), (16, 16), (16, 32)])
def test_every_depth_sign_and_alignment_is_read(syntax: UID, bits: int, allocated: int) -> None:
    values = np.rint(RAMP / 4095 * (2**bits - 1)).astype(np.int64)
    for signed in (0, 1):
        for left in (0, allocated - bits):
            pixels = ((values - signed * 2 ** (bits - 1)) << left).astype(f"u{allocated // 8}")
            tags = {"BitsStored": bits, "HighBit": bits - 1 + left, "PixelRepresentation": signed}
            assert difference(saved(stored(pixels, syntax, **tags)), values / (2**bits - 1) * 255) <= 1
            if signed and not left:
                unextended = pixels & np.array((1 << bits) - 1, pixels.dtype)
                assert difference(saved(stored(unextended, syntax, **tags)), values / (2**bits - 1) * 255) <= 1


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.keyword)
@pytest.mark.parametrize("keyword", ["VOILUTSequence", "ModalityLUTSequence"])
def test_luts_of_bytes_and_of_numbers_are_read_in_both_photometric_interpretations(syntax: UID, keyword: str) -> None:
    order = ">u2" if syntax == ExplicitVRBigEndian else "<u2"
    packed = (np.arange(4096) // 16).astype(np.uint8).view("<u2").astype(order)
    for bits, data in ((12, np.arange(4096).astype(order)), (10, (np.arange(4096) // 4).astype(order)), (8, packed)):
        for inverted in (False, True):
            table = Dataset()
            table.LUTDescriptor = [4096, 0, bits]
            table.add_new("LUTData", "OW", data.tobytes())
            photometric = "MONOCHROME1" if inverted else "MONOCHROME2"
            item = stored(RAMP, syntax, PhotometricInterpretation=photometric, **{keyword: Sequence([table])})
            assert difference(saved(item), (255 - RAMP / 4095 * 255) if inverted else RAMP / 4095 * 255) <= 1.01


@pytest.mark.parametrize("keyword", ["Rows", "Columns", "BitsStored", "HighBit", "SamplesPerPixel", "WindowWidth"])
@pytest.mark.parametrize("representation", ["UL", "SS", "IS", "DS", "LO", "FD"])
def test_a_number_is_read_in_every_value_representation(keyword: str, representation: str) -> None:
    item = dataset(**WINDOW)
    number = int(item[keyword].value)
    value = str(number) if representation in ("IS", "DS", "LO") else number
    item.add_new(keyword, representation, float(number) if representation == "FD" else value)
    assert difference(saved(item)) <= 1


@pytest.mark.parametrize("keyword", ["Rows", "BitsStored", "PixelRepresentation"])
def test_an_unknown_value_representation_is_the_dictionarys(keyword: str) -> None:
    item = dataset(**WINDOW)
    tag = tag_for_keyword(keyword) or 0
    item.add_new(keyword, "OB", struct.pack("<H", item[keyword].value))
    start = struct.pack("<HH", tag >> 16, tag & 0xFFFF)
    assert difference(saved(item).replace(start + b"OB", start + b"UN")) <= 1


def test_padding_is_signed_as_the_pixels_are() -> None:
    pixels = (RAMP // 4).astype(np.int16)
    pixels[:20] = -2000
    item = dataset(pixels.view(np.uint16), BitsStored=16, HighBit=15, PixelRepresentation=1)
    item.add_new("PixelPaddingValue", "US", 65536 - 2000)
    assert np.abs(np.asarray(read_dicom(saved(item)), float)[20:] - (RAMP / 4095 * 255)[20:]).max() <= 52


@pytest.mark.parametrize("syntax", [*SYNTAXES, RLELossless], ids=lambda syntax: syntax.keyword)
def test_a_cut_file_is_never_called_anything_else(syntax: UID) -> None:
    item = compressed_dataset(syntax) if syntax == RLELossless else stored(RAMP, syntax, **WINDOW)
    data = saved(item)
    codes = {refusal(data[:end])[0] for end in [*range(132, 700), *range(701, len(data) - 1, 997)]}
    # A file cut between two elements is complete but for its image. The first bytes of the header do not parse.
    assert {"truncated"} <= codes <= {"truncated", "no_pixels", "broken"}


def test_a_damaged_value_representation_is_named_with_its_element_also_in_a_cut_file() -> None:
    data = saved(dataset(**WINDOW))
    damaged = data.replace(b"\x10\0\x20\0LO", b"\x10\0\x20\0L\0")
    for end in (len(data), 1400):
        code, sentence = refusal(damaged[:end])
        assert code == "broken"
        assert "(0010,0020)" in sentence


@pytest.mark.parametrize(
    ("sop_class", "modality", "code", "cause"),
    [
        (MediaStorageDirectoryStorage, None, "wrong_modality", "Directory"),
        (BasicTextSRStorage, "SR", "wrong_modality", "Basic Text SR"),
        (GrayscaleSoftcopyPresentationStateStorage, "PR", "wrong_modality", "Presentation State"),
        (EncapsulatedPDFStorage, "DX", "wrong_modality", "PDF"),
        (EnhancedCTImageStorage, "CT", "wrong_modality", "Enhanced CT"),
        (MultiFrameGrayscaleByteSecondaryCaptureImageStorage, "DX", "multi_frame", "3 frames"),
    ],
)
def test_another_dicom_object_is_named(sop_class: UID, modality: str | None, code: str, cause: str) -> None:
    multi = {"NumberOfFrames": 3} if code == "multi_frame" or modality == "CT" else {}
    without = {} if multi else dict.fromkeys((*IMAGE, "PatientID"))
    received = refusal(saved(dataset(SOPClassUID=sop_class, Modality=modality, **without, **multi)))
    assert received[0] == code
    assert cause in received[1]


@pytest.mark.parametrize(
    ("tags", "code", "cause"),
    [
        ({"PhotometricInterpretation": "MONOCHROMX"}, "broken", "PhotometricInterpretation"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "unsupported_encoding", "PALETTE COLOR"),
        ({"PhotometricInterpretation": "YBR_FULL_422", "SamplesPerPixel": 3}, "unsupported_encoding", "YBR_FULL_422"),
        ({"BitsStored": 0}, "broken", "BitsStored 0"),
        ({"BitsAllocated": 12}, "broken", "BitsAllocated 12"),
    ],
)
def test_a_wrong_tag_is_named(tags: dict[str, Any], code: str, cause: str) -> None:
    received = refusal(saved(dataset(**tags)))
    assert received[0] == code
    assert cause in received[1]
