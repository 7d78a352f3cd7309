"""A folder whose images a table labels, by file name, by its stem, by study folder, or by DICOM tag."""

from dataclasses import replace
from pathlib import Path

from ml.dataset.radiographs import NO_IMAGE, OUTSIDE, Offer, Reject, SourceFile
from ml.dataset.sources import dicom
from ml.dataset.sources.folder import require_both_classes
from ml.dataset.sources.labels import Labels, Row
from ml.dataset.sources.listing import Listing
from ml.dataset.sources.media import DICOM, media_of
from ml.errors import UserError
from radiograph import MediaType


def scan(listing: Listing, labels: Labels, work: Path, table_is_source: bool) -> Offer:
    """Return the images of a folder that a table labels; a DICOMDIR restricts them to the files that it names.

    Args:
        work: folder of the salt.
        table_is_source: whether only the files in the table are expected to be images of the data set.

    Raises:
        UserError: the DICOMDIR cannot be used, no row names a file, or a class has no image.
    """
    rows = {row.id: row for row in labels.rows}
    paths, rejects = dicom.file_set(listing)
    missing = sum(reject.code == "no_file" for reject in rejects)
    rejects += listing.rejects
    images: list[SourceFile] = []
    matched: list[Row] = []
    others = 0
    for path in paths:
        media = media_of(path)
        tags = dicom.read_tags(path) if media == DICOM else {}
        if isinstance(tags, Reject):
            rejects.append(tags)
        elif row := next((rows[key] for key in keys_of(path, tags, labels.column) if key in rows), None):
            matched.append(row)
            if row.label is not None:
                image = SourceFile(path, row.label, row.split)
                images.append(known(image, row, tags if media == DICOM else None, labels, work))
        elif table_is_source:
            others += 1
        else:
            rejects.append(unnamed(path, media, labels.path))
    if others:
        rejects.append(Reject(listing.folder, OUTSIDE, f"no line of {labels.path.name} names these files", others))
    if not matched:
        raise UserError(
            f"No line of {labels.path} names a file below {listing.folder}: an id is {labels.rows[0].id!r}, and a file "
            f"{paths[0].name if paths else 'is missing'!r}. An id is a file name with or without suffix, a PatientID, "
            "a StudyInstanceUID or a SOPInstanceUID.",
            2,
        )
    rejects += labels.left_out(matched)
    if table_is_source and (absent := len(rows.keys() - {row.id for row in matched})):
        missing += absent
        rejects.append(Reject(labels.path, OUTSIDE, f"{listing.folder} does not hold the files of these lines", absent))
    require_both_classes(images, listing.folder)
    return Offer(images, rejects, listing.ignored, listing.found + missing)


def keys_of(path: Path, tags: dicom.Tags, column: str) -> list[str]:
    """Return the ids that can name a file. A study's id in MIMIC-CXR is in the name of its folder, s50414267."""
    study = [path.parent.name.removeprefix("s")] if column == "studyid" else []
    return [*(tags[name] for name in dicom.IDENTIFIERS if name in tags), path.name, path.stem, *study]


def known(image: SourceFile, row: Row, tags: dicom.Tags | None, labels: Labels, work: Path) -> SourceFile:
    """Return an image with its patient from the DICOM tags (hashed), else from the table."""
    if tags is None:
        return replace(image, patient=row.patient and f"table-{row.patient}")
    image = dicom.identified(image, tags, dicom.salt_of(work))
    return replace(image, patient=None) if labels.unknown_patients else image


def unnamed(path: Path, media: MediaType | None, labels: Path) -> Reject:
    """Return the reject for a file without a row."""
    if media is None:
        return Reject(path, NO_IMAGE, f"it is not a DICOM, JPEG or PNG file, and no line of {labels.name} names it")
    return Reject(path, "no_label", f"no line of {labels.name} names its patient, study, image or file")
