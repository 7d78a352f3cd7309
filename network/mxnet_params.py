"""Reading of MXNet's .params files.

The format is that of NDArray::Save and Load in src/ndarray/ndarray.cc of MXNet 1.0 to 1.9, little-endian:

- file: uint64 0x112, uint64 0, uint64 count, the arrays, uint64 count, the names (uint64 length, characters)
- array: uint32 magic; int32 storage type, except in version 1; uint32 number of dimensions; int64 for each;
  int32 device type and number; int32 data type; the values in C order
"""

import math
import mmap
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from network.errors import InputError

LIST_MAGIC = 0x112
MAGICS = {0xF993FAC8: 1, 0xF993FAC9: 2, 0xF993FACA: 3}
"""Versions of an array. Version 2 adds the storage type, version 3 is written under NumPy semantics."""
TYPES = ("float32", "float64", "float16", "uint8", "int32", "int8", "int64")
"""mshadow's data types by number."""
DENSE = 0
MAX_DIMENSIONS = 8
MAX_ITEMS = 10_000
"""Arrays of a file, and characters of a name. A ResNet of 200 layers has 1,000 arrays."""
MAX_VALUES = 25_000_000
"""Of an array. The last layer for 10,000 classes has 20 million."""
MAX_BYTES = 500_000_000
"""A ResNet of 200 layers has 260 MB; Lambda's /tmp, from which a function loads its graph, has 512 MB."""


def read(path: Path) -> dict[str, NDArray[np.float32]]:
    """Return the arrays of a file by name, "arg:" and "aux:" included. They are views of the file.

    Raises:
        InputError: the file is truncated, damaged or too large, or holds an array that is not dense float32.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise InputError(f"{path.name} has {size:,} bytes; at most {MAX_BYTES:,} can be converted.")
    with path.open("rb") as file:
        content = Content(path.name, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b"")
    if (magic := content.number("Q")) != LIST_MAGIC:
        raise InputError(f"{path.name} starts with {magic:#x}; a .params file of MXNet starts with {LIST_MAGIC:#x}.")
    content.number("Q")
    arrays = [read_array(content) for _ in content.counted("array")]
    names = [content.text() for _ in content.counted("name")]
    if len(names) != len(arrays) or len(set(names)) != len(names) or content.position != size:
        raise InputError(
            f"{path.name} is damaged: it holds {len(arrays)} arrays, {len(set(names))} different names, and "
            f"{size - content.position} bytes after them."
        )
    return dict(zip(names, arrays, strict=True))


def read_array(content: "Content") -> NDArray[np.float32]:
    """Return the next array.

    Raises:
        InputError: it is truncated, or not dense float32.
    """
    magic = content.number("I")
    if magic not in MAGICS:
        known = ", ".join(f"{number:#x}" for number in MAGICS)
        raise InputError(f"{content.name} holds an array that starts with {magic:#x}; it must start with {known}.")
    if MAGICS[magic] > 1 and (storage := content.number("i")) != DENSE:
        raise InputError(f"{content.name} holds a sparse array (storage type {storage}); only dense ones are read.")
    dimensions = content.number("i")
    if not 1 <= dimensions <= MAX_DIMENSIONS:
        raise InputError(f"{content.name} holds an array of {dimensions} dimensions; 1 to {MAX_DIMENSIONS} are read.")
    shape = [content.number("q") for _ in range(dimensions)]
    content.take(8)  # the device
    number = content.number("i")
    kind = TYPES[number] if 0 <= number < len(TYPES) else f"type {number}"
    if kind != TYPES[0]:
        raise InputError(
            f"{content.name} holds an array of {kind}; only float32 can be converted. Train with "
            "precision_dtype=float32."
        )
    if min(shape) < 1 or math.prod(shape) > MAX_VALUES:
        raise InputError(f"{content.name} holds an array of shape {shape}; 1 to {MAX_VALUES:,} values are read.")
    return np.frombuffer(content.take(4 * math.prod(shape)), "<f4").reshape(shape)


class Content:
    """The bytes of a file and the position of the next one."""

    def __init__(self, name: str, data: Any) -> None:
        self.name, self.data, self.position = name, memoryview(data), 0

    def take(self, count: int) -> Any:
        """Return the next bytes without a copy of them.

        Raises:
            InputError: the file has fewer.
        """
        left = len(self.data) - self.position
        if count > left:
            raise InputError(f"{self.name} is truncated: {count:,} more bytes are expected, and {left:,} are there.")
        self.position += count
        return self.data[self.position - count : self.position]

    def number(self, form: str) -> int:
        """Return the next number, of a form of `struct`."""
        (value,) = struct.unpack(f"<{form}", self.take(struct.calcsize(f"<{form}")))
        return int(value)

    def text(self) -> str:
        """Return the next name."""
        return bytes(self.take(len(self.counted("character")))).decode("ascii", "replace")

    def counted(self, item: str) -> range:
        """Return a range as long as the next count.

        Raises:
            InputError: the count is larger than MAX_ITEMS.
        """
        count = self.number("Q")
        if count > MAX_ITEMS:
            raise InputError(f"{self.name} announces {count:,} {item}s; at most {MAX_ITEMS:,} are read.")
        return range(count)
