"""Images and a model entry for tests of scoring and drift."""

import functools
import io

from PIL import Image

from radiograph import encode, standardise
from radiograph.phantom import draw

ENTRY = {
    "threshold": 0.5,
    "calibration": {"slope": 1.0, "intercept": 0.0},
    "classes": ["NORMAL", "PNEUMONIA"],
    "gate": "passed",
}


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@functools.cache
def phantom(seed: int) -> bytes:
    """Return a synthetic image as the data set stores it."""
    return encode(standardise(png(draw(seed, bool(seed % 2)))))
