"""Sources of radiographs. Each offers files with labels, and with patients if it knows them."""

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from ml.dataset.patients import KAGGLE, collection_of, named
from ml.dataset.radiographs import WRONG_VIEW, Offer, Reject, SourceFile, Views
from ml.dataset.sources import dicom, folder, kaggle, labelled, phantoms, table
from ml.dataset.sources.delimited import SUFFIX, key_of
from ml.dataset.sources.findings import DEFAULT, Findings
from ml.dataset.sources.labels import read_labels
from ml.dataset.sources.listing import Listing, list_files
from ml.dataset.sources.media import DICOM, media_of
from ml.dataset.sources.objects import S3Path, list_objects, located
from ml.dataset.sources.views import is_named_lateral
from ml.errors import UserError

SOURCES = (
    "a folder or s3:// prefix (Kaggle's layout, class folders, or DICOM), a .csv or .tsv table there, `kaggle`, or "
    "`phantom`"
)


def is_table(path: Path) -> bool:
    """Return whether a path is an existing table."""
    return bool(SUFFIX.search(path.name)) and path.is_file()


def open_source(
    source: str,
    work: Path,
    seed: int,
    labels: Path | None = None,
    findings: Findings = DEFAULT,
    views: Views = "frontal",
) -> Offer:
    """Return a source's offer: the files to read with their patients, and the rejects.

    Args:
        source: one of SOURCES.
        work: folder for drawn images and the salt.
        labels: table of labels for a folder.
        findings: those of each class, in a table or as names of folders.
        views: whether images are left out for the view that a table or a name declares.

    Raises:
        UserError: the source does not exist or cannot be used.
    """
    path = path_of(source)
    if path.name.upper() == "DICOMDIR" and path.is_file():
        path = path.parent
    if labels is not None and (source in ("phantom", "kaggle") or is_table(path)):
        raise UserError(f"--labels is for folders, and --source {source} is not a folder; leave it out.", 2)
    if findings.given and source in ("phantom", "kaggle"):
        raise UserError(
            f"--positive and --negative are for tables and folders; leave them out of --source {source}.", 2
        )
    if source == "phantom":
        return recognised(phantoms.phantoms(work / f"seed-{seed}", seed), work, views)
    if source == "kaggle":
        return recognised(folder.scan(list_files(kaggle.download())), work, views, public=True)
    if is_table(path):
        offer = offer_of_table(path, work, findings, views)
    elif not path.is_dir():
        raise UserError(f"--source {source} is neither a folder nor a table; allowed: {SOURCES}.", code=2)
    else:
        offer = offer_of_folder(files_below(path, work), work, labels, findings, views)
    return recognised(offer, work, views)


def offer_of_table(path: Path, work: Path, findings: Findings, views: Views) -> Offer:
    """Return the images that a table names, by their path or by an id."""
    rows = read_labels(path, findings, with_paths=True, views=views)
    if rows.column != "path":
        return labelled.scan(files_below(path.parent, work), rows, work, table_is_source=True)
    if isinstance(path, S3Path):
        return table.offer_of(rows, list_objects(path.parent).files)
    offer = table.offer_of(rows, [])
    refuse_work(path, folders_of(image.path for image in offer.images), work)
    return offer


def offer_of_folder(listing: Listing, work: Path, labels: Path | None, findings: Findings, views: Views) -> Offer:
    """Return the images of a folder, labelled by a table or by its folders.

    Raises:
        UserError: it holds DICOM files, and neither folders nor a table label them.
    """
    if labels is not None:
        rows = read_labels(labels, findings, with_paths=False, views=views)
        return labelled.scan(listing, rows, work, table_is_source=False)
    if not folder.has_layout(listing, findings) and any(media_of(file) == DICOM for file in listing.files):
        raise UserError(
            f"{listing.folder} holds DICOM files without class folders; name their labels with --labels FILE.csv "
            "(columns id,label), or move them to folders NORMAL and PNEUMONIA.",
            code=2,
        )
    return folder.scan(listing, findings)


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
    if isinstance(path, S3Path):
        return list_objects(path)
    listing = list_files(path)
    refuse_work(path, listing.folders | folders_of(file for file in listing.files if file.is_symlink()), work)
    return listing


def folders_of(files: Iterable[Path]) -> frozenset[Path]:
    """Return the folders of the files that exist, without links."""
    return frozenset(Path(os.path.realpath(file)).parent for file in files if os.path.isfile(file))  # noqa: PTH113


def refuse_work(source: Path, folders: Iterable[Path], work: Path) -> None:
    """Refuse to write intermediate files into one of a source's folders, or to read the images from among them.

    Args:
        folders: without links.

    Raises:
        UserError: a folder contains `work`, or is inside it.
    """
    target = work.resolve()
    written = {target / "standardised", target / "recordio"}
    for folder_path in folders:
        if folder_path in (target, *target.parents) or written & {folder_path, *folder_path.parents}:
            raise UserError(
                f"The intermediate files in {target} would be written into the source {source} (in {folder_path}); "
                "name another folder with --work.",
                2,
            )


def recognised(offer: Offer, work: Path, views: Views, public: bool = False) -> Offer:
    """Return an offer with the patients of its images, from the tags of DICOM files and the names of other files.

    Images whose names declare a lateral view are left out, unless all views are used.

    Args:
        public: whether the source is known to be the Kaggle collection; otherwise all names must follow its grammar.
    """
    media = {image.path: media_of(image.path) for image in offer.images}
    pictures = [image for image in offer.images if media[image.path] is not None]
    collection = KAGGLE if public else collection_of(pictures)
    images: list[SourceFile] = []
    rejects = list(offer.rejects)
    for image in offer.images:
        if views == "frontal" and is_named_lateral(image.path):
            rejects.append(Reject(image.path, WRONG_VIEW, "its name declares a lateral view"))
        elif media[image.path] != DICOM:
            images.append(named(image, collection))
        elif image.name is not None:  # identified by its tags already
            images.append(image)
        elif isinstance(tags := dicom.read_tags(image.path), Reject):
            rejects.append(tags)
        else:
            images.append(dicom.identified(image, tags, dicom.salt_of(work)))
    return replace(offer, images=images, rejects=rejects, collection=collection)


__all__ = ["SOURCES", "SUFFIX", "Findings", "Offer", "is_table", "key_of", "open_source"]
