"""TIFF files as scanners write them."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import PHOTOMETRIC_INTERPRETATION

from radiograph import ImageError
from radiograph.scans import is_scan, read_scan

from .files import image


def test_a_tiff_file_of_several_pages_is_refused_with_their_number() -> None:
    buffer = BytesIO()
    image().save(buffer, "TIFF", save_all=True, append_images=[image(), image()])
    assert is_scan(buffer.getvalue())
    with pytest.raises(ImageError, match="3 pages") as refused:
        read_scan(buffer.getvalue())
    assert refused.value.code == "multi_frame"


@pytest.mark.parametrize("mode", ["L", "I;16"])
def test_a_scan_whose_zero_is_white_is_read_as_a_viewer_shows_it(mode: str) -> None:
    grey = np.asarray(image())
    stored = grey if mode == "L" else (255 - grey).astype(np.uint16) * 257  # Pillow inverts 8 bits as it writes them
    buffer = BytesIO()
    Image.fromarray(stored).save(buffer, "TIFF", tiffinfo={PHOTOMETRIC_INTERPRETATION: 0})
    assert np.abs(np.asarray(read_scan(buffer.getvalue()), int) - grey).max() <= 1
