"""AWS's managed policies (MiniStack 1.5.33 has 34 of them), and IAM's checks of an attachment."""

import importlib.util
import json
import runpy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Answer = tuple[int, dict[str, str], bytes]
SERVICE_LINKED = "arn:aws:iam::aws:policy/aws-service-role/"
"""Start of the ARNs of policies that only service-linked roles can have."""


def add_managed_policies() -> None:
    """Add the managed policies that MiniStack lacks, such as AmazonSageMakerFullAccess, from moto's table."""
    from ministack.services import iam

    known = iam._aws_managed_policies
    for name, policy in table().items():
        path = f"{policy['Path'].lstrip('/')}{name}"
        arn = f"arn:aws:iam::aws:policy/{path}"
        if arn in known:
            continue
        record = iam._make_aws_managed_record(path, json.dumps(policy["Document"]))
        version = policy["DefaultVersionId"]
        content = record["Versions"]["v1"] | {"VersionId": version, "CreateDate": policy["UpdateDate"]}
        record["CreateDate"], record["UpdateDate"] = policy["CreateDate"], policy["UpdateDate"]
        known[arn] = record | {"DefaultVersionId": version, "Versions": {version: content}}


def table() -> dict[str, dict[str, Any]]:
    """Return moto's copy of AWS's managed policies by name.

    Only the file with the table runs: importing moto.iam would also patch botocore.
    """
    package = importlib.util.find_spec("moto")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("The package moto is not installed.", name="moto")
    file = Path(package.submodule_search_locations[0]) / "iam" / "aws_managed_policies.py"
    policies: dict[str, dict[str, Any]] = json.loads(runpy.run_path(str(file))["aws_managed_policies_data"])
    return policies


def patch_attachments() -> None:
    """Refuse to attach a policy that does not exist, or one that only service-linked roles can have.

    MiniStack attaches every ARN, and a policy without a document grants nothing. A stack's resource that names such a
    policy fails.
    """
    from ministack.services import iam

    for entity in ("Role", "User", "Group"):
        operation = f"Attach{entity}Policy"
        iam._IAM_HANDLERS[operation] = checked(iam._IAM_HANDLERS[operation])
    original = iam.attach_managed_policy

    def attach(entity: dict[str, Any], arn: str) -> None:
        if problem := refusal(arn):
            raise ValueError(f"{problem[2]} (Service: Iam, Status Code: {problem[0]})")
        original(entity, arn)

    iam.attach_managed_policy = attach


def checked(handler: Callable[[Mapping[str, Any]], Answer]) -> Callable[[Mapping[str, Any]], Answer]:
    """Return an operation that attaches a policy only if it can be attached."""
    from ministack.services import iam

    def attach(parameters: Mapping[str, Any]) -> Answer:
        problem = refusal(iam._p(parameters, "PolicyArn"))
        if problem is None:
            return handler(parameters)
        answer: Answer = iam._error(*problem)
        return answer

    return attach


def refusal(arn: str) -> tuple[int, str, str] | None:
    """Return status, code and message of IAM's error for a policy that cannot be attached, else None."""
    from ministack.services import iam

    if not iam.policy_known(arn):
        return 404, "NoSuchEntity", f"Policy {arn} does not exist or is not attachable."
    if arn.startswith(SERVICE_LINKED):
        return 400, "PolicyNotAttachable", f"Cannot attach the service-linked role policy {arn} to another entity."
    return None


def patch_simulated_names() -> None:
    """Find the user or role that SimulatePrincipalPolicy names by an ARN with a path.

    MiniStack takes the path as part of the name, finds no policy and denies every action.
    """
    from ministack.core import iam_evaluator

    iam_evaluator._gather_user_policies = without_path(iam_evaluator._gather_user_policies)
    iam_evaluator._gather_role_policies = without_path(iam_evaluator._gather_role_policies)


def without_path(gather: Callable[[str, str], list[Any]]) -> Callable[[str, str], list[Any]]:
    """Return `gather`, a function of a name and an account, for a name that can start with a path."""
    return lambda name, account: gather(name.rpartition("/")[2], account)
