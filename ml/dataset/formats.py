"""The forms in which the built-in algorithm takes its training channels."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ml.dataset import manifest, recordio
from ml.dataset.layout import Layout

FORMATS = ("lst", "recordio", "manifest")
"""Image files with lists, RecordIO files, or an augmented manifest that streams image files."""


def add_records(layout: Layout, folder: Path) -> Layout:
    """Write one .rec a channel below `folder`, and return the layout with them and their .idx.

    The index lies outside the channel's prefix, which may hold one .rec and nothing else.
    """
    files = dict(layout.files)
    for channel, examples in layout.channels.items():
        records = folder / f"{channel}.rec"
        images = [(label, layout.files[f"{channel}/{path}"]) for label, path in examples]
        files[f"recordio/index/{channel}.idx"] = recordio.write(images, records)
        files[f"recordio/{channel}/{channel}.rec"] = records
    return replace(layout, files=files)


def add_manifests(layout: Layout, bucket: str, content: Mapping[str, Any]) -> Layout:
    """Return the layout with one augmented manifest a channel; the images' addresses have the version in them."""
    prefix = f"s3://{bucket}/datasets/{content['name']}/{content['version']}"
    texts = {
        f"manifest/{channel}.manifest": manifest.manifest_text(examples, f"{prefix}/{channel}/").encode()
        for channel, examples in layout.channels.items()
    }
    return replace(layout, texts={**layout.texts, **texts})
