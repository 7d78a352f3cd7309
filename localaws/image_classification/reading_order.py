"""The order of a training channel's images: that of MXNet's ImageRecordIter, which is not a full shuffle.

Without an index file, `shuffle` mixes only the records within a chunk, and chunks follow one another
in the order of the file (mxnet/src/io/iter_image_recordio_2.cc: `HintChunkSize(8 << 20)`; dmlc-core's InputSplit fills
each chunk with whole records). A list sorted by class therefore gives batches of one class, in localaws as on AWS.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

CHUNK_BYTES = 8 << 20
"""Encoded bytes of a chunk in ImageRecordIter."""


def reading_order(sizes: Sequence[int], generator: torch.Generator, chunk_bytes: int = CHUNK_BYTES) -> Tensor:
    """Return the positions of all examples, shape (n,), in the order of one epoch.

    Args:
        sizes: encoded bytes of each example, in the order of the list or file.
        generator: mixes each chunk.
        chunk_bytes: encoded bytes of a chunk.
    """
    parts = [
        start + torch.randperm(end - start, generator=generator) for start, end in chunk_bounds(sizes, chunk_bytes)
    ]
    return torch.cat(parts)


def chunk_bounds(sizes: Sequence[int], chunk_bytes: int) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each chunk, which holds as many whole examples as fit and at least one."""
    ends = np.cumsum(np.asarray(sizes, np.int64))
    start, done = 0, 0
    while start < len(ends):
        end = max(start + 1, int(np.searchsorted(ends, done + chunk_bytes, side="right")))
        yield start, end
        start, done = end, int(ends[end - 1])
