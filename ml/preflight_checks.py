"""The checks of `ml.preflight`. Each returns what it found, or raises UserError with what to do."""

import json
from typing import Any

import botocore.exceptions

from ml import project
from ml.aws import clients, stacks
from ml.aws.image_uris import algorithm_image
from ml.aws.s3 import Bucket, split_uri
from ml.errors import UserError
from ml.leasing import entry, schedule

BOOTSTRAP = "/cdk-bootstrap/hnb659fds/version"
MIN_BOOTSTRAP = 6
"""requiresBootstrapStackVersion in the cloud assemblies of these stacks."""
SERVERLESS_QUOTA = "Maximum total concurrency that can be allocated across all serverless endpoints"


def credentials() -> str:
    """Return the identity of the credentials.

    Raises:
        UserError: AWS refuses them.
    """
    try:
        identity = clients.client("sts").get_caller_identity()
    except botocore.exceptions.ClientError as error:
        raise UserError(f"AWS refuses them ({error.response['Error']['Code']}); sign in again.") from error
    return f"account {identity['Account']}, {identity['Arn']}"


def region(settings: dict[str, Any]) -> str:
    """Compare the shell's region with that of cdk.json, and find the algorithm's image in it.

    Raises:
        UserError: they differ, or the algorithm is not offered there.
    """
    shell, setting = clients.region(), settings["region"]
    if shell != setting:
        raise UserError(
            f"the shell uses {shell}, and cdk.json {setting}; export AWS_REGION={setting}, or change cdk.json."
        )
    return f"{shell}, with {algorithm_image(shell)}"


def bootstrap() -> str:
    """Return the version of the bootstrap stack.

    Raises:
        UserError: the account is not bootstrapped, or the version is too old.
    """
    ssm = clients.client("ssm")
    try:
        version = int(ssm.get_parameter(Name=BOOTSTRAP)["Parameter"]["Value"])
    except ssm.exceptions.ParameterNotFound as error:
        raise UserError("the account is not bootstrapped in this region; run `cdk bootstrap`.") from error
    if version < MIN_BOOTSTRAP:
        raise UserError(f"version {version} is below {MIN_BOOTSTRAP}, which is required; run `cdk bootstrap` again.")
    return f"version {version}"


def stack(stage: str, part: str) -> str:
    """Return the state of a stack.

    Raises:
        UserError: it is not deployed, or its last update failed.
    """
    stacks.outputs(stage, part)
    name = f"Pneumonia-{stage}-{part}"
    status = clients.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
    if "FAILED" in status or "ROLLBACK" in status:
        raise UserError(f"{name} is {status}; read its events, correct the cause, and deploy it again.")
    return f"{name} is {status}"


def quota(name: str, needed: int) -> str:
    """Return a quota of SageMaker, by its name.

    Raises:
        UserError: it does not exist, or is below `needed`.
    """
    pages = clients.client("service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
    values = [quota["Value"] for page in pages for quota in page["Quotas"] if quota["QuotaName"] == name]
    if not values:
        raise UserError(f"there is no quota {name!r} in this region; choose another instance type.")
    if values[0] < needed:
        raise UserError(
            f"{name} is {values[0]:g}, but {needed} is required; request it in the Service Quotas "
            "console (Amazon SageMaker)."
        )
    return f"{name} is {values[0]:g}"


def endpoint_quota(settings: dict[str, Any]) -> str:
    """Return the quota for the endpoint in the settings; see `quota`."""
    if settings["hosting"] == "serverless":
        return quota(SERVERLESS_QUOTA, settings["serverless_concurrency"])
    return quota(f"{settings['instance_type']} for endpoint usage", int(settings["instance_count"]))


def data_set(stage: str) -> str:
    """Return the name of the latest data set.

    Raises:
        UserError: no data set was prepared.
    """
    bucket = stacks.outputs(stage, "Storage")["DataBucketName"]
    body = Bucket(bucket).get("datasets/latest.json")
    if body is None:
        raise UserError("no data set was prepared; run `python -m ml.prepare --source kaggle`.")
    latest = json.loads(body)
    return f"{latest['name']}/{latest['version']}"


def model(stage: str) -> str:
    """Check that the model in cdk.context.json is released and that its artifact exists.

    Raises:
        UserError: there is no model, it is not released, its artifact does not exist, or it is in another bucket.
    """
    model_entry = project.read_model(stage)
    bucket, key = split_uri(model_entry["artifact"])
    stage_bucket = stacks.outputs(stage, "Storage")["DataBucketName"]
    if bucket != stage_bucket:
        raise UserError(
            f"{model_entry['artifact']} is not in {stage_bucket}, the bucket of stage {stage} in {clients.region()}: "
            f"it was trained in another region, account or bucket. Run `python -m ml.train --stage {stage}`."
        )
    if not Bucket(bucket).exists(key):
        raise UserError(
            f"{model_entry['artifact']} does not exist; take another run with `python -m ml.train --use JOB`."
        )
    if model_entry["gate"] not in ("passed", "forced"):
        raise UserError(f"{model_entry['training_job']} is not released: {model_entry['gate']}.")
    return f"{model_entry['training_job']}, {model_entry['artifact']}"


def lease(stage: str, settings: dict[str, Any]) -> str:
    """Check that the deployed endpoint exists, and return when its schedule in AWS deletes it.

    Raises:
        UserError: the endpoint was deployed and no longer exists, and cdk.context.json has no lease for a new one.
    """
    recorded, name = entry.read(stage), entry.deployed_endpoint(stage)
    has_lease = bool(settings.get("lease_hours"))
    runs = recorded is not None and recorded.ends > entry.now()
    extend = f"run `python -m ml.lease extend --stage {stage}` before `cdk deploy`"
    if name is not None and not entry.endpoint_exists(name):
        if recorded is None or recorded.endpoint(stage) == name or (has_lease and not runs):
            raise UserError(entry.missing(stage, name))
        deploy = f"`cdk deploy --all -c stage={stage}` creates {recorded.endpoint(stage)}"
        return f"endpoint {name} no longer exists; {deploy}"
    if not has_lease:
        return "lease_hours is 0: the endpoint runs until it is deleted"
    current = schedule.read(stage) if name is not None else None
    if current is not None:
        note = "" if runs else f"; the lease in cdk.context.json is over: {extend}"
        return f"endpoint {current.endpoint} will be deleted at {current.ends:{entry.TIME_FORMAT}} UTC{note}"
    if recorded is None or not runs:
        return f"no lease yet: {extend}"
    return f"ends at {recorded.ends:{entry.TIME_FORMAT}} UTC"


def log_role(stage: str, settings: dict[str, Any]) -> str:
    """Return the role with which API Gateway writes logs in this region.

    Raises:
        UserError: there is no role, and the deployment does not set it.
    """
    role = clients.client("apigateway").get_account().get("cloudwatchRoleArn")
    if settings["manage_api_gateway_log_role"] in (True, "true"):
        replaced = role and f"/Pneumonia-{stage}-Api-" not in role
        return f"the deployment replaces {role} for all APIs of this region" if replaced else "the deployment sets it"
    if not role:
        raise UserError(
            f"API Gateway has no role for logs in {clients.region()}, and AWS refuses the API's stage without it; "
            "deploy once with `-c manage_api_gateway_log_role=true`."
        )
    return str(role)
