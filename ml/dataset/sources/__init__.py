"""Where radiographs come from; every source offers the same: files with labels, and what it knows of their patients."""

from pathlib import Path

from ml.dataset.film import Found, Reject
from ml.dataset.sources import dicom, folder, kaggle, phantoms, table
from ml.errors import UserError

SOURCES = "a folder (Kaggle's layout, class folders, or DICOM), a .csv file, `kaggle`, or `phantom`"

Offer = tuple[list[Found], list[Reject]]


def open_source(source: str, work: Path, seed: int, labels: Path | None = None) -> Offer:
    """Return what a source offers: the files to read, and those it had to leave out already.

    Args:
        source: one of SOURCES.
        work: folder for what is downloaded, drawn or remembered.
        labels: table of labels for a DICOM folder.

    Raises:
        UserError: it is no source, or cannot be used.
    """
    if source == "phantom":
        return phantoms.phantoms(work / f"seed-{seed}", seed), []
    if source == "kaggle":
        return folder.scan(kaggle.download()), []
    path = Path(source).expanduser()
    if path.suffix.lower() == ".csv" and path.is_file():
        return table.read_table(path), []
    if path.name == "DICOMDIR" and path.is_file():
        path = path.parent
    if not path.is_dir():
        raise UserError(f"--source {source} is neither a folder nor a .csv file; allowed: {SOURCES}.", code=2)
    if dicom.is_dicom_folder(path):
        return dicom.scan(path, labels, dicom.salt_of(work))
    if labels is not None:
        raise UserError(f"--labels is for DICOM folders, and {path} is none; use a .csv file as --source instead.", 2)
    return folder.scan(path), []


__all__ = ["SOURCES", "Offer", "open_source"]
