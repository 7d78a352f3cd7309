"""A folder or DICOMDIR of CR and DX films; of their tags only a salted hash of the patient's id goes further."""

import hashlib
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml.dataset.film import Found, Reject, label_of
from ml.dataset.sources.folder import classes, files, require_both_classes, subfolders
from ml.dataset.sources.table import rows
from ml.errors import UserError

IDENTIFIERS = ("PatientID", "StudyInstanceUID", "SOPInstanceUID")
"""Tags that a line of the labels may name; a file's name will do too."""


def is_dicom_folder(folder: Path) -> bool:
    """Return whether a folder is a DICOM file-set, or its first file is a DICOM file (PS3.10: "DICM" at byte 128)."""
    if (folder / "DICOMDIR").is_file():
        return True
    first = next((path for path in files(folder) if path.is_file()), None)
    if first is None:
        return False
    with first.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def scan(folder: Path, labels: Path | None, salt: bytes) -> tuple[list[Found], list[Reject]]:
    """Return the films of a folder, and the files that nothing labels.

    Labels come from the table `labels` (id,label), where id is a PatientID, StudyInstanceUID, SOPInstanceUID or file
    name; without a table, from class folders.

    Raises:
        UserError: neither is there, the table cannot be used, or a class has no film.
    """
    if labels is None:
        if not set(subfolders(folder)) & {"normal", "pneumonia"}:
            raise UserError(
                f"{folder} holds DICOM files without class folders; name their labels with --labels FILE.csv "
                "(columns id,label), or put them into NORMAL and PNEUMONIA.",
                code=2,
            )
        found = [identified(film.path, film.label, tags_of(film.path), salt) for film in classes(folder, None)]
        return found, []
    known = read_labels(labels)
    found, rejects = [], []
    for path in file_set(folder):
        tags = tags_of(path)
        keys = [*(str(tags.get(name, "")) for name in IDENTIFIERS), path.name]
        label = next((known[key] for key in keys if key in known), None)
        if label is None:
            rejects.append(
                Reject(path, "no_label", f"no line of {labels.name} names its patient, study, image or file")
            )
        else:
            found.append(identified(path, label, tags, salt))
    require_both_classes(found, folder)
    return found, rejects


def file_set(folder: Path) -> list[Path]:
    """Return the image files that a DICOMDIR names, or every file where there is no DICOMDIR.

    Raises:
        UserError: the DICOMDIR cannot be read.
    """
    index = folder / "DICOMDIR"
    if not index.is_file():
        return list(files(folder))
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    try:
        records = dcmread(index).DirectoryRecordSequence
        named = [record.ReferencedFileID for record in records if record.DirectoryRecordType == "IMAGE"]
    except (InvalidDicomError, AttributeError, OSError, ValueError) as error:
        raise UserError(f"{index} is no readable DICOMDIR ({error}); remove it to take every file.") from error
    return [folder.joinpath(*([name] if isinstance(name, str) else name)) for name in named]


def tags_of(path: Path) -> Mapping[str, Any]:
    """Return the identifying tags of a file; none when it cannot be read, which the standardisation then reports."""
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    try:
        dataset = dcmread(path, stop_before_pixels=True, specific_tags=list(IDENTIFIERS))
    except (InvalidDicomError, OSError, ValueError, AttributeError, EOFError):
        return {}
    return {name: str(dataset.get(name, "") or "") for name in IDENTIFIERS}


def identified(path: Path, label: int, tags: Mapping[str, Any], salt: bytes) -> Found:
    """Return a film under names that tell nothing of the person; without a PatientID it is its own patient."""
    patient = str(tags.get("PatientID", ""))
    image = str(tags.get("SOPInstanceUID", "")) or str(path)
    key = f"dicom-{hashed(salt, patient)}" if patient else f"file-{hashed(salt, image)}"
    return Found(path, label, None, key, f"{key}-{hashed(salt, image)[:6]}")


def hashed(salt: bytes, text: str) -> str:
    """Return 12 hexadecimal digits that nobody without the salt can trace back to `text`."""
    return hashlib.blake2b(text.encode(), key=salt, digest_size=6).hexdigest()


def salt_of(folder: Path) -> bytes:
    """Return the data set's salt, made once and kept in `folder` for its owner only: a second run gives the same keys.

    It is never uploaded.
    """
    path = folder / "patient-salt"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        temporary.touch(mode=0o600)
        temporary.write_bytes(secrets.token_bytes(32))
        temporary.replace(path)
    return path.read_bytes()


def read_labels(path: Path) -> dict[str, int]:
    """Return the label of each identifier.

    Raises:
        UserError: the table cannot be read, a label is unknown, or an identifier has two labels.
    """
    known: dict[str, int] = {}
    for number, line in rows(path, ("id", "label")):
        label, key = label_of(line["label"]), line["id"].strip()
        if label is None:
            raise UserError(
                f"{path}: line {number} has the label {line['label']!r}; allowed: NORMAL or 0, PNEUMONIA or 1.", 2
            )
        if known.setdefault(key, label) != label:
            raise UserError(f"{path}: line {number} gives a second label to an id that has one already.", 2)
    return known
