"""Files that the stages exchange: the offer of a source, and packs of standardised images with their records.

A pack is packs/<id>.tar with the images of one chunk, below their class folders, and records/<id>.jsonl with a line for
each of the chunk's files: an image or a reject. The records are written after the pack is complete.
"""

import hashlib
import json
import os
import shutil
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple, cast

from ml.dataset import standardising
from ml.dataset.radiographs import CLASSES, Encoding, Offer, Radiograph, Reject, SourceFile, Views
from ml.dataset.sources.objects import S3Path, located
from radiograph import ResizeMode

PACK_IMAGES = 500
"""Files of a pack: what is lost when a container dies, and what one standardising pool works on."""


class Item(NamedTuple):
    """A file of the offer: its object, its metadata with the path to read it from, and its name in the data set.

    `readable` is whether the object's first bytes could be read.
    """

    object: S3Path
    file: SourceFile
    name: str
    readable: bool


class Pack(NamedTuple):
    """What a pack holds. `names` are those of all its files in the data set, also of rejects."""

    names: list[str]
    images: list[Radiograph]
    rejects: list[Reject]


def write_offer(path: Path, header: dict[str, Any], offer: Offer, names: Sequence[str]) -> None:
    """Write the offer: a line with the header, one for each reject, and one for each image."""
    header = header | {"ignored": offer.ignored, "found": offer.found, "collection": offer.collection}
    with path.open("w", encoding="utf-8") as file:
        for line in ({"header": header}, *({"reject": fields_of(reject, "path")} for reject in offer.rejects)):
            file.write(f"{json.dumps(line)}\n")
        for image, name in zip(offer.images, names, strict=True):
            path = cast(S3Path, image.path)
            key = [path.listed_key, path.size, path.version]
            fields = {"name": name, "file": fields_of(image, "path"), "key": key, "readable": path.first_bytes != b""}
            file.write(f"{json.dumps(fields)}\n")


def read_header(path: Path) -> tuple[dict[str, Any], Offer]:
    """Return the header of an offer, and the offer without its images."""
    rejects = []
    with path.open(encoding="utf-8") as file:
        header: dict[str, Any] = json.loads(next(file))["header"]
        for line in file:
            if not line.startswith('{"reject"'):
                break
            rejects.append(reject_of(json.loads(line)["reject"]))
    return header, Offer([], rejects, header["ignored"], header["found"], header["collection"])


def read_items(path: Path) -> Iterator[Item]:
    """Yield the images of an offer, one at a time: it may be larger than the memory."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.startswith('{"name"'):
                fields = json.loads(line)
                item = located(fields["file"].pop("path"), *fields["key"])
                yield Item(item, SourceFile(item, **fields["file"]), fields["name"], fields["readable"])


def fields_of(item: SourceFile | Radiograph | Reject, path: str) -> dict[str, Any]:
    """Return the fields of an item as JSON; `path` is the name of its path."""
    return asdict(item) | {path: str(getattr(item, path))}


def reject_of(fields: dict[str, Any]) -> Reject:
    """Return a reject from its fields."""
    return Reject(**fields | {"path": path_of(fields["path"])})


def radiograph_of(fields: dict[str, Any]) -> Radiograph:
    """Return a radiograph from its fields."""
    return Radiograph(
        **fields
        | {
            "source": path_of(fields["source"]),
            "encoding": Encoding(**fields["encoding"]),
            "notes": tuple(fields["notes"]),
        }
    )


def path_of(text: str) -> Path:
    """Return the path of a file or an object."""
    return located(text) if text.startswith("s3://") else Path(text)


def standardise(items: Sequence[Item], folder: Path, work: Path, resize_mode: ResizeMode, views: Views) -> None:
    """Standardise one chunk, and write its pack and its records below `folder`.

    Args:
        work: an empty folder for the images.
    """
    objects = {item.file.path: item.object for item in items}
    names: dict[Path, str] = {item.object: item.name for item in items}
    files = [(item.file, item.name) for item in items]
    images, rejects = standardising.standardise_named(files, work, resize_mode, views)
    images = [replace(image, source=objects[image.source]) for image in images]
    rejects = [replace(reject, path=objects[reject.path]) for reject in rejects]
    pack_id = hashlib.sha256("\n".join(sorted(names.values())).encode()).hexdigest()[:16]
    for name in ("packs", "records"):
        (folder / name / PARTIAL).mkdir(parents=True, exist_ok=True)
    with Finished(folder / "packs" / f"{pack_id}.tar") as target, tarfile.open(target, "w") as archive:
        for image in sorted(images, key=lambda image: image.name):
            path = f"{CLASSES[image.label]}/{image.name}"
            archive.add(work / path, path)
    lines = [{"name": image.name, "image": fields_of(image, "source")} for image in images]
    lines += [{"name": names[reject.path], "reject": fields_of(reject, "path")} for reject in rejects]
    with Finished(folder / "records" / f"{pack_id}.jsonl") as target:
        target.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    shutil.rmtree(work)


PARTIAL = ".partial"
"""Folder of incomplete files, beside the complete ones: SageMaker uploads files while they are written."""


class Finished:
    """A path to write to; the file appears at `path` when the block ends without an error."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Path:
        return self.path.parent / PARTIAL / self.path.name

    def __exit__(self, error: type[BaseException] | None, *_rest: object) -> None:
        if error is None:
            os.replace(self.__enter__(), self.path)  # noqa: PTH105


def read_pack(lines: Iterable[str]) -> Pack:
    """Return the content of a file of records."""
    pack = Pack([], [], [])
    for line in lines:
        fields = json.loads(line)
        pack.names.append(fields["name"])
        if "image" in fields:
            pack.images.append(radiograph_of(fields["image"]))
        else:
            pack.rejects.append(reject_of(fields["reject"]))
    return pack


def unpack(pack: Path, folder: Path) -> None:
    """Write the images of a pack below a folder."""
    with tarfile.open(pack) as archive:
        archive.extractall(folder, filter="data")
