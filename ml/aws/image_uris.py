"""The container images of SageMaker's algorithms."""

from ml.errors import UserError


def algorithm_image(region: str) -> str:
    """Return the algorithm's image in a region.

    Raises:
        UserError: the algorithm is not offered there.
    """
    from sagemaker.core import image_uris

    try:
        return str(image_uris.retrieve(framework="image-classification", region=region))
    except ValueError as error:
        raise UserError(f"Image Classification is not offered in {region}; use another region: {error}") from error
