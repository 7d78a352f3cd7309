"""The packages of a stage in SageMaker Model Registry: find one, approve or reject it."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import botocore.exceptions

from ml.aws import clients
from ml.errors import UserError

APPROVED, PENDING, REJECTED = "Approved", "PendingManualApproval", "Rejected"
REQUIRED = {"stage", "training-job", "artifact-sha256", "evaluation-sha256"}
"""Metadata of a version that can be promoted."""
LONGEST_REASON = 1024
"""Characters of ApprovalDescription (API model)."""
Package = dict[str, Any]
"""The answer of DescribeModelPackage."""


def group_name(stage: str) -> str:
    """Return the name of a stage's package group."""
    return f"pneumonia-{stage}"


def newest_first(stage: str, status: str | None = None) -> Iterator[Package]:
    """Yield a stage's packages, the newest first; only those with an approval status, if one is given."""
    sagemaker = clients.client("sagemaker")
    filters = {"ModelApprovalStatus": status} if status else {}
    pages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=group_name(stage), SortOrder="Descending", **filters
    )
    try:
        summaries = [summary for page in pages for summary in page["ModelPackageSummaryList"]]
    except botocore.exceptions.ClientError as error:
        # The group does not exist before the first registration.
        if "does not exist" in error.response["Error"]["Message"]:
            return
        raise
    for summary in summaries:
        yield sagemaker.describe_model_package(ModelPackageName=summary["ModelPackageArn"])


def find(stage: str, version: int) -> Package:
    """Return a version of a stage.

    Raises:
        UserError: it does not exist.
    """
    for package in newest_first(stage):
        if package["ModelPackageVersion"] == version:
            return package
    raise UserError(
        f"Stage {stage} has no version {version} in group {group_name(stage)}; `python -m ml.registry --stage {stage} "
        "list` shows all.",
        2,
    )


def approved(stage: str, version: int | None) -> Package:
    """Return a version that is approved, or the newest one that is.

    Raises:
        UserError: there is no such version, or `ml.transform` did not register it.
    """
    command = f"`python -m ml.registry --stage {stage}"
    package = next(newest_first(stage, APPROVED), None) if version is None else find(stage, version)
    if package is None:
        raise UserError(
            f"Stage {stage} has no approved version in group {group_name(stage)}. {command} list` shows all, and "
            f"{command} approve VERSION` approves one."
        )
    if package["ModelApprovalStatus"] != APPROVED:
        reason = package.get("ApprovalDescription")
        status = package["ModelApprovalStatus"] + (f" ({reason})" if reason else "")
        raise UserError(
            f"Version {version} of {group_name(stage)} is {status}; it must be {APPROVED}. "
            f"{command} approve {version}` approves it."
        )
    if absent := REQUIRED - properties(package).keys():
        raise UserError(
            f"Version {package['ModelPackageVersion']} of {group_name(stage)} has no {' and no '.join(sorted(absent))} "
            "in its metadata. Only versions that `ml.transform` or `ml.promote` registered can be promoted."
        )
    return package


def decide(stage: str, version: int, status: str, reason: str) -> bool:
    """Approve or reject a version; return whether that changed it.

    Raises:
        UserError: the version does not exist, or it missed the release gate and is approved without a reason.
    """
    package = find(stage, version)
    if status == APPROVED and not reason and properties(package).get("gate") == "forced":
        raise UserError(
            f'To approve version {version} of {group_name(stage)}, give a reason: add --reason "...". '
            f"{package['ModelPackageDescription']}",
            2,
        )
    if package["ModelApprovalStatus"] == status and reason in ("", package.get("ApprovalDescription")):
        return False
    clients.client("sagemaker").update_model_package(
        ModelPackageArn=package["ModelPackageArn"], ModelApprovalStatus=status, ApprovalDescription=reason
    )
    return True


def properties(package: Package) -> dict[str, str]:
    """Return a package's CustomerMetadataProperties."""
    return dict(package.get("CustomerMetadataProperties", {}))


def line(package: Package) -> str:
    """Return a package on one line: version, status, training job, data set, AUROC, time of registration and reason."""
    metadata, registered = properties(package), package["CreationTime"].astimezone(dt.UTC)
    job = metadata.get("training-job", "-")
    return (
        f"{package['ModelPackageVersion']:>7}  {package['ModelApprovalStatus']:<23}{job:<34}"
        f"{metadata.get('dataset', '-'):<30}{metadata.get('auroc', '-'):>6}  {registered:%Y-%m-%d %H:%M}  "
        f"{package.get('ApprovalDescription') or package.get('ModelPackageDescription', '')}"
    )
