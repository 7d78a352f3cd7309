"""DICOM files: only salted hashes of the patient's, study's and image's ids leave this module."""

import hashlib
import io
import secrets
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ml import atomic
from ml.dataset.radiographs import OUTSIDE, Reject, SourceFile
from ml.dataset.sources.listing import Listing
from ml.dataset.sources.objects import TAG_BYTES, S3Path
from ml.errors import UserError

IDENTIFIERS = ("PatientID", "StudyInstanceUID", "SOPInstanceUID")
"""Tags whose value can be the id in a line of the labels; a file name is allowed too."""

FOLLOWING = "SeriesInstanceUID"
"""A tag that every image has, after the others."""
Tags = Mapping[str, str]
"""Identifying tags by keyword, without absent and empty tags."""


def file_set(listing: Listing) -> tuple[list[Path], list[Reject]]:
    """Return the files that a DICOMDIR names, or every file if there is no DICOMDIR, and the rejects.

    Media are often copied with names in lower case, so names are compared without their case. A
    DICOMDIR in S3 is not used.

    Raises:
        UserError: the DICOMDIR cannot be read.
    """
    if isinstance(listing.folder, S3Path):
        return listing.files, []
    index = next(
        (path for path in listing.folder.iterdir() if path.name.upper() == "DICOMDIR" and path.is_file()), None
    )
    if index is None:
        return listing.files, []
    from pydicom import dcmread

    present = {path.relative_to(listing.folder).as_posix().upper(): path for path in listing.files}

    try:
        records = dcmread(index).DirectoryRecordSequence
        ids = [record.ReferencedFileID for record in records if record.DirectoryRecordType == "IMAGE"]
        named = {"/".join([name] if isinstance(name, str) else name) for name in ids}
    except Exception as error:  # pydicom raises nearly every built-in exception on malformed files
        raise UserError(
            f"{index} cannot be read as a DICOMDIR ({type(error).__name__}); remove it to use every file."
        ) from error
    missing = [
        Reject(listing.folder / name, "no_file", "the DICOMDIR names it, but the folder does not hold it")
        for name in sorted(named)
        if name.upper() not in present
    ]
    paths = sorted(present[name.upper()] for name in named if name.upper() in present)
    unnamed = len(listing.files) - len(paths)
    others = [Reject(listing.folder, OUTSIDE, "the DICOMDIR does not name these files", unnamed)] if unnamed else []
    return paths, [*others, *missing]


def read_tags(path: Path) -> Tags | Reject:
    """Return the identifying tags of a DICOM file, or the reject if they cannot be read."""
    try:
        if isinstance(path, S3Path):
            tags = parse_tags(io.BytesIO(path.head(TAG_BYTES)))
            return tags if FOLLOWING in tags else parse_tags(io.BytesIO(path.read_bytes()))
        return parse_tags(path)
    except OSError as error:
        return Reject(path, "unreadable", error.strerror or str(error))
    except Exception as error:  # noqa: BLE001 (pydicom raises nearly every built-in exception on malformed files)
        return Reject(path, "broken", f"its DICOM tags cannot be read ({type(error).__name__}); export the file again")


def parse_tags(file: Path | io.BytesIO) -> Tags:
    """Return the identifying tags, and FOLLOWING to show that none of them was cut off."""
    from pydicom import dcmread

    names = [*IDENTIFIERS, FOLLOWING]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom warns about tag values outside the standard
        dataset = dcmread(file, stop_before_pixels=True, specific_tags=names)
        values = {name: text_of(dataset.get(name)) for name in names}
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
