"""Read a chest radiograph safely, check it, and turn it into the network's input.

Pure functions on bytes and images. This core needs the standard library and Pillow. `radiograph.dicom` also needs
pydicom, and `radiograph.phantom` numpy: neither is imported here.
"""

from radiograph.errors import CODES, ImageError, ImageErrorCode
from radiograph.limits import MAX_BYTES, MAX_PIXELS, MAX_UPLOAD_BYTES, MIN_SIDE, SIDE
from radiograph.media import MediaType, media_type
from radiograph.read import read_image
from radiograph.standard_image import RESIZE_MODES, ResizeMode, encode, resize, standardise

__all__ = [
    "CODES",
    "MAX_BYTES",
    "MAX_PIXELS",
    "MAX_UPLOAD_BYTES",
    "MIN_SIDE",
    "RESIZE_MODES",
    "SIDE",
    "ImageError",
    "ImageErrorCode",
    "MediaType",
    "ResizeMode",
    "encode",
    "media_type",
    "read_image",
    "resize",
    "standardise",
]
