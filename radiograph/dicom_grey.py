"""Turn a DICOM image's stored values into luminance (PS3.3 C.11.1, C.11.2), without tags that cannot be true."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from radiograph.dicom_tags import code, integer, numbers, numbers_in_place

_SAMPLE: Final = 100_000
_LEAST_GREY: Final = 0.05  # fraction of the pixels that a usable window or LUT shows between black and white
_LEAST_CONTRAST: Final = 0.1  # of the range from black to white, between the 1st and 99th percentile
_WHISKER: Final = 0.25  # values this fraction of the range beyond the 1st and 99th percentile are outliers
_MOST_OF_RANGE: Final = 0.75  # of the bits in use, filled by the values

Values = NDArray[np.float32]


class _Table(NamedTuple):
    first: int
    bits: int
    data: NDArray[Any]

    def __call__(self, values: Values) -> Values:
        index = np.rint(values).astype(np.int64) - self.first
        return np.asarray(self.data[np.clip(index, 0, len(self.data) - 1)], np.float32)


def light_of(stored: NDArray[Any], dataset: Dataset, notes: list[str]) -> Values:
    """Return luminance, 0 to 1, of shape (rows, columns); add a note for each tag that is dropped."""
    values = _modality(stored, dataset, notes)
    image = _without_padding(values, stored, dataset, notes)
    light = _first_lut(values, image, dataset, notes)
    if light is None:
        light = _first_window(values, image, dataset, notes)
    if light is None:
        light = _range(values, image)
    np.clip(light, 0, 1, out=light)
    inverse = code(dataset, "PhotometricInterpretation") == "MONOCHROME1"
    if inverse or code(dataset, "PresentationLUTShape") == "INVERSE":
        return np.subtract(1, light, out=light)
    return light


def _modality(stored: NDArray[Any], dataset: Dataset, notes: list[str]) -> Values:
    values = np.asarray(stored, np.float32)
    for item in dataset.get("ModalityLUTSequence") or ():
        if (table := _table(item, dataset, values)) is not None:
            return table(values)
        notes.append("ModalityLUTSequence is dropped: it has no usable table.")
    slope = next(iter(numbers(dataset, "RescaleSlope")), 1.0)
    intercept = next(iter(numbers(dataset, "RescaleIntercept")), 0.0)
    if slope == 0:
        notes.append("RescaleSlope 0 is dropped: it makes every pixel equal.")
        return values
    return np.asarray(values * np.float32(slope) + np.float32(intercept), np.float32)


def _table(item: Dataset, dataset: Dataset, values: Values) -> _Table | None:
    """Return a LUT (PS3.3 C.11.1.1), or None if its descriptor or data are missing or contradict each other."""
    descriptor = [int(value) for value in numbers(item, "LUTDescriptor")]
    data = item.get("LUTData")
    if len(descriptor) != 3 or data is None:
        return None
    entries, first = descriptor[0] & 0xFFFF or 0x10000, descriptor[1]
    if isinstance(data, bytes):
        words = np.frombuffer(data[: len(data) // 2 * 2], "<u2" if dataset.is_little_endian else ">u2")
    else:
        words = np.atleast_1d(np.asarray(data, np.int64)).astype(np.uint16)
    packed = len(words) < entries <= 2 * len(words)  # entries of 8 bits, two in a word
    table = (words.astype("<u2").view(np.uint8) if packed else words)[:entries]
    if len(table) < entries or table.min() == table.max():
        return None
    # The first mapped value is signed or unsigned as the pixels are; files are often wrong about it.
    if first > 0x7FFF and values.min() < 0:
        first -= 0x10000
    elif first < 0 <= values.min() and first + 0x10000 <= values.max():
        first += 0x10000
    return _Table(first, descriptor[2], table)


def _first_lut(values: Values, image: Values, dataset: Dataset, notes: list[str]) -> Values | None:
    """Return the values through the first VOI LUT that shows the image; None if there is none."""
    for item in dataset.get("VOILUTSequence") or ():
        table = _table(item, dataset, values)
        if table is None:
            notes.append("VOILUTSequence is dropped: it has no usable table.")
            continue
        needed = int(table.data.max()).bit_length()
        if needed != table.bits:
            notes.append(f"LUTDescriptor says {table.bits} bits: the table's own {needed} bits are used.")
        white = np.float32(2**needed - 1)
        if _shows(table(image) / white):
            return table(values) / white
        notes.append("VOILUTSequence is dropped: it shows almost nothing of the image.")
    return None


def _first_window(values: Values, image: Values, dataset: Dataset, notes: list[str]) -> Values | None:
    """Return the values through the first window that shows the image; None if there is none."""
    function = code(dataset, "VOILUTFunction") or "LINEAR"
    centres, widths = (numbers_in_place(dataset, keyword) for keyword in ("WindowCenter", "WindowWidth"))
    for centre, width in zip_longest(centres, widths):
        if centre is None or width is None or width <= 0 or (function == "LINEAR" and width < 1):
            notes.append(f"Window {_text(centre)}/{_text(width)} is dropped: a centre and a width from 1 are needed.")
        elif _shows(_window(image, centre, width, function)):
            return _window(values, centre, width, function)
        else:
            notes.append(f"Window {_text(centre)}/{_text(width)} is dropped: it shows almost nothing of the image.")
    return None


def _text(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"


def _window(values: Values, centre: float, width: float, function: str) -> Values:
    """Apply a window (PS3.3 C.11.2.1.2 LINEAR, C.11.2.1.3 SIGMOID and LINEAR_EXACT), scaled to 0 to 1."""
    if function not in ("SIGMOID", "LINEAR_EXACT"):
        centre, width = centre - 0.5, width - 1
    relative = (values - np.float32(centre)) / np.float32(max(width, 1e-6))  # a LINEAR width of 1 is a threshold
    if function == "SIGMOID":
        return np.asarray(1 / (1 + np.exp(np.clip(-4 * relative, -60, 60))), np.float32)
    return np.asarray(relative + np.float32(0.5), np.float32)


def _shows(light: Values) -> bool:
    """Return whether enough pixels are neither black nor white, and differ."""
    low, high = np.percentile(np.clip(light, 0, 1), (1, 99))
    grey = np.mean((light > 0) & (light < 1))
    return bool(grey >= _LEAST_GREY and high - low >= _LEAST_CONTRAST)


def _without_padding(values: Values, stored: NDArray[Any], dataset: Dataset, notes: list[str]) -> Values:
    """Return a sample of the values, without those that PixelPaddingValue and its range limit declare as padding."""
    step = max(1, values.size // _SAMPLE)
    sample, raw = values.ravel()[::step], stored.ravel()[::step].astype(np.int64)
    ends = [integer(dataset, name, 0) for name in ("PixelPaddingValue", "PixelPaddingRangeLimit") if name in dataset]
    if "PixelPaddingValue" not in dataset:
        return sample
    signed = stored.min() < 0  # the tags are signed or unsigned as the pixels are; files are often wrong about it
    ends = [(end & 0xFFFF) - (0x10000 if signed and end & 0x8000 else 0) for end in ends]
    image = sample[(raw < min(ends)) | (raw > max(ends))]
    if len(image) >= _LEAST_GREY * len(sample):
        return image
    notes.append("PixelPaddingValue is dropped: nearly every pixel would be padding.")
    return sample


def _range(values: Values, image: Values) -> Values:
    """Scale from the lowest to the highest value. Hot pixels and markers far outside the percentiles are clipped.

    Values that fill most of the range of their bits are scaled by that range, as in a PNG file of 16 bits: such images
    are ready for display, and stretching them would change their exposure.
    """
    low, high = np.percentile(image, (1, 99))
    margin = _WHISKER * (high - low)
    usual = image[(image >= low - margin) & (image <= high + margin)]
    low, high = usual.min(), usual.max()
    white = 2 ** int(high).bit_length() - 1
    if low >= 0 and high - low >= _MOST_OF_RANGE * white:
        low, high = np.float32(0), np.float32(white)
    return np.asarray((values - low) / max(high - low, 1e-6), np.float32)
