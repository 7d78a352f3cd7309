"""Where the images come from that are compared: the validation split, a folder or prefix, or the captured requests."""

import csv
import datetime as dt
import io
from collections.abc import Mapping
from typing import Any

from ml.aws import clients, stacks
from ml.dataset import upload
from ml.drift import captured, features
from ml.drift.features import Sample
from ml.errors import UserError
from ml.scoring import labelled, unlabelled
from ml.scoring.scorer import Confirm, Scorer
from ml.training import runs
from radiograph import ImageError

SPLIT = "validation/"


def validation(bucket: str, entry: Mapping[str, Any]) -> Sample:
    """Return the images on which the model's threshold was chosen.

    Raises:
        UserError: the model was not evaluated yet.
    """
    table = runs.get(bucket, entry["training_job"], "predictions.csv")
    if table is None:
        raise UserError(
            f"There are no predictions of {entry['training_job']} to compare with; run `python -m ml.transform` first."
        )
    rows = [row for row in csv.DictReader(io.StringIO(table.decode())) if row["file"].startswith(SPLIT)]
    dataset = upload.read_version(bucket, entry["dataset"])
    prefix = f"datasets/{dataset['name']}/{dataset['version']}"
    resize_mode = entry["resize_mode"]
    measures = labelled.over(
        bucket,
        [f"{prefix}/{row['file']}" for row in rows],
        lambda data: features.measure(features.pixels(data, resize_mode)),
    )
    return features.sample([float(row["model_probability"]) for row in rows], measures, entry)


def given(source: str, scorer: Scorer, entry: Mapping[str, Any], confirm: Confirm) -> tuple[Sample, str]:
    """Score the images of a folder or an S3 prefix; return them, and what was looked at in words.

    Args:
        confirm: called before anything is uploaded or created.

    Raises:
        UserError: there is no image that can be compared.
    """

    def measured(data: bytes) -> tuple[float, ...] | None:
        try:
            return features.measure(features.pixels(data, entry["resize_mode"]))
        except ImageError:
            return None

    with unlabelled.uploaded(source, scorer, entry["resize_mode"], confirm) as found:
        scores, _ = unlabelled.probabilities(found, scorer, len(entry["classes"]))
        place, _, prefix = found.prefix.removeprefix("s3://").partition("/")
        names = list(scores)
        measures = labelled.over(place, [prefix + name for name in names], measured)
    kept = [(scores[name], one) for name, one in zip(names, measures, strict=True) if one is not None]
    without = len(found.names) + len(found.rejects) - len(kept)
    if not kept:
        raise UserError(f"--input {source} holds no image that can be compared.{hint(source) if without else ''}")
    words = f"{len(kept)} images of {source}" + (f" ({without} left out.{hint(source)})" if without else "")
    return features.sample([score for score, _ in kept], [one for _, one in kept], entry), words


def hint(source: str) -> str:
    """Return how to see which images have no score."""
    return f" `python -m ml.transform --input {source} --output scores.csv` says which and why"


def asked(stage: str, days: int, entry: Mapping[str, Any]) -> tuple[Sample, str]:
    """Return the images that the stage's endpoint was sent in the last days, and what was looked at in words.

    Requests from before the endpoint's configuration was made are left out: another model may have answered them.

    Raises:
        UserError: there is no endpoint, it captures nothing or serves another model, or nothing was captured.
    """
    try:
        outputs = stacks.outputs(stage, "Endpoint")
    except UserError as error:
        raise UserError(f"{error} Or give images with --input S3_OR_FOLDER.") from error
    sagemaker, name = clients.client("sagemaker"), outputs["EndpointName"]
    config = sagemaker.describe_endpoint_config(EndpointConfigName=outputs["EndpointConfigName"])
    capture = config.get("DataCaptureConfig") or {}
    if not capture.get("EnableCapture"):
        raise UserError(
            f"Endpoint {name} captures no requests, as data_capture_percent is 0. Set it to 1 to 100 in cdk.json for "
            f"a realtime endpoint and run `cdk deploy --all -c stage={stage}`: that fraction of the images it is sent, "
            "images of patients, is then stored in the data bucket for 30 days. Or give images with --input "
            "S3_OR_FOLDER."
        )
    model = sagemaker.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
    served = model["PrimaryContainer"].get("ModelDataUrl")
    if served != entry["artifact"]:
        raise UserError(
            f"Endpoint {name} serves {served}, and cdk.context.json has {entry['artifact']}; run `cdk deploy` to bring "
            "it there, or give images with --input S3_OR_FOLDER."
        )
    since = max(dt.datetime.now(dt.UTC) - dt.timedelta(days=days), config["CreationTime"].astimezone(dt.UTC))
    found = captured.read(config, name, since, entry)
    percent = capture["InitialSamplingPercentage"]
    words = f"{found} of endpoint {name} since {since:%Y-%m-%d %H:%M} UTC; it captures {percent} % of its requests"
    return features.sample(found.scores, found.measures, entry), words
