"""A table of the paths of images, with their labels, patients and splits."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from ml.dataset.radiographs import Offer, SourceFile
from ml.dataset.sources.folder import require_both_classes
from ml.dataset.sources.labels import Labels
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
    """Return the file that a table in `folder` names.

    Folders that do not exist are left out at the beginning: CheXpert's paths begin with the name of `folder`, and
    others are of another machine.
    """
    candidates = [text, text.replace("\\", "/")]
    parts = PurePosixPath(candidates[-1].lstrip("/")).parts
    while len(parts) > 1 and not os.path.isdir(folder / parts[0]):  # noqa: PTH112 (Path.is_dir raises for a long name)
        parts = parts[1:]
        candidates.append(str(PurePosixPath(*parts)))
    if listed:
        # An absolute path would name another bucket.
        paths = [folder / candidate.lstrip("/") for candidate in candidates]
        return next((listed[path] for path in paths if path in listed), paths[0])
    paths = [folder / os.path.expanduser(candidate) for candidate in candidates]  # noqa: PTH111
    return next((path for path in paths if os.path.isfile(path)), paths[0])  # noqa: PTH113
