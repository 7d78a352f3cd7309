"""The checks of `ml.preflight`. Each returns a sentence if all is well, and otherwise raises one of three errors.

UserError: the next command would fail. NotYetError: a later command makes what is missing. UnknownError: AWS does not
say. Each sentence says what to do.
"""

import json
from collections.abc import Mapping
from typing import Any

import botocore.exceptions

from ml import project
from ml.aws import clients, stacks
from ml.aws.image_uris import training_image
from ml.aws.s3 import Bucket, split_uri
from ml.errors import UserError
from ml.leasing import entry, schedule

BOOTSTRAP = "/cdk-bootstrap/hnb659fds/version"
MIN_BOOTSTRAP = 6
"""requiresBootstrapStackVersion in the cloud assemblies of these stacks."""


class NotYetError(UserError):
    """A later command makes what is missing; the sentence names the command."""


class UnknownError(UserError):
    """AWS does not say; the sentence says what may happen."""


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


def region(settings: dict[str, Any], algorithm: str) -> str:
    """Compare the shell's region with that of cdk.json, and find the algorithm's image in it.

    Raises:
        UserError: they differ, or the algorithm is not offered there.
    """
    shell, setting = clients.region(), settings["region"]
    if shell != setting:
        raise UserError(
            f"the shell uses {shell}, and cdk.json {setting}; export AWS_REGION={setting}, or change cdk.json."
        )
    return f"{shell}, with {training_image(algorithm, shell)}"


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
        UserError: CloudFormation cannot update it.
        NotYetError: it is not deployed.
    """
    outputs(stage, part)
    name = f"Pneumonia-{stage}-{part}"
    status = clients.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
    sentence = f"{name} is {status}"
    if status.endswith("_FAILED"):
        raise UserError(f"{sentence}; read its events, correct the cause, and repair or delete the stack.")
    if status == "ROLLBACK_COMPLETE":
        raise NotYetError(f"{sentence}: its creation failed. Read its events, correct the cause, and deploy it again.")
    return sentence


def outputs(stage: str, part: str) -> dict[str, str]:
    """Return the outputs of a stack.

    Raises:
        NotYetError: it is not deployed.
    """
    try:
        return stacks.outputs(stage, part)
    except UserError as error:
        raise NotYetError(str(error)) from error


def data_set(stage: str) -> str:
    """Return the name of the latest data set.

    Raises:
        NotYetError: no data set was prepared.
    """
    body = Bucket(outputs(stage, "Storage")["DataBucketName"]).get("datasets/latest.json")
    if body is None:
        raise NotYetError(
            f"no data set was prepared; run `python -m ml.prepare --stage {stage} --source SOURCE`, for example with "
            "kaggle."
        )
    latest = json.loads(body)
    return f"{latest['name']}/{latest['version']}"


def model(stage: str, settings: Mapping[str, Any]) -> str:
    """Check that the model in cdk.context.json is released and that its artifact exists, or its graph if that is used.

    Raises:
        UserError: it missed the gate, or its artifact or graph is missing or in another bucket.
        NotYetError: there is no model, or it was not evaluated or exported.
    """
    try:
        model_entry = project.read_model(stage)
    except UserError as error:
        raise NotYetError(str(error)) from error
    check_object(stage, model_entry["artifact"], "take another run with `python -m ml.train --use JOB`")
    if model_entry["gate"] not in ("passed", "forced"):
        refusal = UserError if "metrics" in model_entry else NotYetError
        raise refusal(f"{model_entry['training_job']} is not released: {model_entry['gate']}.")
    if settings["hosting"] == "function":
        if "graph" not in model_entry:
            job = model_entry["training_job"]
            raise NotYetError(f"{job} was not exported; run `python -m ml.export --stage {stage}`.")
        check_object(stage, model_entry["graph"]["uri"], f"run `python -m ml.export --stage {stage}` again")
    return f"{model_entry['training_job']}, {model_entry['artifact']}"


def check_object(stage: str, uri: str, remedy: str) -> None:
    """Check that an artifact or a graph exists in the stage's own bucket.

    Raises:
        UserError: it does not.
    """
    bucket, key = split_uri(uri)
    try:
        stage_bucket = stacks.outputs(stage, "Storage")["DataBucketName"]
    except UserError:
        stage_bucket = "a bucket that is not deployed yet"
    if bucket != stage_bucket:
        raise UserError(
            f"{uri} is not in {stage_bucket}, the bucket of stage {stage} in {clients.region()}: "
            f"it was trained in another region, account or bucket. Promote it with "
            f"`python -m ml.promote --from STAGE --to {stage}`, or run `python -m ml.train --stage {stage}`."
        )
    if not Bucket(bucket).exists(key):
        raise UserError(f"{uri} does not exist; {remedy}.")


def lease(stage: str, settings: dict[str, Any]) -> str:
    """Check that the deployed endpoint exists, and return when its schedule in AWS deletes it.

    Raises:
        UserError: the endpoint was deployed and no longer exists, and cdk.context.json has no lease for a new one.
        NotYetError: `cdk deploy` needs a lease in cdk.context.json first.
    """
    if settings.get("hosting") == "function":
        return "not used (hosting is function)"
    recorded, name = entry.read_lease(stage), entry.deployed_endpoint(stage)
    has_lease = bool(settings.get("lease_hours"))
    runs = recorded is not None and recorded.ends > entry.now()
    if name is not None and not entry.endpoint_exists(name):
        if recorded is None or recorded.endpoint(stage) == name or (has_lease and not runs):
            raise UserError(entry.missing(stage, name))
        deploy = f"`cdk deploy --all -c stage={stage}` creates {recorded.endpoint(stage)}"
        return f"endpoint {name} no longer exists; {deploy}"
    if not has_lease:
        return "lease_hours is 0: the endpoint runs until it is deleted"
    current = schedule.read(stage) if name is not None else None
    if current is not None:
        sentence = f"endpoint {current.endpoint} will be deleted at {current.ends:{entry.TIME_FORMAT}} UTC"
    else:
        sentence = f"ends at {recorded.ends:{entry.TIME_FORMAT}} UTC" if recorded else "there is no lease"
    if not runs:
        raise NotYetError(
            f"{sentence}; cdk.context.json has no lease that runs. `ml.transform` writes one when it releases a model; "
            f"otherwise run `python -m ml.lease extend --stage {stage}` before `cdk deploy`."
        )
    return sentence


def log_role(stage: str, settings: dict[str, Any]) -> str:
    """Return the role with which API Gateway writes logs in this region, or that the deployment creates it.

    Raises:
        UserError: the deployment would replace another role, or there is none and it does not create one.
    """
    role = clients.client("apigateway").get_account().get("cloudwatchRoleArn")
    creates = settings["manage_api_gateway_log_role"] in (True, "true")
    if creates and role and f"/Pneumonia-{stage}-Api-" not in role:
        raise UserError(
            f"All APIs of {clients.region()} write their logs as {role}, and the deployment would replace it; to keep "
            "it, set manage_api_gateway_log_role to false in cdk.json, for this stage or for all."
        )
    if not creates and not role:
        raise UserError(
            f"API Gateway has no role for logs in {clients.region()}, and AWS refuses the API's stage without it; set "
            "manage_api_gateway_log_role to true in cdk.json."
        )
    return str(role) if role else "the deployment creates it"
