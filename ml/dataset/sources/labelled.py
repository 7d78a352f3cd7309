"""A folder whose images a table labels, by file name, by its stem, by study folder, or by DICOM tag."""

from collections import Counter
from collections.abc import Iterator, Mapping
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

NAME = "name"
"""The kind of an id that is in the path of a file, beside dicom.IDENTIFIERS."""


def scan(listing: Listing, labels: Labels, work: Path, table_is_source: bool) -> Offer:
    """Return the images of a folder that a table labels; a DICOMDIR restricts them to the files that it names.

    Args:
        work: folder of the salt.
        table_is_source: whether only the files in the table are expected to be images of the data set.

    Raises:
        UserError: the DICOMDIR cannot be used, no row names a file, or a class has no image.
    """
    paths, rejects = dicom.file_set(listing)
    missing = sum(reject.code == "no_file" for reject in rejects)
    rejects += listing.rejects
    media = {path: media_of(path) for path in paths}
    read = {path: dicom.read_tags(path) if media[path] == DICOM else {} for path in paths}
    rejects += [item for item in read.values() if isinstance(item, Reject)]
    tags = {path: item for path, item in read.items() if not isinstance(item, Reject)}
    rows = {row.id.replace("\\", "/"): row for row in labels.rows}
    matches = match(tags, rows, labels, listing)
    images = [
        known(SourceFile(path, row.label, row.split), row, tags[path] if media[path] == DICOM else None, labels, work)
        for path, row in matches.items()
        if row.label is not None
    ]
    others = [path for path in tags if path not in matches]
    if table_is_source and others:
        reason = f"no line of {labels.path.name} names these files"
        rejects.append(Reject(listing.folder, OUTSIDE, reason, len(others)))
    elif others:
        rejects += [unnamed(path, media[path], labels.path) for path in others]
    rejects += labels.left_out(matches.values())
    if table_is_source and (absent := len({row.id for row in rows.values()} - {row.id for row in matches.values()})):
        missing += absent
        rejects.append(Reject(labels.path, OUTSIDE, f"{listing.folder} does not hold the files of these lines", absent))
    require_both_classes(images, listing.folder, rejects)
    return Offer(images, rejects, listing.ignored, listing.found + missing)


def match(
    tags: Mapping[Path, dicom.Tags], rows: Mapping[str, Row], labels: Labels, listing: Listing
) -> dict[Path, Row]:
    """Return the row of each file that a table names.

    The ids of DICOM files are all of one kind, the one that most files have.

    Raises:
        UserError: no row names a file, an id is the name of several files, or ids of two kinds give a file two labels.
    """
    candidates = {
        path: {kind: rows[key] for kind, key in keys_of(path, tags[path], labels.column, listing) if key in rows}
        for path in tags
    }
    for path, kinds in candidates.items():
        if len({row.label for row in kinds.values()}) > 1:
            ids = " and ".join(f"{kind} {row.id!r}" for kind, row in kinds.items())
            raise UserError(
                f"{labels.path} gives {path} two labels, by its {ids}; use ids that cannot be confused, such as "
                "SOPInstanceUID.",
                2,
            )
    counts = Counter(kind for path, kinds in candidates.items() if tags[path] for kind in kinds)
    usual = counts.most_common(1)[0][0] if counts else NAME
    matches = {path: row for path, kinds in candidates.items() if (row := kinds.get(usual if tags[path] else NAME))}
    if not matches:
        name = next((path.name for path in tags), "is missing")
        raise UserError(
            f"No line of {labels.path} names a file below {listing.folder}: an id is {labels.rows[0].id!r}, and a file "
            f"{name!r}. An id is a file name with or without suffix, a PatientID, a StudyInstanceUID or a "
            "SOPInstanceUID.",
            2,
        )
    names: dict[str, Path] = {}
    for path, row in matches.items():
        by_name = labels.column != "studyid" and (usual == NAME or not tags[path])
        if by_name and (first := names.setdefault(row.id, path)) is not path:
            raise UserError(
                f"The id {row.id!r} in {labels.path} is the name of {first} and of {path}; remove one of the files, or "
                "name them in a table with a column path.",
                2,
            )
    return matches


def keys_of(path: Path, tags: dicom.Tags, column: str, listing: Listing) -> Iterator[tuple[str, str]]:
    """Yield the kind of each id that can name a file, and the id; of one kind, the last counts.

    A study's id in MIMIC-CXR is in the name of its folder, s50414267.
    """
    for name in dicom.IDENTIFIERS:
        if name in tags:
            yield name, tags[name]
    if column == "studyid":
        yield NAME, path.parent.name.removeprefix("s")
    yield NAME, path.stem
    yield NAME, path.name
    yield NAME, path.relative_to(listing.folder).as_posix()


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
