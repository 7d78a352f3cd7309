"""What SageMaker and localaws refuse in a model package beyond the API model."""

from collections.abc import Mapping

from localaws.errors import invalid
from localaws.sagemaker.store import Document

MAX_PROPERTIES = 50
"""CustomerMetadataProperties of one version (API model)."""
NO_TAGS = "Tags are not supported in Model Package versions. Please add them to the Model Package Group"


def check_package(request: Document) -> None:
    """Check a CreateModelPackage request.

    Raises:
        ServiceError: ValidationException.
    """
    if {"ModelPackageName", "ModelPackageGroupName"} <= request.keys():
        raise invalid(
            "Both ModelPackageName and ModelPackageGroupName are provided in the input. Cannot determine which one to "
            "use."
        )
    if "ModelPackageName" in request:
        raise invalid("localaws has versioned model packages only: give ModelPackageGroupName, not ModelPackageName.")
    if "ModelPackageGroupName" not in request:
        raise invalid("Missing ARN.")
    if request.get("Tags"):
        raise invalid(NO_TAGS)


def check_properties(properties: Mapping[str, str]) -> None:
    """Check the number of a version's CustomerMetadataProperties after an update.

    Raises:
        ServiceError: ValidationException.
    """
    if len(properties) > MAX_PROPERTIES:
        raise invalid(
            f"A model package has at most {MAX_PROPERTIES} CustomerMetadataProperties; it would have {len(properties)}."
        )
