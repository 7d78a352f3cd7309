"""What a chest radiograph is: read it safely, check it, and bring it to the network's input.

Pure functions on bytes and images. This core needs the standard library and Pillow; `radiograph.dicom` also needs
pydicom and `radiograph.phantom` numpy, and neither is imported from here.
"""

from radiograph.errors import CODES, ImageError, ImageErrorCode
from radiograph.limits import MAX_BYTES, MAX_PIXELS, MAX_UPLOAD_BYTES, MIN_SIDE, SIDE
from radiograph.media import MediaType, media_type
from radiograph.read import read_image
from radiograph.standard import RESIZE_MODES, ResizeMode, encode, fit, standard_image, standardise

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
    "fit",
    "media_type",
    "read_image",
    "standard_image",
    "standardise",
]
