"""Lossless compressions that PACS send are decoded, or refused by name where their plug-in is absent."""

from __future__ import annotations

from base64 import b85decode

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import (
    UID,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
)

from radiograph import ImageError
from radiograph.dicom import read_dicom
from tests.radiograph.dicom_files import RAMP, compressed_dataset, dataset, saved
from tests.radiograph.files import encoded
from tests.radiograph.lossless_jpeg import lossless_jpeg

HTJ2K = (
    "|4;u>04YEK0000$0000$00000000000000$0000$0000000000009pH0sl|{2mk^A000XAQUDA90ssL31q1{@0smY86Cj9?kdTm&kdTm&kdTmw"
    "h=~7W02crOPjF>!N>E53R%LP^FfKASE;BCwkN^q*00000zW@RMlfVEg0RMk&?f-w<+5&;J0H6Q~z(|Rd0K-%Opa2TMq7+3GQU1VEf$X*bpa2U{"
    "P(pzM1qu`>Q2zapfP3~r0qnW}pa2V`03t<1L_|bHL_|bHL_|bHME?JHV8#c(V;CO&j9`2AF@fx}0iXaEpa6gX0000000000000000000000000000"
    "000092~f7<|r2ftzv9{q?wd-fp#@7RO~zhV#`{fIz&_8|f6vjYFw"
)
"""64 rows of the values 65 * row, as HTJ2K in base 85: no library of the project encodes it."""

COMPRESSIONS = [JPEGLossless, JPEGLosslessSV1, JPEGLSLossless, JPEGLSNearLossless, HTJ2KLossless]


@pytest.mark.parametrize("syntax", COMPRESSIONS, ids=lambda syntax: syntax.keyword)
def test_a_damaged_image_or_an_absent_plug_in_is_named(syntax: UID) -> None:
    item = dataset(RAMP, syntax)
    item.PixelData = encapsulate([b"\xff\xd8\xff\xd9"])
    item["PixelData"].VR = "OB"
    with pytest.raises(ImageError) as caught:
        read_dicom(saved(item))
    assert syntax.name in str(caught.value)


@pytest.mark.parametrize("syntax", [JPEGLossless, JPEGLosslessSV1], ids=lambda syntax: syntax.keyword)
def test_jpeg_lossless_is_decoded_within_half_a_grey_level(syntax: UID) -> None:
    item = dataset(RAMP, syntax, WindowCenter=2048, WindowWidth=4096)
    item.PixelData = encapsulate([lossless_jpeg(RAMP, 12)])
    item["PixelData"].VR = "OB"
    assert np.abs(np.asarray(read_dicom(saved(item)), float) - RAMP / 4095 * 255).max() <= 0.51


def test_jpeg_ls_is_decoded_within_half_a_grey_level() -> None:
    item = dataset(RAMP, WindowCenter=2048, WindowWidth=4096)
    item.compress(JPEGLSLossless, encoding_plugin="pyjpegls")
    assert np.abs(np.asarray(read_dicom(saved(item)), float) - RAMP / 4095 * 255).max() <= 0.51


@pytest.mark.parametrize("near", [0, 2])
def test_jpeg_ls_near_lossless_is_decoded_within_its_error(near: int) -> None:
    item = dataset(RAMP, WindowCenter=2048, WindowWidth=4096)
    item.compress(JPEGLSNearLossless, encoding_plugin="pyjpegls", jls_error=near)
    assert np.abs(np.asarray(read_dicom(saved(item)), float) - RAMP / 4095 * 255).max() <= 0.51 + near * 255 / 4095


def test_htj2k_is_decoded_within_half_a_grey_level() -> None:
    pixels = np.repeat(65 * np.arange(64, dtype=np.uint16)[:, None], 64, axis=1)
    item = compressed_dataset(HTJ2KLossless, b85decode(HTJ2K), pixels, WindowCenter=2048, WindowWidth=4096)
    assert np.abs(np.asarray(read_dicom(saved(item)), float) - pixels / 4095 * 255).max() <= 0.51


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGBaseline8Bit], ids=lambda syntax: syntax.keyword)
@pytest.mark.parametrize(("mode", "code", "cause"), [("RGB", "unsupported_encoding", "colour"), ("L", "broken", "300")])
def test_a_codestream_that_contradicts_the_tags_is_refused_before_it_is_decoded(
    syntax: UID, mode: str, code: str, cause: str
) -> None:
    picture = Image.new(mode, (128, 100) if mode == "RGB" else (128, 300))
    stream = encoded(picture, "JPEG") if syntax == JPEGBaseline8Bit else encoded(picture, "JPEG2000", no_jp2=True)
    pixels = np.zeros((100, 128), np.uint8)
    with pytest.raises(ImageError, match=cause) as caught:
        read_dicom(saved(compressed_dataset(syntax, stream, pixels)))
    assert caught.value.code == code


@pytest.mark.parametrize("damage", [(3, 0x00), (16, 0x00), (23, 0xFF), (54, 0x07), (56, 0x20), (57, 0x09), (200, 0xFF)])
def test_damaged_jpeg_lossless_is_refused_without_a_decoder(damage: tuple[int, int]) -> None:
    stream = bytearray(lossless_jpeg(RAMP, 12))
    position, value = damage
    stream[position] = value
    if value == 0xFF and position == 200:
        stream[position + 1] = 0xDA
    with pytest.raises(ImageError, match="JPEG Lossless"):
        read_dicom(saved(compressed_dataset(JPEGLosslessSV1, bytes(stream))))


@pytest.mark.parametrize("length", [40, 76, 694, 1000, -3])
def test_jpeg_ls_without_its_end_is_refused_before_it_is_decoded(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The decoder takes seconds of CPU time for some of these 128 x 100 pixels."""
    item = compressed_dataset(JPEGLSLossless)
    stream = next(generate_frames(item.PixelData, number_of_frames=1)).rstrip(b"\0").removesuffix(b"\xff\xd9")
    monkeypatch.setattr(Dataset, "pixel_array", property(lambda _: pytest.fail("decoded")))
    with pytest.raises(ImageError, match="JPEG-LS") as caught:
        read_dicom(saved(compressed_dataset(JPEGLSLossless, stream[:length])))
    assert caught.value.code == "broken"
