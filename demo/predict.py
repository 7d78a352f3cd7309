"""Predictions of the REST API for a held-out image of each class, requested with curl."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import boto3

from demo.commands import StepFailedError


@dataclass(frozen=True)
class Api:
    """The URL of the deployed REST API, which ends with a slash, and its key."""

    url: str
    key: str


def held_out_images(session: boto3.Session, stage: str, folder: Path) -> list[tuple[str, Path]]:
    """Download the first test image of each class into `folder`; return (class, path) pairs."""
    s3 = session.client("s3")
    bucket = stack_outputs(session, f"Pneumonia-{stage}-Storage")["DataBucketName"]
    latest = json.loads(s3.get_object(Bucket=bucket, Key="datasets/latest.json")["Body"].read())
    folder.mkdir(parents=True, exist_ok=True)
    images = []
    for name in ("NORMAL", "PNEUMONIA"):
        prefix = f"datasets/{latest['name']}/{latest['version']}/test/{name}/"
        objects = s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1).get("Contents", [])
        if not objects:
            raise StepFailedError(f"s3://{bucket}/{prefix} holds no image: the data set has no test images of {name}.")
        path = folder / Path(objects[0]["Key"]).name
        s3.download_file(bucket, objects[0]["Key"], str(path))
        images.append((name, path))
    return images


def stack_outputs(session: boto3.Session, stack: str) -> dict[str, str]:
    """Return a deployed stack's outputs by name."""
    stacks = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stacks[0]["Outputs"]}


def deployed_api(session: boto3.Session, stage: str) -> Api:
    """Read the API's URL from its stack and its key from API Gateway."""
    outputs = stack_outputs(session, f"Pneumonia-{stage}-Api")
    key = session.client("apigateway").get_api_key(apiKey=outputs["ApiKeyId"], includeValue=True)
    return Api(url=outputs["ApiUrl"], key=key["value"])


def curl_line(api: Api, image: Path, key: str = "$API_KEY") -> list[str]:
    """Return the curl command that sends one image to `api`, with `key` in the header."""
    headers = ["-H", f"x-api-key: {key}", "-H", "Content-Type: image/jpeg"]
    return ["curl", "--silent", "--show-error", *headers, "--data-binary", f"@{image}", f"{api.url}predict"]


def predict(api: Api, image: Path) -> dict[str, object]:
    """Send one image to the API with curl and return its prediction.

    Raises:
        StepFailedError: curl is missing or failed, or the answer is not a prediction.
    """
    if shutil.which("curl") is None:
        raise StepFailedError("curl is not on the PATH: install curl.")
    result = subprocess.run(curl_line(api, image, api.key), capture_output=True, text=True, check=False, timeout=60)
    if result.returncode != 0:
        raise StepFailedError(f"curl ended with exit code {result.returncode}: {result.stderr.strip()}")
    try:
        answer = json.loads(result.stdout)
    except json.JSONDecodeError as error:
        raise StepFailedError(f"The API's answer is not JSON: {result.stdout[:200]!r}") from error
    verify(answer)
    return dict(answer)


def verify(answer: dict[str, object]) -> None:
    """Check that an answer is a prediction: probabilities that sum to 1, and a label that follows the threshold.

    Raises:
        StepFailedError: the answer is not a prediction.
    """
    probabilities = answer.get("probabilities")
    if not isinstance(probabilities, dict) or abs(sum(probabilities.values()) - 1) > 1e-3:
        raise StepFailedError(f"The API's answer holds no probabilities that sum to 1: {answer}")
    expected = "PNEUMONIA" if probabilities["PNEUMONIA"] >= answer["threshold"] else "NORMAL"
    if answer.get("label") != expected:
        raise StepFailedError(f"The API's label does not follow its threshold: {answer}")
