"""What jobs of a stage use: bucket, role and key of its storage stack, and the algorithm's container image."""

from dataclasses import dataclass

from ml.aws import clients, stacks
from ml.aws.image_uris import algorithm_image


@dataclass(frozen=True)
class Resources:
    """Bucket name, ARN of the execution role, URI of the algorithm's image, and ARN of the KMS key if there is one."""

    bucket: str
    role: str
    image: str
    key: str | None = None


def of_stage(stage: str) -> Resources:
    """Return the resources of a stage.

    Raises:
        UserError: the storage stack is not deployed, or the region does not offer the algorithm.
    """
    outputs = stacks.outputs(stage, "Storage")
    image = algorithm_image(clients.region())
    return Resources(outputs["DataBucketName"], outputs["ExecutionRoleArn"], image, outputs.get("DataKeyArn"))
