"""Read 6,000 files with mutated headers of each format: each must be read or refused with a sentence.

Prints how many were read and refused, the longest CPU time and the largest memory. Exit code 1 for any other exception.
Run it as `python -m benchmarks.hostile_headers [--files N]`.
"""

from __future__ import annotations

import argparse
import collections
import random
import resource
import sys
import time
from collections.abc import Callable

from PIL import Image
from pydicom.uid import JPEG2000Lossless, JPEGLossless, JPEGLSLossless

from ml.dataset.standardising import read_encoded
from radiograph import ImageError
from radiograph.scans import read_scan
from tests.radiograph.dicom_files import RAMP, compressed_dataset, dataset, saved
from tests.radiograph.files import chunk as png_chunk
from tests.radiograph.files import encoded, exif, image, jpeg_with, png_with, segment
from tests.radiograph.lossless_jpeg import lossless_jpeg

HEADER = {
    "DICOM": 1400,
    "JPEG Lossless": 900,
    "JPEG-LS": 900,
    "JPEG 2000": 1000,
    "JPEG": 700,
    "PNG": 130,
    "TIFF": 300,
    "BMP": 60,
}
"""Bytes at the start of a file that are mutated."""


def originals() -> dict[str, tuple[bytes, Callable[[bytes], object]]]:
    """Return a file of each format with its reader."""
    prepare: Callable[[bytes], object] = lambda data: read_encoded(data, "squash")  # noqa: E731
    compressed = {
        "JPEG Lossless": (JPEGLossless, lossless_jpeg(RAMP, 12)),
        "JPEG-LS": (JPEGLSLossless, None),
        "JPEG 2000": (JPEG2000Lossless, encoded(Image.fromarray(RAMP), "JPEG2000", no_jp2=True)),
    }
    return {
        **{name: (saved(compressed_dataset(*parts)), prepare) for name, parts in compressed.items()},
        "DICOM": (saved(dataset(WindowCenter=2048, WindowWidth=4096, RescaleSlope="1", RescaleIntercept="0")), prepare),
        "JPEG": (jpeg_with(segment(0xE1, b"Exif\0\0" + exif(6))), prepare),
        "PNG": (png_with(png_chunk(b"eXIf", exif(6)), png_chunk(b"tEXt", b"Title\0text")), prepare),
        "TIFF": (encoded(image(), "TIFF"), read_scan),
        "BMP": (encoded(image(), "BMP"), read_scan),
    }


def mutated(data: bytes, header: int, source: random.Random) -> bytes:
    """Return the file with up to eight bytes of its header changed, or cut."""
    changed = bytearray(data)
    for _ in range(source.randint(1, 8)):
        changed[source.randrange(header)] = source.choice((0, 1, 255, source.randrange(256)))
    return bytes(changed[: source.randrange(len(data))] if source.random() < 0.1 else changed)


def main() -> int:
    """Read the files; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=6000, help="files of each format")
    files = parser.parse_args().files
    failed = False
    for name, (data, read) in originals().items():
        source, outcomes, longest = random.Random(20), collections.Counter[str](), 0.0  # noqa: S311 (repeatable files)
        for _ in range(files):
            start = time.process_time()
            try:
                read(mutated(data, HEADER[name], source))
                outcomes["read"] += 1
            except ImageError as error:
                outcomes[error.code] += 1
            except Exception as error:  # noqa: BLE001 (the benchmark counts them)
                outcomes[f"FAILED {type(error).__name__}"] += 1
                failed = True
            longest = max(longest, time.process_time() - start)
        print(f"{name}: {dict(outcomes.most_common())}, at most {longest:.2f} CPU s")
    print(f"Largest memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
