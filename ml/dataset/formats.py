"""The formats of the training channels."""

from dataclasses import replace
from pathlib import Path

from ml.dataset import recordio
from ml.dataset.layout import Layout

FORMATS = ("lst", "recordio")
"""Image files with lists, or RecordIO files."""


def add_records(layout: Layout, folder: Path) -> Layout:
    """Write one .rec a channel below `folder`; return the layout with them in place of training images and lists.

    The index is outside the channel's prefix, which must hold one .rec and nothing else.
    """
    files = {key: path for key, path in layout.files.items() if not key.startswith("train/")}
    for channel, examples in layout.channels.items():
        records = folder / f"{channel}.rec"
        images = [(label, layout.files[f"{channel}/{path}"]) for label, path in examples]
        files[f"recordio/index/{channel}.idx"] = recordio.write(images, records)
        files[f"recordio/{channel}/{channel}.rec"] = records
    return replace(layout, files=files, texts={})
