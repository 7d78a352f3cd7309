"""Encode JPEG Lossless (ISO 10918-1, Annex H), which no library of the project writes."""

from __future__ import annotations

import struct

import numpy as np

from tests.radiograph.files import segment


def lossless_jpeg(pixels: np.ndarray, bits: int) -> bytes:
    """Return pixels as SOF3 with predictor 1 (the left neighbour), coding every category in five bits."""
    rows, columns = pixels.shape
    values = pixels.astype(int)
    predicted = np.empty_like(values)
    predicted[:, 1:] = values[:, :-1]
    predicted[1:, 0] = values[:-1, 0]
    predicted[0, 0] = 1 << (bits - 1)
    code = []
    for difference in (values - predicted).ravel().tolist():
        category = abs(difference).bit_length()
        code.append(f"{category:05b}")
        if category:
            code.append(f"{difference if difference > 0 else difference + (1 << category) - 1:0{category}b}")
    text = "".join(code)
    text += "1" * (-len(text) % 8)
    scan = int(text, 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\0")
    table = b"\0" + bytes([0, 0, 0, 0, 17] + [0] * 11) + bytes(range(17))
    frame = struct.pack(">BHHB", bits, rows, columns, 1) + b"\1\x11\0"
    header = segment(0xC3, frame) + segment(0xC4, table) + segment(0xDA, b"\1\1\0\1\0\0")
    return b"\xff\xd8" + header + scan + b"\xff\xd9"
