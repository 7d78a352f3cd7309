"""Read and standardise every file of a source in parallel; reject unusable files with the reason."""

import hashlib
import json
import re
import stat
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from PIL import Image

from ml import atomic
from ml.dataset.encoding import encoding_of
from ml.dataset.parallel import in_processes
from ml.dataset.radiographs import CLASSES, Encoding, Radiograph, Reject, SourceFile, Views
from ml.dataset.sources.objects import S3Path
from ml.progress import Progress
from radiograph import SIDE, ImageError, ResizeMode, encode, media_type
from radiograph.frontal_check import DOUBT, rejection_reason
from radiograph.grey import check_content
from radiograph.read import Decoded, decode
from radiograph.standard_image import MARGIN, resize_decoded

Job = tuple[SourceFile, str, Path, ResizeMode, Views]
"""A file, the name and folder of its standardised image, and the settings that determine it."""

MAX_FILE_BYTES = 64_000_000
"""Larger than the API's limit, because originals can be; bounds the memory of one worker."""

CHUNK = 8
"""Files that a worker receives at once."""

MAX_NAME = 200
"""Characters of a file's name; file systems allow 255, and a number, a suffix and `_copy` and a number are added."""


def standardise_all(
    files: Sequence[SourceFile], folder: Path, resize_mode: ResizeMode = "squash", views: Views = "frontal"
) -> tuple[list[Radiograph], list[Reject]]:
    """Write each image as `folder`/<class>/<name>.jpg, 224 x 224; return the images and the rejects.

    Names are made unique by numbering. `views` "frontal" rejects DICOM files that declare another view or part.
    """
    return standardise_named(zip(files, unique_names(files), strict=True), folder, resize_mode, views)


def standardise_named(
    files: Iterable[tuple[SourceFile, str]], folder: Path, resize_mode: ResizeMode, views: Views
) -> tuple[list[Radiograph], list[Reject]]:
    """Do the same for files whose names in the data set are given."""
    for name in CLASSES:
        (folder / name).mkdir(parents=True, exist_ok=True)
    jobs = [(image, name, folder, resize_mode, views) for image, name in files]
    progress = Progress("Standardising", len(jobs))
    images: list[Radiograph] = []
    rejects: list[Reject] = []
    for result in in_processes(resumed, jobs, CHUNK, broken):
        if isinstance(result, Radiograph):
            images.append(result)
        else:
            rejects.append(result)
        progress.advance()
    progress.finish()
    return images, rejects


def broken(job: Job) -> Reject:
    """Return the reject of a file whose decoder ended the process."""
    return Reject(job[0].path, "broken", "its decoder ended the process; export it again")


def resumed(job: Job) -> Radiograph | Reject:
    """Standardise one image; of an object in S3, reuse the result of an earlier run.

    Raises:
        botocore.exceptions.ClientError: S3 refused for a reason that concerns more than this object.
    """
    source, name, folder, resize_mode, views = job
    if not isinstance(source.path, S3Path):
        return standardise_one(job)
    target = folder / CLASSES[source.label] / name
    note = folder / "read" / f"{CLASSES[source.label]}-{name}.json"
    version = [str(source.path), source.path.version, resize_mode, views, DOUBT]
    if note.is_file() and target.is_file():
        earlier = json.loads(note.read_bytes())
        if [earlier["version"], earlier["file"]] == [version, digest(target.read_bytes())]:
            encoding = Encoding(**earlier["image"].pop("encoding"))
            notes = tuple(earlier["image"].pop("notes"))
            image = Radiograph(**earlier["image"], source=source.path, encoding=encoding, notes=notes)
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


def standardise_one(job: Job) -> Radiograph | Reject:
    """Read, standardise and write one image; any error in reading rejects this file only."""
    source, name, folder, resize_mode, views = job
    try:
        status = source.path.stat()
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would block
            return Reject(source.path, "unreadable", "it is not a regular file")
        if status.st_size > MAX_FILE_BYTES:
            return Reject(source.path, "too_large", f"larger than {MAX_FILE_BYTES:,} bytes")
        image, encoding, notes = read_encoded(source.path.read_bytes(), resize_mode, views, check=views == "frontal")
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
        source.path,
        source.label,
        source.split,
        name,
        source.subtype,
        source.patient,
        pixels,
        len(body),
        encoding,
        notes,
    )


def read(data: bytes, resize_mode: ResizeMode) -> Image.Image:
    """Return the image as `read_encoded` does.

    Raises:
        ImageError: the file is not a usable radiograph.
    """
    return read_encoded(data, resize_mode)[0]


def read_encoded(
    data: bytes, resize_mode: ResizeMode, views: Views = "frontal", *, check: bool = False
) -> tuple[Image.Image, Encoding, tuple[str, ...]]:
    """Return a file's image, mode "L", 224 x 224, its encoding in the file, and notes on its tags and content.

    The functions are those of the API and the app. pydicom is imported only for DICOM files.

    Raises:
        ImageError: the file is not a usable radiograph.
    """
    notes: tuple[str, ...] = ()
    if media_type(data) != "application/dicom":
        decoded = decode(data, max_bytes=None, at_least=round(MARGIN * SIDE), with_chroma=check)
        encoding = encoding_of(data)
    else:
        from radiograph import dicom

        whole, notes = dicom.read_with_notes(data, any_view=views == "all")
        decoded = Decoded(whole, (0.0, 0.0, float(whole.width), float(whole.height)), 1, 0.0)
        encoding = Encoding(len(data), whole.width, whole.height, "DICOM", 0)
    squashed = resize_decoded(decoded, "squash")
    check_content(squashed)
    if check:
        notes = (*notes, *checked(squashed, decoded.chroma))
    return squashed if resize_mode == "squash" else resize_decoded(decoded, resize_mode), encoding, notes


def checked(squashed: Image.Image, chroma: float) -> tuple[str, ...]:
    """Return a note on a standardised image that the API rejects, but that may be a frontal chest radiograph.

    Raises:
        ImageError: it is certainly none.
    """
    reason = rejection_reason(squashed, chroma)
    if reason is None:
        return ()
    if rejection_reason(squashed, chroma, doubt=DOUBT) is not None:
        raise ImageError("not_a_radiograph", f"{reason}; --views all keeps it")
    return (f"The image is used, but the API rejects it: {reason}.",)


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
