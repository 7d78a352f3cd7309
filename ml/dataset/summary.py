"""Account for every file of a source, and for what the splits share, in numbers and sentences."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from ml.dataset.radiographs import Offer, Radiograph, Reject


def count_files(offer: Offer, rejects: Sequence[Reject], images: int, duplicates: int) -> dict[str, int]:
    """Return the number of files in a source ("found"), and the parts that add up to it.

    Args:
        rejects: of the source and of reading.
        images: number of images in the data set.
        duplicates: number of images left out because another has the same pixels.
    """
    return {
        "found": offer.found,
        "images": images,
        "duplicates": duplicates,
        "left_out": sum(reject.files for reject in rejects),
        "ignored": offer.ignored,
    }


def files_table(images: Sequence[Radiograph], rejects: Sequence[Reject]) -> bytes:
    """Return a CSV table of every file that was left out or is used with a note, and the reason."""
    lines = [(str(reject.path), "left out", reject.code, reject.reason) for reject in rejects]
    lines += [(str(image.source), "used", "note", note) for image in images for note in image.notes]
    text = io.StringIO()
    csv.writer(text).writerows([("file", "outcome", "code", "reason"), *lines])
    return text.getvalue().encode(errors="surrogateescape")  # file names can have any bytes


def files_sentence(files: Mapping[str, int]) -> str:
    """Return the numbers of `count_files` as a sentence."""
    return (
        f"Files found: {files['found']:,} = {files['images']:,} images + {files['duplicates']:,} duplicates "
        f"+ {files['left_out']:,} left out + {files['ignored']:,} ignored by name."
    )


def shared_sentence(shared: Mapping[str, Any]) -> str:
    """Return as sentences what the splits share and for how many images that is known; `shared` as in dataset.json."""
    images, known, pictures = shared["images"], shared["known"], f"{shared['pictures']:,} images"
    if not known:
        return (
            f"Shared between splits: {pictures}. Whether patients are shared is unknown: none of the {images:,} images "
            "names its patient. Images of one person may be in two splits."
        )
    if known == images:
        return f"Shared between splits: {shared['patients']:,} patients (known for all {images:,} images), {pictures}."
    return (
        f"Shared between splits: {shared['patients']:,} patients (known for {known:,} of {images:,} images; unknown "
        f"for {images - known:,}, which may be of one person in two splits), {pictures}."
    )
