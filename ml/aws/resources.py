"""What jobs of a stage use: bucket, roles and key of its storage stack."""

from dataclasses import dataclass

from ml.aws import stacks


@dataclass(frozen=True)
class Resources:
    """Bucket name, ARN of the execution role, ARN of the KMS key if there is one, and ARN of the processing jobs' role.

    A storage stack of an earlier version has no such role.
    """

    bucket: str
    role: str
    key: str | None = None
    processing_role: str | None = None


def of_stage(stage: str) -> Resources:
    """Return the resources of a stage.

    Raises:
        UserError: the storage stack is not deployed.
    """
    outputs = stacks.outputs(stage, "Storage")
    return Resources(
        outputs["DataBucketName"],
        outputs["ExecutionRoleArn"],
        outputs.get("DataKeyArn"),
        outputs.get("ProcessingRoleArn"),
    )
