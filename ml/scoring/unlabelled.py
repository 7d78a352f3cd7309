"""Score the images of a folder or an S3 prefix into a CSV file, without labels."""

import csv
import io
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ml import atomic
from ml.aws import clients
from ml.aws.s3 import Bucket, split_uri
from ml.dataset.standardising import MAX_FILE_BYTES, read
from ml.errors import UserError
from ml.evaluation.calibration import Calibration
from ml.scoring import transform_job
from ml.scoring.labelled import parse_outputs
from ml.scoring.scorer import Confirm, Scorer
from radiograph import ImageError, ResizeMode, encode

COLUMNS = ("file", "label", "probability", "threshold", "error")


@dataclass(frozen=True)
class Images:
    """Images below an S3 prefix, which ends in a slash.

    Attributes:
        job: the name of the job that will score them.
        names: the user's name of each image (path or URI), by the name of its object below the prefix.
        rejects: the reason for each file that is not a usable image.
    """

    prefix: str
    job: str
    names: dict[str, str]
    rejects: dict[str, str]


def score(source: str, target: Path, scorer: Scorer, entry: Mapping[str, Any], confirm: Confirm) -> int:
    """Score every image of a folder or an S3 prefix into `target`; return how many have no score.

    Images of a folder are standardised like training images, uploaded, and deleted afterwards. Objects of a prefix are
    scored as they are.

    Args:
        entry: the model's entry in cdk.context.json.
        confirm: called before anything is uploaded or created.

    Raises:
        UserError: the source holds no image, or the target's folder does not exist.
    """
    if not target.resolve().parent.is_dir():
        raise UserError(f"--output {target}: the folder {target.resolve().parent} does not exist; make it first.", 2)
    with uploaded(source, scorer, entry["resize_mode"], confirm) as images:
        scores, faults = probabilities(images, scorer, len(entry["classes"]))
    atomic.write(target, table({images.names[name]: score for name, score in scores.items()}, faults, entry))
    return len(faults)


@contextmanager
def uploaded(source: str, scorer: Scorer, resize_mode: ResizeMode, confirm: Confirm) -> Iterator[Images]:
    """Provide the images of a folder or an S3 prefix in S3; delete afterwards what was uploaded.

    Raises:
        UserError: the source holds no image.
    """
    rejects: dict[str, str] = {}
    remote, job = source.startswith("s3://"), scorer.new_job()
    if remote:
        split_uri(source)
    prefix = f"{source.rstrip('/')}/" if remote else f"s3://{scorer.resources.bucket}/{transform_job.INPUTS}/{job}/"
    try:
        if remote:
            names = names_below(prefix)
            confirm(len(names))
        else:
            paths = files_in(Path(source))
            confirm(len(paths))
            names = upload_folder(Path(source), paths, prefix, resize_mode, rejects)
        if not names:
            reasons = "".join(f"\n  {file}: {reason}" for file, reason in list(rejects.items())[:5])
            raise UserError(f"--input {source} holds no image that can be scored.{reasons}")
        yield Images(prefix, job, names, rejects)
    finally:
        if not remote:
            remove(prefix)


def probabilities(images: Images, scorer: Scorer, classes: int) -> tuple[dict[str, float], dict[str, str]]:
    """Score images by batch transform.

    Returns:
        the model's own probability of pneumonia by object name, and the reason for each file without a score.
    """
    print(f"Scoring {len(images.names)} images ...", flush=True)
    source = {"S3DataType": "S3Prefix", "S3Uri": images.prefix}
    outputs, reason = transform_job.run(scorer, images.job, source, len(images.names))
    if reason:
        print(f"Transform job {images.job} failed: {reason}", file=sys.stderr)
    scores, missing = parse_outputs(list(images.names), outputs, images.prefix, classes, reason)
    return scores, {**images.rejects, **{images.names[name]: reason for name, reason in missing.items()}}


def files_in(folder: Path) -> list[Path]:
    """Return the files of a folder and its subfolders, in the order of their paths.

    Raises:
        UserError: the folder does not exist.
    """
    if not folder.is_dir():
        raise UserError(f"--input {folder} is neither a folder nor an s3:// URI.", 2)
    return sorted(path for path in folder.rglob("*") if path.is_file())


def upload_folder(
    folder: Path, paths: Sequence[Path], prefix: str, resize_mode: ResizeMode, rejects: dict[str, str]
) -> dict[str, str]:
    """Standardise and upload images; return the file by object name, and add the reason of each reject by file."""
    names: dict[str, str] = {}
    bucket_name, key = split_uri(prefix)
    bucket = Bucket(bucket_name)
    for number, path in enumerate(paths):
        file = str(path.relative_to(folder))
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                rejects[file] = f"larger than {MAX_FILE_BYTES:,} bytes"
                continue
            image = encode(read(path.read_bytes(), resize_mode))
        except ImageError as error:
            rejects[file] = str(error)
            continue
        except OSError as error:
            rejects[file] = error.strerror or str(error)
            continue
        name = f"{number:06}-{re.sub(r'[^a-z0-9]+', '-', path.stem.lower()).strip('-') or 'image'}.jpg"
        bucket.put(key + name, image, "image/jpeg")
        names[name] = file
    return names


def names_below(prefix: str) -> dict[str, str]:
    """Return the objects below a prefix, which ends in a slash: URI by name."""
    bucket, folder = split_uri(prefix)
    keys = [key for key in Bucket(bucket).sizes(folder) if not key.endswith("/")]
    return {key.removeprefix(folder): f"s3://{bucket}/{key}" for key in keys}


def remove(prefix: str) -> None:
    """Delete every object below a prefix, with all its versions."""
    bucket, key = split_uri(prefix)
    clients.session().resource("s3").Bucket(bucket).object_versions.filter(Prefix=key).delete()


def table(scores: Mapping[str, float], faults: Mapping[str, str], entry: Mapping[str, Any]) -> str:
    """Return file, label, calibrated probability, threshold and error as CSV, by file."""
    calibration = Calibration.of(**entry["calibration"])
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for file in sorted({*scores, *faults}):
        if file in scores:
            probability = float(calibration.apply(np.array([scores[file]]))[0])
            label = entry["classes"][int(probability >= entry["threshold"])]
            writer.writerow([file, label, repr(probability), repr(entry["threshold"]), ""])
        else:
            writer.writerow([file, "", "", "", faults[file]])
    return buffer.getvalue()
