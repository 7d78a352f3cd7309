"""Take an artifact that was trained elsewhere as a run of a stage."""

import datetime as dt
import hashlib
import json
from pathlib import Path
from typing import Any

from ml.algorithms import BUILT_IN, PYTORCH
from ml.aws import clients, image_uris, stacks
from ml.aws.s3 import Bucket
from ml.dataset import upload
from ml.errors import UserError
from ml.graph.artifact import WEIGHTS
from ml.training import history, runs
from network import archive
from network.errors import InputError


def take(stage: str, packed: Path, dataset: str | None) -> None:
    """Store an artifact with a run record, and make its model the stage's.

    The job's name contains the hash of the artifact and the version of the data set: a second call finds the first run.

    Args:
        packed: a model.tar.gz.
        dataset: the data set on which the model will be evaluated; None for the one prepared last.

    Raises:
        UserError: the artifact is damaged or of neither algorithm, or there is no such data set.
    """
    algorithm = algorithm_of(packed)
    bucket = Bucket(stacks.outputs(stage, "Storage")["DataBucketName"])
    content = upload.read_version(bucket.name, dataset)
    with packed.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    job = f"imported-{sha256[:16]}-{content['version']}"
    key = f"{runs.PREFIX}{job}/output/model.tar.gz"
    if not bucket.exists(key):
        bucket.send(key, packed, "application/gzip")
    run = record(job, f"s3://{bucket.name}/{key}", algorithm, content)
    if runs.get(bucket.name, job, "run.json") is None:
        runs.put(run["artifact"], "run.json", json.dumps(run, indent=1).encode())
    print(
        f"Stored {packed} ({algorithm}) as {run['artifact']}. It will be evaluated on {run['dataset']}, which is valid "
        "only if none of its validation and test images were used in training, and if class 1 is "
        f"{run['classes'][1]}."
    )
    history.use(stage, job)


def algorithm_of(packed: Path) -> str:
    """Return the algorithm that wrote an artifact, by the names of its files.

    Raises:
        UserError: it is damaged, or of neither algorithm.
    """
    from network import mxnet_artifact

    try:
        names = archive.names(packed)
        if WEIGHTS in names:
            return PYTORCH
        mxnet_artifact.select(names)
    except InputError as error:
        raise UserError(f"{packed} cannot be taken. {error} The algorithm {PYTORCH} leaves {WEIGHTS}.", 2) from error
    return BUILT_IN


def record(job: str, artifact: str, algorithm: str, dataset: dict[str, Any]) -> dict[str, Any]:
    """Return the run record, without what only the training knew."""
    return {
        "training_job": job,
        "status": "Imported",
        "artifact": artifact,
        "dataset": f"{dataset['name']}/{dataset['version']}",
        "classes": dataset["classes"],
        "resize_mode": dataset["settings"]["resize_mode"],
        "algorithm": algorithm,
        **image_uris.inference_container(algorithm, clients.region()),
        "epochs": [],
        "validation_accuracy": None,
        "code": runs.code_version(),
        "ended": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    }
