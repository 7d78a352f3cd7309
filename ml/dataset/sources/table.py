"""A table of the paths of images, with their labels, patients and splits."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from ml.dataset.radiographs import Offer, SourceFile
from ml.dataset.sources.folder import require_both_classes
from ml.dataset.sources.labels import Labels
from ml.dataset.sources.objects import S3Path
from ml.errors import UserError


def offer_of(labels: Labels, objects: Sequence[Path]) -> Offer:
    """Return the images of a table with a column `path`, in its order; rows without a label are left out.

    Args:
        objects: those beside a table in S3.

    Raises:
        UserError: a class has no image.
    """
    listed = {path: path for path in objects}
    images: dict[Path, SourceFile] = {}
    for row in labels.rows:
        if row.label is None:
            continue
        path = image_path(labels.path.parent, row.id, listed)
        if path in images:
            raise UserError(f"{labels.path}: {row.id!r} and another line name the same file, {path}; keep one.", 2)
        images[path] = SourceFile(path, row.label, row.split, row.patient and f"table-{row.patient}")
    rejects = labels.left_out(labels.rows)
    require_both_classes(images.values(), labels.path, rejects)
    return Offer([*images.values()], rejects, found=len(labels.rows))


def image_path(folder: Path, text: str, listed: Mapping[Path, Path]) -> Path:
    """Return the file that a table in `folder` names; `listed` holds the objects below a folder in S3.

    Folders that do not exist are left out at the beginning: CheXpert's paths begin with the name of `folder`, and
    others are of another machine.
    """
    if isinstance(folder, S3Path):
        return object_path(folder, text, listed)
    candidates = [text, text.replace("\\", "/")]
    parts = PurePosixPath(candidates[-1].lstrip("/")).parts
    while len(parts) > 1 and not os.path.isdir(folder / parts[0]):  # noqa: PTH112 (Path.is_dir raises for a long name)
        parts = parts[1:]
        candidates.append(str(PurePosixPath(*parts)))
    paths = [folder / os.path.expanduser(candidate) for candidate in candidates]  # noqa: PTH111
    return next((path for path in paths if os.path.isfile(path)), paths[0])  # noqa: PTH113


def object_path(folder: S3Path, text: str, listed: Mapping[Path, Path]) -> Path:
    """Return the object that a table in S3 names, always below the table's prefix.

    A path of another machine can hold a patient's name, so it must not become the key of another bucket.
    """
    paths = []
    for name in (text.replace("\\", "/"), text):
        parts = [part for part in name.split("/") if part not in ("", ".", "..")] or ["unnamed"]
        paths += [folder.joinpath(*parts[start:]) for start in range(len(parts))]
    return next((listed[path] for path in paths if path in listed), paths[0])
