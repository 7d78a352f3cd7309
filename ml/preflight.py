"""`python -m ml.preflight`: what would fail, before the first dollar is spent."""

import argparse
import json
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import botocore.exceptions

from ml import project, setting_changes
from ml.aws import clients, stacks
from ml.aws.image_uris import algorithm_image
from ml.cli import run_command
from ml.errors import UserError
from ml.leasing import entry, schedule
from ml.scoring.scorer import INSTANCE_TYPE
from ml.training.request import Compute

BOOTSTRAP = "/cdk-bootstrap/hnb659fds/version"
BOOTSTRAP_LEAST = 6
"""requiresBootstrapStackVersion of the assemblies that the CDK makes of these stacks."""
SERVERLESS_QUOTA = "Maximum total concurrency that can be allocated across all serverless endpoints"
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
EXAMPLES = """examples:
  python -m ml.preflight --stage dev
  python -m ml.preflight --instance-type ml.g5.xlarge --json
  python -m ml.preflight --stage prod --accept lease_hours
"""


@dataclass(frozen=True)
class Finding:
    """One check: `state` is ok, fails or unknown; `words` say what was found, and what to do unless it is ok."""

    name: str
    state: str
    words: str


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code, 1 when a check fails."""
    parser = argparse.ArgumentParser(
        prog="python -m ml.preflight",
        description="Check credentials, region, bootstrap, stacks, quotas, data set, model and lease before anything "
        "is created, and compare the settings with the deployed ones. A change that loses data or ends an endpoint "
        "fails unless --accept names its setting. Nothing is changed.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--stage", help="deployment stage (default: the one in cdk.json)")
    parser.add_argument("--instance-type", default=Compute().instance_type, help="of training (default %(default)s)")
    parser.add_argument("-c", "--context", action="append", default=[], metavar="NAME=VALUE", help="as of `cdk deploy`")
    parser.add_argument(
        "--accept",
        default="",
        metavar="NAMES",
        help=f"settings whose change may do harm: {', '.join(setting_changes.NAMES)}",
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    options = parser.parse_args(argv)
    accepted = [name for name in options.accept.split(",") if name]
    if unknown := sorted(set(accepted) - set(setting_changes.NAMES)):
        parser.error(f"--accept {','.join(unknown)}: allowed are {', '.join(setting_changes.NAMES)}.")
    failed: list[Finding] = []

    def command() -> None:
        found = list(findings(project.stage(options.stage), options.instance_type, options.context, accepted))
        failed.extend(one for one in found if one.state == "fails")
        if options.json:
            print(json.dumps([asdict(one) for one in found], indent=1))
            return
        for one in found:
            print(f"{one.state:8} {one.name}: {one.words}")

    return run_command(command) or int(bool(failed))


def findings(
    stage: str, instance_type: str, given: Sequence[str] = (), accepted: Collection[str] = ()
) -> Iterator[Finding]:
    """Yield a finding for each check, in the order in which a deployment would run into them.

    Args:
        stage: the stage.
        instance_type: of training.
        given: NAME=VALUE overrides of settings, as after `cdk deploy -c`.
        accepted: settings whose change may lose data or end the endpoint.
    """
    settings = project.settings(stage, given)
    checks: dict[str, Callable[[], str]] = {
        "credentials": credentials,
        "region": lambda: region(settings),
        "bootstrap": bootstrap,
        "storage": lambda: stack(stage, "Storage"),
        "settings": lambda: setting_changes.compare(stage, settings, accepted),
        "training quota": lambda: quota(f"{instance_type} for spot training job usage", 1),
        "transform quota": lambda: quota(f"{INSTANCE_TYPE} for transform job usage", 1),
        "endpoint quota": lambda: endpoint_quota(settings),
        "data set": lambda: data_set(stage),
        "model": lambda: model(stage),
        "lease": lambda: leased(stage, settings),
    }
    for name, check in checks.items():
        try:
            yield Finding(name, "ok", check())
        except UserError as error:
            yield Finding(name, "fails", str(error))
        except botocore.exceptions.ClientError as error:
            code, operation = error.response["Error"]["Code"], error.operation_name
            if code in DENIED:
                words = f"these credentials may not call {operation}; ask for that permission to have this checked."
            else:
                words = f"AWS answered {code} to {operation}."
            yield Finding(name, "unknown", words)
        except botocore.exceptions.BotoCoreError as error:
            if name == "credentials":  # without them every other check would say the same
                yield Finding(
                    name, "fails", f"{error} Run `aws configure`, or export AWS_ACCESS_KEY_ID and its secret."
                )
                return
            yield Finding(name, "unknown", f"{error}")


def credentials() -> str:
    """Say whose they are.

    Raises:
        UserError: AWS does not know them.
    """
    try:
        found = clients.client("sts").get_caller_identity()
    except botocore.exceptions.ClientError as error:
        raise UserError(f"AWS refuses them ({error.response['Error']['Code']}); sign in again.") from error
    return f"account {found['Account']}, {found['Arn']}"


def region(settings: dict[str, Any]) -> str:
    """Compare the shell's region with the deployment's, and look the algorithm up in it.

    Raises:
        UserError: they differ, or the algorithm is not there.
    """
    here, there = clients.region(), settings["region"]
    if here != there:
        raise UserError(
            f"the shell's is {here} and cdk.json's is {there}; export AWS_REGION={there}, or change cdk.json."
        )
    return f"{here}, with {algorithm_image(here)}"


def bootstrap() -> str:
    """Look at the version that `cdk bootstrap` left.

    Raises:
        UserError: there is none, or it is too old.
    """
    ssm = clients.client("ssm")
    try:
        version = int(ssm.get_parameter(Name=BOOTSTRAP)["Parameter"]["Value"])
    except ssm.exceptions.ParameterNotFound as error:
        raise UserError("the account is not bootstrapped in this region; run `cdk bootstrap`.") from error
    if version < BOOTSTRAP_LEAST:
        raise UserError(f"version {version} is too old, {BOOTSTRAP_LEAST} is needed; run `cdk bootstrap` again.")
    return f"version {version}"


def stack(stage: str, part: str) -> str:
    """Look at a stack's state.

    Raises:
        UserError: it is not deployed, or an update of it failed.
    """
    stacks.outputs(stage, part)
    name = f"Pneumonia-{stage}-{part}"
    status = clients.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
    if "FAILED" in status or "ROLLBACK" in status:
        raise UserError(f"{name} is {status}; look at its events, mend the cause, and deploy it again.")
    return f"{name} is {status}"


def quota(name: str, needed: int) -> str:
    """Look a quota of SageMaker up by its name.

    Raises:
        UserError: it is less than `needed`.
    """
    pages = clients.client("service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
    values = [one["Value"] for page in pages for one in page["Quotas"] if one["QuotaName"] == name]
    if not values:
        raise UserError(f"there is no quota {name!r} in this region; choose another instance type.")
    if values[0] < needed:
        raise UserError(
            f"{name} is {values[0]:g}, {needed} is needed; ask for it in the Service Quotas console (Amazon SageMaker)."
        )
    return f"{name} is {values[0]:g}"


def endpoint_quota(settings: dict[str, Any]) -> str:
    """Look the quota for the endpoint of the settings up; see `quota`."""
    if settings["hosting"] == "serverless":
        return quota(SERVERLESS_QUOTA, settings["serverless_concurrency"])
    return quota(f"{settings['instance_type']} for endpoint usage", int(settings["instance_count"]))


def data_set(stage: str) -> str:
    """Look the latest data set up.

    Raises:
        UserError: there is none.
    """
    bucket = stacks.outputs(stage, "Storage")["DataBucketName"]
    s3 = clients.client("s3")
    try:
        found = json.loads(s3.get_object(Bucket=bucket, Key="datasets/latest.json")["Body"].read())
    except s3.exceptions.NoSuchKey as error:
        raise UserError("there is none yet; run `python -m ml.prepare --source kaggle`.") from error
    return f"{found['name']}/{found['version']}"


def model(stage: str) -> str:
    """Look the artifact of the model in context up.

    Raises:
        UserError: no model, not released, its artifact is gone, or lies where the endpoint's role may not read.
    """
    entry = project.read_model(stage)
    bucket, _, key = entry["artifact"].removeprefix("s3://").partition("/")
    own = stacks.outputs(stage, "Storage")["DataBucketName"]
    if bucket != own:
        raise UserError(
            f"{entry['artifact']} is not in {own}, the bucket of stage {stage} in {clients.region()}: it was trained "
            f"in another region, account or bucket. Run `python -m ml.train --stage {stage}`."
        )
    try:
        clients.client("s3").head_object(Bucket=bucket, Key=key)
    except botocore.exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchKey", "NoSuchBucket"):
            raise
        raise UserError(
            f"{entry['artifact']} is gone; take another run with `python -m ml.train --use JOB`."
        ) from error
    if entry["gate"] not in ("passed", "forced"):
        raise UserError(f"{entry['training_job']} is not released: {entry['gate']}.")
    return f"{entry['training_job']}, {entry['artifact']}"


def leased(stage: str, settings: dict[str, Any]) -> str:
    """Look whether the deployed endpoint lives, and when its schedule in AWS deletes it.

    Raises:
        UserError: the endpoint was deployed and no longer exists, and no lease for the next one is written.
    """
    written, name = entry.read(stage), entry.deployed_endpoint(stage)
    ahead = written is not None and written.ends > entry.now()
    remedy = f"run `python -m ml.lease extend --stage {stage}` before `cdk deploy`"
    if name is not None and not entry.endpoint_lives(name):
        if written is None or written.endpoint(stage) == name or not (ahead or not settings.get("lease_hours")):
            raise UserError(entry.missing(stage, name))
        return f"endpoint {name} no longer exists; `cdk deploy --all -c stage={stage}` makes {written.endpoint(stage)}"
    if not settings.get("lease_hours"):
        return "lease_hours is 0: the endpoint runs until it is deleted"
    found = schedule.read(stage) if name is not None else None
    if found is not None:
        note = "" if ahead else f"; cdk.context.json says that it is over: {remedy}"
        return f"endpoint {found.endpoint} deletes itself at {found.ends:{entry.FORM}} UTC{note}"
    if written is None or not ahead:
        return f"not yet: {remedy}"
    return f"ends at {written.ends:{entry.FORM}} UTC"


if __name__ == "__main__":
    sys.exit(main())
