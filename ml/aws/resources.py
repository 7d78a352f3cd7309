"""What jobs of a stage use: bucket, role and key of its storage stack."""

from dataclasses import dataclass

from ml.aws import stacks


@dataclass(frozen=True)
class Resources:
    """Bucket name, ARN of the execution role, and ARN of the KMS key if there is one."""

    bucket: str
    role: str
    key: str | None = None


def of_stage(stage: str) -> Resources:
    """Return the resources of a stage.

    Raises:
        UserError: the storage stack is not deployed.
    """
    outputs = stacks.outputs(stage, "Storage")
    return Resources(outputs["DataBucketName"], outputs["ExecutionRoleArn"], outputs.get("DataKeyArn"))
