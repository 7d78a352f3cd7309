"""DICOM files: only salted hashes of the patient's, study's and image's ids leave this module."""

import hashlib
import secrets
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ml import atomic
from ml.dataset.radiographs import NO_IMAGE, OUTSIDE, Offer, Reject, SourceFile, label_of
from ml.dataset.sources.folder import require_both_classes
from ml.dataset.sources.listing import Listing
from ml.dataset.sources.media import DICOM, media_of
from ml.dataset.sources.table import rows
from ml.errors import UserError

IDENTIFIERS = ("PatientID", "StudyInstanceUID", "SOPInstanceUID")
"""Tags whose value can be the id in a line of the labels; a file name is allowed too."""

Tags = Mapping[str, str]
"""Identifying tags by keyword, without absent and empty tags."""


def scan(listing: Listing, labels: Path, salt: bytes) -> Offer:
    """Return the images of a folder that a table labels.

    The id in the table `labels` (id,label) is a PatientID, StudyInstanceUID, SOPInstanceUID or file name. If the folder
    has a DICOMDIR, only the files that it names are used.

    Raises:
        UserError: there is no DICOM file, the table or the DICOMDIR cannot be used, or a class has no image.
    """
    media = {path: media_of(path) for path in listing.files}
    if DICOM not in media.values():
        raise UserError(
            f"--labels is for DICOM folders, and {listing.folder} holds no DICOM file; use a .csv file as --source "
            "instead.",
            code=2,
        )
    known = read_labels(labels)
    paths, rejects = file_set(listing)
    rejects += listing.rejects
    images = []
    for path in paths:
        image = labelled(path, media[path], known, labels, salt)
        if isinstance(image, SourceFile):
            images.append(image)
        else:
            rejects.append(image)
    require_both_classes(images, listing.folder)
    missing = sum(reject.code == "no_file" for reject in rejects)
    return Offer(images, rejects, listing.ignored, listing.found + missing)


def labelled(path: Path, media: str | None, known: Mapping[str, int], labels: Path, salt: bytes) -> SourceFile | Reject:
    """Return one file with the label of one of its ids in the table `labels`, or the reject."""
    tags = read_tags(path) if media == DICOM else {}
    if isinstance(tags, Reject):
        return tags
    keys = [*(tags[name] for name in IDENTIFIERS if name in tags), path.name]
    label = next((known[key] for key in keys if key in known), None)
    if label is not None:
        image = SourceFile(path, label, None)
        return identified(image, tags, salt) if media == DICOM else image
    if media is None:
        return Reject(path, NO_IMAGE, f"it is not a DICOM, JPEG or PNG file, and no line of {labels.name} names it")
    return Reject(path, "no_label", f"no line of {labels.name} names its patient, study, image or file")


def file_set(listing: Listing) -> tuple[list[Path], list[Reject]]:
    """Return the files that a DICOMDIR names, or every file if there is no DICOMDIR, and the rejects.

    Raises:
        UserError: the DICOMDIR cannot be read.
    """
    index = listing.folder / "DICOMDIR"
    if not index.is_file():
        return listing.files, []
    from pydicom import dcmread

    try:
        records = dcmread(index).DirectoryRecordSequence
        ids = [record.ReferencedFileID for record in records if record.DirectoryRecordType == "IMAGE"]
        named = {listing.folder.joinpath(*([name] if isinstance(name, str) else name)) for name in ids}
    except Exception as error:  # pydicom raises nearly every built-in exception on malformed files
        raise UserError(
            f"{index} cannot be read as a DICOMDIR ({type(error).__name__}); remove it to use every file."
        ) from error
    present = set(listing.files)
    missing = [
        Reject(path, "no_file", "the DICOMDIR names it, but the folder does not hold it") for path in named - present
    ]
    unnamed = len(present - named)
    others = [Reject(listing.folder, OUTSIDE, "the DICOMDIR does not name these files", unnamed)] if unnamed else []
    return [path for path in listing.files if path in named], [
        *others,
        *sorted(missing, key=lambda reject: reject.path),
    ]


def read_tags(path: Path) -> Tags | Reject:
    """Return the identifying tags of a DICOM file, or the reject if they cannot be read."""
    from pydicom import dcmread

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom warns about tag values outside the standard
            dataset = dcmread(path, stop_before_pixels=True, specific_tags=list(IDENTIFIERS))
            values = {name: text_of(dataset.get(name)) for name in IDENTIFIERS}
    except OSError as error:
        return Reject(path, "unreadable", error.strerror or str(error))
    except Exception as error:  # noqa: BLE001 (pydicom raises nearly every built-in exception on malformed files)
        return Reject(path, "broken", f"its DICOM tags cannot be read ({type(error).__name__}); export the file again")
    return {name: value for name, value in values.items() if value}


def text_of(value: Any) -> str:
    """Return a tag's value without padding; "" for an absent or empty tag."""
    return "" if value is None else str(value).strip("\0 \t\r\n")


def identified(image: SourceFile, tags: Tags, salt: bytes) -> SourceFile:
    """Return an image with a name and a patient key that contain no personal data.

    The patient is the source's, else PatientID, else StudyInstanceUID (a study is of one patient), else unknown.
    """
    key = None
    if "PatientID" in tags:
        key = f"dicom-{hashed(salt, tags['PatientID'])}"
    elif "StudyInstanceUID" in tags:
        key = f"study-{hashed(salt, tags['StudyInstanceUID'])}"
    instance = hashed(salt, tags.get("SOPInstanceUID", "") or str(image.path))
    return replace(image, patient=image.patient or key, name=f"{key or 'dicom'}-{instance}")


def hashed(salt: bytes, text: str) -> str:
    """Return 12 hexadecimal digits that cannot be traced back to `text` without the salt."""
    return hashlib.blake2b(text.encode(errors="surrogateescape"), key=salt, digest_size=6).hexdigest()


def salt_of(folder: Path) -> bytes:
    """Return the data set's salt; the first run writes it to `folder` for the owner only. It is never uploaded."""
    path = folder / "patient-salt"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        atomic.write(path, secrets.token_bytes(32), private=True)
    return path.read_bytes()


def read_labels(path: Path) -> dict[str, int]:
    """Return the label of each identifier.

    Raises:
        UserError: the table cannot be read, an id is empty or has two labels, or a label is unknown.
    """
    known: dict[str, int] = {}
    for number, line in rows(path, ("id", "label")):
        label, key = label_of(line["label"]), line["id"].strip()
        if not key:
            raise UserError(f"{path}: line {number} has no id; name a patient, study, image or file in each line.", 2)
        if label is None:
            raise UserError(
                f"{path}: line {number} has the label {line['label']!r}; allowed: NORMAL or 0, PNEUMONIA or 1.", 2
            )
        if known.setdefault(key, label) != label:
            raise UserError(f"{path}: line {number} gives a second label to an id; keep one label for each id.", 2)
    return known
