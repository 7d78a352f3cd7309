"""A data set whose objects the toy container answers with their own content, and views of the account's jobs."""

import io
import json
import tarfile
from collections.abc import Mapping
from typing import Any

from ml import project
from ml.scoring import labelled, scorer
from tests.localaws.sagemaker.builders import Cloud

from ..conftest import STAGE
from ..scoring_builders import phantom

SPLITS = {"validation": 15, "validation_perturbed": 15, "test": 100}
"""Images of each: one test image is 1 %."""
IMAGES = sum(SPLITS.values())
PREFIX = "datasets/images/v1/"
BUCKET = "images"
GRANTS = [
    {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{BUCKET}"},
    {
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": [f"arn:aws:s3:::{BUCKET}/{part}/*" for part in ("datasets", "training", "transform-input")],
    },
    {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{BUCKET}/transform/*"},
    {"Effect": "Allow", "Action": ["logs:*", "cloudwatch:PutMetricData"], "Resource": "*"},
]
"""What the execution role of `infra` may do with the bucket."""


def images(splits: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return what dataset.json says of each image: CheXpert's layout, every third patient has pneumonia."""
    return [
        {
            "file": f"{split}/{'PNEUMONIA' if number % 3 == 0 else 'NORMAL'}/p{number}/study1/view1_frontal.jpg",
            "label": int(number % 3 == 0),
            "patient": f"{split}-{number}",
            "subtype": "",
            "pixels": f"{split.removesuffix('_perturbed')}-{number}",
        }
        for split, count in splits.items()
        for number in range(count)
    ]


def probability(image: dict[str, Any]) -> float:
    """Return the toy's probability of pneumonia of an image, which fits the label."""
    number = int(image["patient"].rsplit("-", 1)[1])
    return float((0.6 if image["label"] else 0.2) + number / 1000)


def body(image: dict[str, Any]) -> bytes:
    """Return an object that the toy answers with `probability`; those of validation begin with an image."""
    score, picture = probability(image), phantom(0) if image["file"].startswith("validation/") else b""
    return picture + json.dumps([1 - score, score]).encode()


DATASET = {
    "name": "images",
    "version": "v1",
    "collection": None,
    "classes": ["NORMAL", "PNEUMONIA"],
    "settings": {"resize_mode": "squash", "format": "lst"},
    "images": images(SPLITS),
}


def put(cloud: Cloud, key: str, content: bytes) -> None:
    cloud.client("s3").put_object(Bucket=BUCKET, Key=key, Body=content)


def weights() -> bytes:
    """Return an artifact of the toy."""
    packed, content = io.BytesIO(), b'{"version": "1"}'
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo("weights.json")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def entry() -> dict[str, Any]:
    return project.read_model(STAGE)


def scorer_of_context() -> scorer.BatchScorer:
    return scorer.scorer_of(STAGE, entry(), "ml.m5.4xlarge")


def score(attached: str | None = None) -> tuple[dict[str, float], dict[str, str]]:
    """Score the splits without being asked."""
    splits = {"all": DATASET["images"]}
    return labelled.split_probabilities(scorer_of_context(), DATASET, splits, lambda images: None, attached)


def jobs(cloud: Cloud, model: str) -> list[dict[str, Any]]:
    """Return the transform jobs of a model, the oldest first."""
    sagemaker = cloud.client("sagemaker")
    names = [
        summary["TransformJobName"]
        for summary in sagemaker.list_transform_jobs(MaxResults=100)["TransformJobSummaries"]
    ]
    return [
        sagemaker.describe_transform_job(TransformJobName=name) for name in reversed(names) if name.startswith(model)
    ]


def manifest(cloud: Cloud, job: dict[str, Any], prefix: str = PREFIX) -> list[Any]:
    """Return the paths below a data set's prefix that are a job's input."""
    source = job["TransformInput"]["DataSource"]["S3DataSource"]
    assert source["S3DataType"] == "ManifestFile"
    key = source["S3Uri"].removeprefix(f"s3://{BUCKET}/")
    content = json.loads(cloud.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read())
    assert content[0] == {"prefix": f"s3://{BUCKET}/{prefix}"}
    return list(content[1:])


def stored(cloud: Cloud, model: str, name: str) -> bytes:
    content: bytes = cloud.client("s3").get_object(Bucket=BUCKET, Key=f"training/{model}/{name}")["Body"].read()
    return content


def models_left(cloud: Cloud) -> list[dict[str, Any]]:
    return list(cloud.client("sagemaker").list_models()["Models"])
