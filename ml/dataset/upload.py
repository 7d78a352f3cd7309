"""Put a data set into S3: what is missing only, and the marker that makes it complete last."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import botocore.exceptions

from ml.aws import clients
from ml.dataset.layout import Layout
from ml.errors import UserError
from ml.progress import Progress

THREADS = 16
LATEST = "datasets/latest.json"
CONTENT_TYPES = {
    ".jpg": "image/jpeg",
    ".lst": "text/plain",
    ".idx": "text/plain",
    ".rec": "application/x-recordio",
    ".manifest": "application/jsonlines",
    ".json": "application/json",
    ".html": "text/html; charset=utf-8",
}


def upload(bucket: str, content: Mapping[str, Any], layout: Layout, report: Mapping[str, bytes]) -> int:
    """Upload a version with its report's files; return how many objects were sent.

    A version's prefix is named by its content, so an object that is there with the right size is right. An upload that
    is cut short leaves no dataset.json, so that nothing takes the version for complete, and is gone on with next time.
    """
    s3 = clients.client("s3")
    prefix = f"datasets/{content['name']}/{content['version']}"
    present = sizes(s3, bucket, prefix + "/")
    missing = {key: path for key, path in layout.files.items() if present.get(f"{prefix}/{key}") != path.stat().st_size}
    send_files(s3, bucket, prefix, missing)
    sent = len(missing)
    marker = {"dataset.json": json.dumps(content, indent=1, sort_keys=True).encode()}
    for key, body in {**layout.texts, **report, **marker}.items():
        if present.get(f"{prefix}/{key}") != len(body):
            s3.put_object(Bucket=bucket, Key=f"{prefix}/{key}", Body=body, ContentType=content_type(key))
            sent += 1
    return sent + point_at(s3, bucket, content)


def send_files(s3: Any, bucket: str, prefix: str, files: Mapping[str, Path]) -> None:
    """Upload files in parallel, showing how many bytes are done."""
    if not files:
        return
    lengths = {key: path.stat().st_size for key, path in files.items()}
    progress = Progress("Uploading", sum(lengths.values()), "bytes")

    def send(key: str) -> str:
        # Large files (.rec) go in parts, and none is held in memory as a whole.
        s3.upload_file(str(files[key]), bucket, f"{prefix}/{key}", ExtraArgs={"ContentType": content_type(key)})
        return key

    with ThreadPoolExecutor(THREADS) as pool:
        for key in pool.map(send, files):
            progress.advance(lengths[key])
    progress.finish()


def content_type(key: str) -> str:
    """Return the media type of an object, by the end of its key."""
    return CONTENT_TYPES[Path(key).suffix]


def point_at(s3: Any, bucket: str, content: Mapping[str, Any]) -> int:
    """Make this version the one that ml.train takes by default; return 1 when it was not already."""
    wanted = {"name": content["name"], "version": content["version"]}
    try:
        if json.loads(s3.get_object(Bucket=bucket, Key=LATEST)["Body"].read()) == wanted:
            return 0
    except s3.exceptions.NoSuchKey:
        pass
    s3.put_object(Bucket=bucket, Key=LATEST, Body=json.dumps(wanted).encode())
    return 1


def sizes(s3: Any, bucket: str, prefix: str) -> dict[str, int]:
    """Return the size of every object below a prefix, by key."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return {item["Key"]: item["Size"] for page in pages for item in page.get("Contents", [])}


def read_version(bucket: str, name: str | None) -> dict[str, Any]:
    """Return dataset.json of NAME/VERSION, or of the version prepared last.

    Raises:
        UserError: there is none, or it was never completed.
    """
    s3 = clients.client("s3")
    try:
        if name is None:
            latest = json.loads(s3.get_object(Bucket=bucket, Key=LATEST)["Body"].read())
            name = f"{latest['name']}/{latest['version']}"
        content: dict[str, Any] = json.loads(
            s3.get_object(Bucket=bucket, Key=f"datasets/{name}/dataset.json")["Body"].read()
        )
    except botocore.exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchKey", "404"):
            raise
        what = f"no complete data set {name}" if name else "no data set"
        raise UserError(f"s3://{bucket}/datasets/ holds {what}; run `python -m ml.prepare` first.") from error
    return content
