"""The error that this package raises for a file it cannot use as a chest radiograph."""

from __future__ import annotations

from typing import Literal, get_args

ImageErrorCode = Literal[
    "empty",  # no bytes
    "too_large",  # more bytes than allowed
    "unsupported_format",  # not JPEG, PNG or (radiograph.dicom) DICOM
    "unsupported_encoding",  # the right format in a variant that cannot be decoded here
    "broken",  # the format's own rules are violated
    "truncated",  # the end of the file is missing
    "too_small",  # fewer pixels on a side than a radiograph has
    "too_elongated",  # a strip, not an image
    "too_many_pixels",  # a decompression bomb, or larger than any detector
    "too_complex",  # built to be slow to decode
    "multi_frame",  # an animation, a cine loop or a stack of slices
    "wrong_modality",  # DICOM that is not a projection radiograph
    "wrong_view",  # DICOM that declares a lateral view or another part of the body
    "not_a_radiograph",  # a valid picture of something else
    "no_pixels",  # DICOM without an image
]
CODES: tuple[ImageErrorCode, ...] = get_args(ImageErrorCode)


class ImageError(ValueError):
    """A file that cannot be used as a chest radiograph.

    `code` is one of `CODES` and stable. `str(error)` is a sentence that says what was received, what is allowed and
    what to do. It never contains the file's text or pixel values.
    """

    def __init__(self, code: ImageErrorCode, sentence: str) -> None:
        super().__init__(sentence)
        self.code: ImageErrorCode = code

    def __reduce__(self) -> tuple[type[ImageError], tuple[ImageErrorCode, str]]:
        # Exceptions are pickled by their args alone; an error from a worker process must keep its code.
        return type(self), (self.code, str(self))
