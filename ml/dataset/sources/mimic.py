"""Join the tables of MIMIC-CXR-JPG: labels by study, views and splits by image."""

import re
from pathlib import Path

from ml.dataset.sources.delimited import Delimited, read_delimited

NAME = re.compile(r"(mimic-cxr-.+)-(?:chexpert|negbio)(\.csv(?:\.gz)?)", re.IGNORECASE)
"""The name of a table of labels; those of metadata and splits have their own word in its place."""


def joined(path: Path, labels: Delimited) -> Delimited:
    """Return a table of labels with one line for each image, if it is MIMIC-CXR's and the other tables are beside it.

    Raises:
        UserError: one of them cannot be read.
    """
    name = NAME.fullmatch(path.name)
    if name is None or "studyid" not in labels.keys:
        return labels
    for word in ("metadata", "split"):
        other = path.with_name(f"{name[1]}-{word}{name[2]}")
        if other.is_file():
            labels = merged(labels, read_delimited(other))
    return labels


def merged(labels: Delimited, images: Delimited) -> Delimited:
    """Return a line for each image whose study, or the image itself, has labels."""
    key = "dicomid" if "dicomid" in labels.keys else "studyid"
    by_key = {line[key]: (number, line) for number, line in labels.lines}
    lines = [
        (number, {**image, **line})
        for _, image in images.lines
        if image.get(key) in by_key
        for number, line in [by_key[image[key]]]
    ]
    keys = list(dict.fromkeys([*images.keys, *labels.keys]))
    return Delimited([*images.header, *labels.header], keys, lines)
