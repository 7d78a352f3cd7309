"""Register an evaluated model as a version of its stage. The same model with the same evaluation is one version."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import botocore.exceptions

from ml import project
from ml.aws import clients
from ml.aws.s3 import Bucket, split_uri
from ml.errors import UserError
from ml.model_registry.packages import APPROVED, PENDING, REJECTED, Package, group_name, newest_first, properties
from ml.training import runs
from ml.training.request import CREATED_BY

STANDARD_NAMES = {"AUROC": "auc", "Accuracy": "accuracy", "Sensitivity": "recall", "PPV": "precision"}
"""Our names of the metrics that SageMaker Studio shows for a binary classifier, and its names."""
LONGEST_DESCRIPTION = 1024
"""Characters of ModelPackageDescription (API model)."""
Record = Mapping[str, Any]


def register_model(stage: str) -> str:
    """Register the model of a stage in cdk.context.json as `register` does.

    Raises:
        UserError: it is not released, or its artifact does not exist.
    """
    entry = project.read_model(stage)
    bucket, job = split_uri(entry["artifact"])[0], entry["training_job"]
    run, metrics = runs.find(bucket, job), runs.get_json(bucket, job, "metrics.json")
    gate = runs.model_entry(run, metrics)["gate"]
    if metrics is None or gate not in ("passed", "forced"):
        raise UserError(f"Model {job} of stage {stage} is not released: {gate}.")
    return register(stage, run, metrics)


def register(stage: str, run: Record, metrics: Record, source: Mapping[str, str] | None = None) -> str:
    """Register a model unless its version exists; return a sentence.

    A model that passed the gate waits for a person. One that missed it and was released by force is rejected until a
    person approves it with a reason. A promoted model is approved, because only approved versions are promoted.

    Args:
        stage: the stage whose group gets the version.
        run: its run.json.
        metrics: its metrics.json.
        source: for a promoted model, where it came from, as CustomerMetadataProperties.

    Raises:
        UserError: the artifact does not exist.
    """
    quality = model_quality(metrics)
    members = request(stage, run, metrics, quality) | {
        "ModelApprovalStatus": REJECTED if metrics["forced"] else PENDING
    }
    if source is not None:
        members["CustomerMetadataProperties"] |= source
        members["ModelApprovalStatus"] = APPROVED
        members["ModelPackageDescription"] = f"Promoted from {source['source-package']}."
    for package in newest_first(stage):
        if is_same(package, members):
            return f"The model is {label(package)}: {package['ModelApprovalStatus']}."
    create_group(stage)
    statistics = members["ModelMetrics"]["ModelQuality"]["Statistics"]
    bucket, key = split_uri(statistics["S3Uri"])
    Bucket(bucket).put(key, quality, statistics["ContentType"])
    sagemaker = clients.client("sagemaker")
    arn = sagemaker.create_model_package(**members)["ModelPackageArn"]
    return (
        f"Registered {label(sagemaker.describe_model_package(ModelPackageName=arn))}: {members['ModelApprovalStatus']}."
    )


def request(stage: str, run: Record, metrics: Record, quality: bytes) -> dict[str, Any]:
    """Return the request of a package, without its approval status.

    Raises:
        UserError: the artifact does not exist.
    """
    digest = hashlib.sha256(quality).hexdigest()
    bucket, key = runs.location(run["artifact"], f"evaluation-{digest[:16]}/model-quality.json")
    statistics = {
        "ContentType": "application/json",
        "ContentDigest": f"sha256:{digest}",
        "S3Uri": f"s3://{bucket}/{key}",
    }
    gate = "passed" if metrics["gate"]["passed"] else "forced"
    metadata = {
        "stage": stage,
        "training-job": run["training_job"],
        "algorithm": run["algorithm"],
        "dataset": run["dataset"],
        "gate": gate,
        "artifact-sha256": artifact_hash(run["artifact"]),
        "evaluation-sha256": digest,
    }
    if "graph" in run:
        metadata["graph-sha256"] = run["graph"]["sha256"]
    test = metrics["splits"]["test"]
    metadata |= {
        name.lower(): f"{test[name]['value']:.4f}" for name in ("AUROC", "Sensitivity", "Specificity") if name in test
    }
    passed = "Passed the release gate."
    missed = f"Missed the release gate and was released by force: {metrics['gate'].get('sentence')}."
    container = {"Image": run["image"], "ModelDataUrl": run["artifact"], "Environment": run["environment"]}
    return {
        "ModelPackageGroupName": group_name(stage),
        "ModelPackageDescription": (passed if gate == "passed" else missed)[:LONGEST_DESCRIPTION],
        "InferenceSpecification": {
            "Containers": [container],
            "SupportedContentTypes": ["application/x-image"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
        "ModelMetrics": {"ModelQuality": {"Statistics": statistics}},
        "CustomerMetadataProperties": metadata,
    }


def model_quality(metrics: Record) -> bytes:
    """Return what identifies an evaluation, in SageMaker's format for the quality of a binary classifier.

    A later evaluation on another population (`ml.transform --external`) does not change it.
    """
    test = metrics["splits"]["test"]
    standard = {
        name: {"value": test[own]["value"], "standard_deviation": "NaN"}
        for own, name in STANDARD_NAMES.items()
        if own in test
    }
    names = ("training_job", "dataset", "splits", "threshold", "threshold_source", "gate", "forced")
    calibration = {name: metrics["calibration"][name] for name in ("slope", "intercept")}
    values = {name: metrics[name] for name in names} | {"calibration": calibration}
    return json.dumps({"binary_classification_metrics": standard} | values, indent=1, sort_keys=True).encode()


def artifact_hash(artifact: str) -> str:
    """Return the SHA-256 of an artifact.

    Raises:
        UserError: it does not exist.
    """
    bucket, key = split_uri(artifact)
    sha256 = Bucket(bucket).sha256(key)
    if sha256 is None:
        raise UserError(f"{artifact} does not exist; train the model again.")
    return sha256


def is_same(package: Package, members: Record) -> bool:
    """Return whether a package has the container and the metadata of a request."""
    metadata, requested = properties(package), members["CustomerMetadataProperties"]
    if not requested.items() <= metadata.items() or metadata.get("graph-sha256") != requested.get("graph-sha256"):
        return False
    present = package["InferenceSpecification"]["Containers"][0]
    (container,) = members["InferenceSpecification"]["Containers"]
    # SageMaker adds members to the container, such as ImageDigest.
    return all(present.get(name) == value for name, value in container.items() if value)


def create_group(stage: str) -> None:
    """Create a stage's package group if it does not exist."""
    sagemaker, name = clients.client("sagemaker"), group_name(stage)
    try:
        sagemaker.create_model_package_group(
            ModelPackageGroupName=name,
            ModelPackageGroupDescription=f"Released models of the pneumonia classifier, stage {stage}.",
            Tags=[CREATED_BY],
        )
    except botocore.exceptions.ClientError as error:
        if "already exists" not in error.response["Error"]["Message"]:
            raise


def label(package: Package) -> str:
    """Return "version N of GROUP"."""
    return f"version {package['ModelPackageVersion']} of {package['ModelPackageGroupName']}"
