"""Lossless compressions that PACS send are decoded, or refused by name where their plug-in is absent."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID, HTJ2KLossless, JPEGLossless, JPEGLosslessSV1, JPEGLSLossless, JPEGLSNearLossless

from radiograph import ImageError
from radiograph.dicom import read_dicom
from tests.radiograph.dicom_files import RAMP, dataset, saved
from tests.radiograph.lossless_jpeg import lossless_jpeg

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
@pytest.mark.skipif(not get_decoder(JPEGLosslessSV1).is_available, reason="python-gdcm is not installed")
def test_jpeg_lossless_is_decoded_within_half_a_grey_level(syntax: UID) -> None:
    item = dataset(RAMP, syntax, WindowCenter=2048, WindowWidth=4096)
    item.PixelData = encapsulate([lossless_jpeg(RAMP, 12)])
    item["PixelData"].VR = "OB"
    assert np.abs(np.asarray(read_dicom(saved(item)), float) - RAMP / 4095 * 255).max() <= 0.51


@pytest.mark.skipif(not get_decoder(JPEGLSLossless).is_available, reason="pyjpegls is not installed")
def test_jpeg_ls_is_decoded_within_half_a_grey_level() -> None:
    item = dataset(RAMP, WindowCenter=2048, WindowWidth=4096)
    item.compress(JPEGLSLossless, encoding_plugin="pyjpegls")
    assert np.abs(np.asarray(read_dicom(saved(item)), float) - RAMP / 4095 * 255).max() <= 0.51
