"""Read and standardise every file of a source in parallel; reject unusable files with the reason."""

import hashlib
import json
import os
import re
import stat
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

from PIL import Image

from ml import atomic
from ml.dataset.encoding import encoding_of
from ml.dataset.radiographs import CLASSES, Encoding, Radiograph, Reject, SourceFile
from ml.dataset.sources.objects import S3Object
from ml.progress import Progress
from radiograph import ImageError, ResizeMode, encode, media_type, resize, standardise

MAX_FILE_BYTES = 64_000_000
"""Larger than the API's limit, because originals can be; bounds the memory of one worker."""

MAX_NAME = 200
"""Characters of a file's name; file systems allow 255, and a number, a suffix and `variants.copy_name` are added."""


def standardise_all(
    files: Sequence[SourceFile], folder: Path, resize_mode: ResizeMode = "squash"
) -> tuple[list[Radiograph], list[Reject]]:
    """Write each image as `folder`/<class>/<name>.jpg, 224 x 224; return the images and the rejects.

    Names are made unique by numbering.
    """
    names = unique_names(files)
    for name in CLASSES:
        (folder / name).mkdir(parents=True, exist_ok=True)
    jobs = [(image, name, folder, resize_mode) for image, name in zip(files, names, strict=True)]
    progress = Progress("Standardising", len(jobs))
    images: list[Radiograph] = []
    rejects: list[Reject] = []
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for result in pool.map(resumed, jobs, chunksize=8):
            if isinstance(result, Radiograph):
                images.append(result)
            else:
                rejects.append(result)
            progress.advance()
    progress.finish()
    return images, rejects


def resumed(job: tuple[SourceFile, str, Path, ResizeMode]) -> Radiograph | Reject:
    """Standardise one image; of an object in S3, reuse the result of an earlier run.

    Raises:
        botocore.exceptions.ClientError: S3 refused for a reason that concerns more than this object.
    """
    source, name, folder, resize_mode = job
    if not isinstance(source.path, S3Object):
        return standardise_one(job)
    target = folder / CLASSES[source.label] / name
    note = folder / "read" / f"{CLASSES[source.label]}-{name}.json"
    version = [str(source.path), source.path.version, resize_mode]
    if note.is_file() and target.is_file():
        earlier = json.loads(note.read_bytes())
        if [earlier["version"], earlier["file"]] == [version, digest(target.read_bytes())]:
            encoding = Encoding(**earlier["image"].pop("encoding"))
            image = Radiograph(**earlier["image"], source=source.path, encoding=encoding)
            return replace(image, split=source.split, subtype=source.subtype, patient=source.patient)
    if (source.path.size or 0) <= MAX_FILE_BYTES:
        source.path.load()
    result = standardise_one(job)
    if isinstance(result, Radiograph):
        image_fields = {key: value for key, value in asdict(result).items() if key != "source"}
        content = {"version": version, "file": digest(target.read_bytes()), "image": image_fields}
        note.parent.mkdir(exist_ok=True)
        atomic.write(note, json.dumps(content))
    return result


def digest(data: bytes) -> str:
    """Return the SHA-256 of bytes."""
    return hashlib.sha256(data).hexdigest()


def standardise_one(job: tuple[SourceFile, str, Path, ResizeMode]) -> Radiograph | Reject:
    """Read, standardise and write one image; any error in reading rejects this file only."""
    source, name, folder, resize_mode = job
    try:
        status = source.path.stat()
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would block
            return Reject(source.path, "unreadable", "it is not a regular file")
        if status.st_size > MAX_FILE_BYTES:
            return Reject(source.path, "too_large", f"larger than {MAX_FILE_BYTES:,} bytes")
        image, encoding = read_encoded(source.path.read_bytes(), resize_mode)
    except ImageError as error:
        return Reject(source.path, error.code, str(error))
    except OSError as error:
        return Reject(source.path, "unreadable", error.strerror or str(error))
    except Exception as error:  # noqa: BLE001 (an unforeseen file must not end the command)
        return Reject(source.path, "broken", f"it cannot be read ({type(error).__name__}); export it again")
    body = encode(image)
    atomic.write(folder / CLASSES[source.label] / name, body)
    pixels = digest(image.tobytes())
    return Radiograph(
        source.path, source.label, source.split, name, source.subtype, source.patient, pixels, len(body), encoding
    )


def read(data: bytes, resize_mode: ResizeMode) -> Image.Image:
    """Return a file's image, mode "L", 224 x 224, by the same functions as the API and the app.

    Raises:
        ImageError: the file is not a usable radiograph.
    """
    return (
        resize(read_dicom(data), resize_mode)
        if is_dicom(data)
        else standardise(data, resize_mode=resize_mode, max_bytes=None)
    )


def read_encoded(data: bytes, resize_mode: ResizeMode) -> tuple[Image.Image, Encoding]:
    """Return the image as `read` does, and its encoding in the file.

    Raises:
        ImageError: the file is not a usable radiograph.
    """
    if not is_dicom(data):
        return read(data, resize_mode), encoding_of(data)
    whole = read_dicom(data)
    return resize(whole, resize_mode), Encoding(len(data), whole.width, whole.height, "DICOM", 0)


def is_dicom(data: bytes) -> bool:
    """Return whether a file's bytes are DICOM."""
    return media_type(data) == "application/dicom"


def read_dicom(data: bytes) -> Image.Image:
    """Return a DICOM file's image at full resolution, mode "L"; pydicom is imported only for such files.

    Raises:
        ImageError: the file is not a usable radiograph.
    """
    from radiograph import dicom

    return dicom.read_dicom(data)


def unique_names(files: Sequence[SourceFile]) -> list[str]:
    """Return a unique file name for each image: lower-case letters, digits and dashes, with the suffix .jpg."""
    taken: dict[str, int] = {}
    names = []
    for image in files:
        slug = re.sub(r"[^a-z0-9]+", "-", (image.name or image.path.stem).lower()).strip("-")[:MAX_NAME] or "image"
        taken[slug] = taken.get(slug, 0) + 1
        while taken[slug] > 1 and f"{slug}-{taken[slug]}" in taken:
            taken[slug] += 1
        name = slug if taken[slug] == 1 else f"{slug}-{taken[slug]}"
        taken.setdefault(name, 1)
        names.append(f"{name}.jpg")
    return names
