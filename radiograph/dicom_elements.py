"""Parse a DICOM file's elements, and refuse a file that is cut or whose elements are damaged."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Final

from pydicom import Dataset, dcmread
from pydicom.dataelem import RawDataElement
from pydicom.valuerep import VR

from radiograph.errors import ImageError

_KNOWN: Final = frozenset(VR)
_UNDEFINED_LENGTH: Final = 0xFFFFFFFF
_PIXEL_GROUP: Final = 0x7FE0


def read_elements(data: bytes) -> Dataset:
    """Return the data set of a DICOM file, without decoding values. Raises ImageError: truncated, broken."""
    try:
        dataset = dcmread(BytesIO(data), force=True)  # force: the preamble may be absent
    except struct.error as error:  # pydicom read fewer bytes than an element's header has
        raise _truncated() from error
    except Exception as error:
        if isinstance(error, MemoryError):
            raise
        # pydicom raises nearly every built-in exception on malformed files.
        raise ImageError("broken", "Received a DICOM file whose header is damaged; export the file again.") from error
    end = 0
    for tag in dataset.keys():  # noqa: SIM118 (values would be decoded)
        element = dataset.get_item(tag)
        if not isinstance(element, RawDataElement):
            continue
        if element.VR is not None and element.VR not in _KNOWN and not tag.is_private:
            raise ImageError(
                "broken",
                f"Received a DICOM file whose element {tag} is damaged: its value representation is unknown; export "
                "the file again.",
            )
        length = len(element.value or b"")
        if element.length not in (length, _UNDEFINED_LENGTH) and tag.group != _PIXEL_GROUP:
            raise _truncated()
        end = element.value_tell + length
    # Bytes after the pixels do no harm. Before them, they are the start of a next element.
    if not dataset.keys() or (0 < end < len(data) and tag.group < _PIXEL_GROUP):
        raise _truncated()
    return dataset


def _truncated() -> ImageError:
    return ImageError("truncated", "Received a DICOM file whose end is missing; copy or export the whole file again.")
