"""What the deployed stacks say about themselves."""

import botocore.exceptions

from ml.aws.clients import client
from ml.errors import UserError


def outputs(stage: str, stack: str) -> dict[str, str]:
    """Return the outputs of Pneumonia-<stage>-<stack> by name.

    Raises:
        UserError: it is not deployed.
    """
    name = f"Pneumonia-{stage}-{stack}"
    missing = UserError(f"Stack {name} is not deployed; run `cdk deploy {name} -c stage={stage}` first.")
    try:
        stacks = client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except botocore.exceptions.ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            raise missing from error
        raise
    if not stacks or stacks[0]["StackStatus"].startswith("DELETE"):
        raise missing
    return {output["OutputKey"]: output["OutputValue"] for output in stacks[0].get("Outputs", [])}
