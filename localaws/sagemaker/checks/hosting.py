"""What SageMaker and localaws refuse in a model or an endpoint config beyond the API model."""

import logging
from collections.abc import Collection

from localaws.errors import invalid
from localaws.sagemaker.aws.objects import Objects
from localaws.sagemaker.aws.transfer import DataError, list_prefix
from localaws.sagemaker.container.model_files import artifact
from localaws.sagemaker.container.registry import Registry
from localaws.sagemaker.store import Document

log = logging.getLogger("localaws.sagemaker")

UNAVAILABLE = ("AsyncInferenceConfig", "ExplainerConfig", "ShadowProductionVariants")
"""Members of an endpoint config that would change what InvokeEndpoint does."""


def check_model(request: Document, registry: Registry) -> Document:
    """Return the container of a CreateModel request after checking that it can be served.

    Raises:
        ServiceError: ValidationException.
    """
    containers = request.get("Containers", [])
    if "PrimaryContainer" in request:
        containers = [request["PrimaryContainer"], *containers]
    if len(containers) != 1:
        raise invalid(f"A model has one container in localaws; the request has {len(containers)}.")
    container: Document = containers[0]
    if "Image" not in container:
        raise invalid("The container must have an Image: model packages do not run here.")
    if container.get("Mode", "SingleModel") != "SingleModel":
        raise invalid("Multi-model containers are not available in localaws; set Mode to SingleModel.")
    if "ExecutionRoleArn" not in request:
        raise invalid("ExecutionRoleArn must be set: the container reads its artifact with that role.")
    registry.find(container["Image"])
    return container


def check_model_data(s3: Objects, container: Document, role_arn: str, region: str) -> None:
    """Check that the container's artifact exists. SageMaker does so before it accepts a model.

    Raises:
        ServiceError: ValidationException.
    """
    location = artifact(container)
    if location is None:
        return
    uri, packed = location
    try:
        objects = list_prefix(s3, uri, limit=1)
    except DataError as error:
        raise invalid(
            f'Could not access model data at {uri}. Please ensure that the role "{role_arn}" exists and that its trust '
            'relationship policy allows the action "sts:AssumeRole" for the service principal '
            '"sagemaker.amazonaws.com". Also ensure that the role has "s3:GetObject" and "s3:ListBucket" permissions '
            f"and that the object is located in {region}. {error}"
        ) from error
    if not objects or (packed and f"s3://{objects[0].bucket}/{objects[0].key}" != uri):
        raise invalid(f"Could not find model data at {uri}.")


def check_config(request: Document) -> None:
    """Check that an endpoint config can be served.

    Raises:
        ServiceError: ValidationException.
    """
    for member in UNAVAILABLE:
        if request.get(member):
            raise invalid(f"{member} is not available in localaws.")
    if request.get("DataCaptureConfig", {}).get("EnableCapture"):
        log.info("%s: DataCaptureConfig is stored; localaws captures nothing", request["EndpointConfigName"])
    names = [variant["VariantName"] for variant in request["ProductionVariants"]]
    if len(set(names)) != len(names):
        raise invalid(f"Variant names must be unique; the request has {', '.join(names)}.")
    for variant in request["ProductionVariants"]:
        if "AcceleratorType" in variant:
            raise invalid(f"Variant {variant['VariantName']} has an AcceleratorType; Elastic Inference is retired.")
        if "ModelName" not in variant:
            raise invalid(
                f"Variant {variant['VariantName']} must have a ModelName: inference components do not run here."
            )
        if "ServerlessConfig" in variant:
            if "InstanceType" in variant or "InitialInstanceCount" in variant:
                raise invalid(
                    f"Variant {variant['VariantName']} has a ServerlessConfig; it cannot have InstanceType or "
                    "InitialInstanceCount as well."
                )
        elif "InitialInstanceCount" not in variant or not {"InstanceType", "InstancePools"} & set(variant):
            raise invalid(
                f"Variant {variant['VariantName']} must have InstanceType and InitialInstanceCount, "
                "or a ServerlessConfig."
            )


def check_update(arn: str, current: Document, new: Document, scaled: Collection[str]) -> None:
    """Check that an endpoint can change from one config to another.

    SageMaker documents both refusals but not their text (developer guide, "Update a serverless endpoint" and
    "Update endpoints that use auto scaling"). It does not say whether serverless to instances is possible.

    Args:
        arn: of the endpoint.
        scaled: names of its variants that are scalable targets of Application Auto Scaling.

    Raises:
        ServiceError: ValidationException.
    """
    variants = {variant["VariantName"]: variant for variant in new["ProductionVariants"]}
    for before in current["ProductionVariants"]:
        name = before["VariantName"]
        after = variants.get(name, {})
        if "InstanceType" in before and "ServerlessConfig" in after:
            raise invalid(
                f'Cannot update endpoint "{arn}": updating a real-time endpoint to a serverless endpoint is not '
                f"supported (variant {name})."
            )
        if name in scaled and before.get("InstanceType") != after.get("InstanceType"):
            raise invalid(
                f'Cannot update endpoint "{arn}": variant {name} is a scalable target of Application Auto Scaling, and '
                f"the update changes its instance type from {before.get('InstanceType')} to "
                f"{after.get('InstanceType')}. Deregister the scalable target first."
            )
