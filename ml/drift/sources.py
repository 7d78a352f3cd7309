"""Sources of current images: a folder or prefix, or the captured requests."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml.aws import clients, s3, stacks
from ml.dataset.patients import unambiguous_patient
from ml.drift import captured, features
from ml.drift.features import Sample
from ml.errors import UserError
from ml.scoring import unlabelled
from ml.scoring.scorer import BatchScorer, Confirm


def folder_or_prefix(
    source: str, scorer: BatchScorer, entry: Mapping[str, Any], confirm: Confirm
) -> tuple[Sample, str]:
    """Score the images of a folder or an S3 prefix; return them, and a description of them.

    Args:
        confirm: called before anything is uploaded or created.

    Raises:
        UserError: no image has a score.
    """

    with unlabelled.scored(source, scorer, entry, confirm) as images:
        bucket, prefix = s3.split_uri(images.prefix)
        measures = s3.Bucket(bucket).map(
            lambda data: features.measure(features.pixels(data, entry["resize_mode"])),
            [prefix + copy for copy in images.scores],
        )
    hint = f" `python -m ml.transform --input {source} --output scores.csv` lists them with the reasons"
    left_out = f" ({len(images.faults)} left out.{hint})" if images.faults else ""
    description = f"{len(measures)} images of {source}{left_out}"
    patients = [unambiguous_patient(Path(images.names[copy])) for copy in images.scores]
    return features.sample(
        list(images.scores.values()),
        measures,
        entry,
        [patient.key if patient else None for patient in patients],
    ), description


def captured_requests(stage: str, days: int, entry: Mapping[str, Any]) -> tuple[Sample, str]:
    """Return the images that the stage's endpoint received in the last days, and a description of them.

    Requests from before the creation of the endpoint's configuration are left out: another model may have answered.

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
            f"Endpoint {name} captures no requests, because data_capture_percent is 0. Set it to 1 to 100 in cdk.json "
            f"for a realtime endpoint and run `cdk deploy --all -c stage={stage}`. The data bucket then stores that "
            "percentage of the images it receives, images of patients, for 30 days. Or give images with --input "
            "S3_OR_FOLDER."
        )
    model = sagemaker.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
    served = model["PrimaryContainer"].get("ModelDataUrl")
    if served != entry["artifact"]:
        raise UserError(
            f"Endpoint {name} serves {served}, and cdk.context.json has {entry['artifact']}; run `cdk deploy` to "
            "deploy that model, or give images with --input S3_OR_FOLDER."
        )
    since = max(dt.datetime.now(dt.UTC) - dt.timedelta(days=days), config["CreationTime"].astimezone(dt.UTC))
    requests = captured.read(config, name, since, entry)
    percent = capture["InitialSamplingPercentage"]
    description = (
        f"{requests} of endpoint {name} since {since:%Y-%m-%d %H:%M} UTC; it captures {percent} % of its requests"
    )
    return features.sample(requests.scores, requests.measures, entry), description
