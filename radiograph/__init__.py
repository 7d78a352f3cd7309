"""What a chest film is: read it safely, check it, and bring it to the network's input.

Pure functions on bytes and images. This core needs the standard library and Pillow; `radiograph.dicom` also needs
pydicom and `radiograph.phantom` numpy, and neither is imported from here.
"""

from radiograph.errors import CODES, FilmError, FilmErrorCode
from radiograph.limits import MAX_BYTES, MAX_PIXELS, MAX_UPLOAD_BYTES, MIN_SIDE, SIDE
from radiograph.media import MediaType, media_type
from radiograph.read import read_film
from radiograph.standard import POLICIES, Policy, encode, fit, standard_film, standardise

__all__ = [
    "CODES",
    "MAX_BYTES",
    "MAX_PIXELS",
    "MAX_UPLOAD_BYTES",
    "MIN_SIDE",
    "POLICIES",
    "SIDE",
    "FilmError",
    "FilmErrorCode",
    "MediaType",
    "Policy",
    "encode",
    "fit",
    "media_type",
    "read_film",
    "standard_film",
    "standardise",
]
