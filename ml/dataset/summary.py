"""Account for every file of a source, and for what the splits share, in numbers and sentences."""

import csv
import io
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ml import atomic
from ml.dataset.radiographs import CLASSES, Offer, Radiograph, Reject
from ml.errors import UserError

SHOWN_REJECTS = 20


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


def write_table(path: Path, images: Sequence[Radiograph], rejects: Sequence[Reject]) -> None:
    """Write a CSV table of every file that was left out or is used with a note, and the reason."""
    lines = [(str(reject.path), "left out", reject.code, reject.reason) for reject in rejects]
    lines += [(str(image.source), "used", "note", note) for image in images for note in image.notes]
    text = io.StringIO()
    csv.writer(text).writerows([("file", "outcome", "code", "reason"), *sorted(lines)])
    atomic.write(path, text.getvalue().encode(errors="surrogateescape"))  # file names can have any bytes


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


def print_reading(
    rejects: Sequence[Reject], noted: Sequence[Radiograph], images: int, limit: float, table: Path
) -> None:
    """Print the notes on the images and the files that were left out, and write all of them to `table`.

    Args:
        noted: the images with notes, among others.
        images: number of usable images.

    Raises:
        UserError: the fraction of unusable files exceeds `limit`.
    """
    print_notes(noted)
    print_rejects(rejects)
    write_table(table, noted, rejects)
    check_rejects(images, rejects, limit, table)


def print_notes(images: Sequence[Radiograph]) -> None:
    """Print each note on the tags of the images, with one of the files and their number."""
    noted: dict[str, list[Path]] = {}
    for image in images:
        for note in image.notes:
            noted.setdefault(note, []).append(image.source)
    for note, paths in list(noted.items())[:SHOWN_REJECTS]:
        print(f"Note on {paths[0]} ({len(paths):,} files): {note}", file=sys.stderr)
    if len(noted) > SHOWN_REJECTS:
        print(f"... and {len(noted) - SHOWN_REJECTS} more notes.", file=sys.stderr)


def print_rejects(rejects: Sequence[Reject]) -> None:
    """Print the first of the files that were left out."""
    for reject in rejects[:SHOWN_REJECTS]:
        count = f" ({reject.files:,} files)" if reject.files > 1 else ""
        print(f"Left out {reject.path}{count}: {reject.reason}", file=sys.stderr)
    if len(rejects) > SHOWN_REJECTS:
        print(f"... and {len(rejects) - SHOWN_REJECTS} more.", file=sys.stderr)


def check_rejects(images: int, rejects: Sequence[Reject], limit: float, table: Path) -> None:
    """Check the number of unusable files beside `images` usable images; `table` lists them.

    Raises:
        UserError: their fraction exceeds `limit`. Files outside the source's layout do not count.
    """
    unusable = sum(reject.unusable for reject in rejects)
    if unusable > limit * (images + unusable):
        raise UserError(
            f"{unusable} of {images + unusable} files are not usable images, more than --max-reject-fraction {limit:g} "
            f"allows. See the reasons above, and all of them in {table}."
        )


def print_splits(content: dict[str, Any], file_counts: Mapping[str, int]) -> None:
    """Print the splits, the patients and images they share, and the number of files used and left out."""
    header = "".join(f"{name:>12}" for name in CLASSES) + f"{'patients':>10}{'unknown':>10}"
    print(f"{'split':<12}{'images':>8}{header}")
    for name, counts in content["counts"].items():
        numbers = "".join(f"{counts[label]:>12}" for label in CLASSES)
        print(f"{name:<12}{sum(counts.values()):>8}{numbers}"
              f"{content['patients'][name]:>10}{content['unknown_patients'][name]:>10}")  # fmt: skip
    print(shared_sentence(content["shared"]))
    print(f"{files_sentence(file_counts)} Training list: {content['training_samples']:,} lines.")
