"""Upload a data set: only missing objects, and last the marker that makes it complete."""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ml.aws.s3 import Bucket
from ml.dataset.layout import Layout
from ml.errors import UserError
from ml.progress import Progress

THREADS = 16
AT_ONCE = 10_000
"""Files that wait for a thread: a large data set has a million."""
LATEST = "datasets/latest.json"
CONTENT_TYPES = {
    ".jpg": "image/jpeg",
    ".lst": "text/plain",
    ".idx": "text/plain",
    ".rec": "application/x-recordio",
    ".json": "application/json",
    ".html": "text/html; charset=utf-8",
}


def upload(bucket: str, content: Mapping[str, Any], layout: Layout, report: Mapping[str, bytes]) -> int:
    """Upload a version with its report's files; return how many objects were sent.

    A version's prefix is named by its content, so an existing object of the right size is not sent again. dataset.json
    is sent last: after an interruption the version stays incomplete, and the next run resumes it.
    """
    target = Bucket(bucket)
    prefix = f"datasets/{content['name']}/{content['version']}"
    present = target.sizes(prefix + "/")
    missing = [key for key, path in layout.files.items() if present.get(f"{prefix}/{key}") != path.stat().st_size]
    send_files(target, prefix, missing, layout.files)
    sent = len(missing)
    marker = {"dataset.json": json.dumps(content, indent=1, sort_keys=True).encode()}
    for key, body in {**layout.texts, **report, **marker}.items():
        if present.get(f"{prefix}/{key}") != len(body):
            target.put(f"{prefix}/{key}", body, content_type(key))
            sent += 1
    return sent + make_default(target, content)


def send_files(bucket: Bucket, prefix: str, keys: Sequence[str], files: Mapping[str, Path]) -> None:
    """Upload the files of keys in parallel, showing how many bytes are done."""
    if not keys:
        return
    progress = Progress("Uploading", sum(files[key].stat().st_size for key in keys), "bytes")

    def send(key: str) -> int:
        bucket.send(f"{prefix}/{key}", files[key], content_type(key))
        return files[key].stat().st_size

    with ThreadPoolExecutor(THREADS) as pool:
        for start in range(0, len(keys), AT_ONCE):
            for size in pool.map(send, keys[start : start + AT_ONCE]):
                progress.advance(size)
    progress.finish()


def content_type(key: str) -> str:
    """Return the media type of an object, by the end of its key."""
    return CONTENT_TYPES[Path(key).suffix]


def make_default(bucket: Bucket, content: Mapping[str, Any]) -> int:
    """Make this version the default of ml.train; return the number of objects sent, 0 or 1."""
    latest = {"name": content["name"], "version": content["version"]}
    current = bucket.get(LATEST)
    if current is not None and json.loads(current) == latest:
        return 0
    bucket.put(LATEST, json.dumps(latest).encode(), content_type(LATEST))
    return 1


def read_version(bucket: str, name: str | None) -> dict[str, Any]:
    """Return dataset.json of NAME/VERSION, or of the version prepared last.

    Raises:
        UserError: it does not exist, or is incomplete.
    """
    objects = Bucket(bucket)
    if name is None and (latest := objects.get(LATEST)) is not None:
        name = "{name}/{version}".format(**json.loads(latest))
    body = objects.get(f"datasets/{name}/dataset.json") if name else None
    if body is None:
        missing = f"no complete data set {name}" if name else "no data set"
        raise UserError(f"s3://{bucket}/datasets/ holds {missing}; run `python -m ml.prepare` first.")
    content: dict[str, Any] = json.loads(body)
    return content
