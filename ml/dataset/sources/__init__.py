"""Sources of radiographs. Each offers files with labels, and with patients if it knows them."""

from dataclasses import replace
from pathlib import Path

from ml.dataset.patients import KAGGLE, collection_of, named
from ml.dataset.radiographs import Offer, Reject, SourceFile
from ml.dataset.sources import dicom, folder, kaggle, labelled, phantoms, table
from ml.dataset.sources.delimited import SUFFIX, key_of
from ml.dataset.sources.findings import DEFAULT, Findings
from ml.dataset.sources.labels import read_labels
from ml.dataset.sources.listing import Listing, list_files
from ml.dataset.sources.media import DICOM, media_of
from ml.dataset.sources.objects import S3Object, list_objects, located
from ml.errors import UserError

SOURCES = (
    "a folder or s3:// prefix (Kaggle's layout, class folders, or DICOM), a .csv or .tsv table there, `kaggle`, or "
    "`phantom`"
)


def is_table(path: Path) -> bool:
    """Return whether a path is an existing table."""
    return bool(SUFFIX.search(path.name)) and path.is_file()


def open_source(source: str, work: Path, seed: int, labels: Path | None = None, findings: Findings = DEFAULT) -> Offer:
    """Return a source's offer: the files to read with their patients, and the rejects.

    Args:
        source: one of SOURCES.
        work: folder for drawn images and the salt.
        labels: table of labels for a folder.
        findings: those of each class.

    Raises:
        UserError: the source does not exist or cannot be used.
    """
    path = path_of(source)
    if path.name.upper() == "DICOMDIR" and path.is_file():
        path = path.parent
    if labels is not None and (source in ("phantom", "kaggle") or is_table(path)):
        raise UserError(f"--labels is for folders, and --source {source} is not a folder; leave it out.", 2)
    if findings.given and labels is None and not is_table(path):
        raise UserError(f"--positive and --negative are for tables, and --source {source} has none; leave them out.", 2)
    if source == "phantom":
        return recognised(phantoms.phantoms(work / f"seed-{seed}", seed), work)
    if source == "kaggle":
        return recognised(folder.scan(list_files(kaggle.download())), work, public=True)
    if is_table(path):
        rows = read_labels(path, findings, with_paths=True)
        if rows.column == "path":
            beside = list_objects(path.parent).files if isinstance(path, S3Object) else []
            return recognised(table.offer_of(rows, beside), work)
        return recognised(labelled.scan(files_below(path.parent, work), rows, work, table_is_source=True), work)
    if not path.is_dir():
        raise UserError(f"--source {source} is neither a folder nor a table; allowed: {SOURCES}.", code=2)
    listing = files_below(path, work)
    if labels is not None:
        rows = read_labels(labels, findings, with_paths=False)
        return recognised(labelled.scan(listing, rows, work, table_is_source=False), work)
    if not folder.has_layout(listing) and any(media_of(file) == DICOM for file in listing.files):
        raise UserError(
            f"{path} holds DICOM files without class folders; name their labels with --labels FILE.csv "
            "(columns id,label), or move them to folders NORMAL and PNEUMONIA.",
            code=2,
        )
    return recognised(folder.scan(listing), work)


def path_of(source: str) -> Path:
    """Return the path of a source.

    Raises:
        UserError: it begins with s3:// and is not an S3 URI.
    """
    return located(source.rstrip("/")) if source.startswith("s3://") else Path(source).expanduser()


def files_below(path: Path, work: Path) -> Listing:
    """Return the files of a source.

    Raises:
        UserError: the command would write its intermediate files into the source.
    """
    if isinstance(path, S3Object):
        return list_objects(path)
    source, target = path.resolve(), work.resolve()
    if source in (target, *target.parents) or target / "standardised" in (source, *source.parents):
        raise UserError(
            f"The intermediate files in {target} would be written into the source {source}; name another folder with "
            "--work.",
            2,
        )
    return list_files(path)


def recognised(offer: Offer, work: Path, public: bool = False) -> Offer:
    """Return an offer with the patients of its images, from the tags of DICOM files and the names of other files.

    Args:
        public: whether the source is known to be the Kaggle collection; otherwise all names must follow its grammar.
    """
    media = {image.path: media_of(image.path) for image in offer.images}
    pictures = [image for image in offer.images if media[image.path] is not None]
    collection = KAGGLE if public else collection_of(pictures)
    images: list[SourceFile] = []
    rejects = list(offer.rejects)
    for image in offer.images:
        if media[image.path] != DICOM:
            images.append(named(image, collection))
        elif image.name is not None:  # identified by its tags already
            images.append(image)
        elif isinstance(tags := dicom.read_tags(image.path), Reject):
            rejects.append(tags)
        else:
            images.append(dicom.identified(image, tags, dicom.salt_of(work)))
    return replace(offer, images=images, rejects=rejects, collection=collection)


__all__ = ["SOURCES", "SUFFIX", "Findings", "Offer", "is_table", "key_of", "open_source"]
