"""The container images of the algorithms, from sagemaker-core's tables."""

from ml.algorithms import BUILT_IN, PYTORCH
from ml.errors import UserError

PYTORCH_VERSION, PYTHON_VERSION = "2.6.0", "py312"
"""The newest PyTorch of which AWS has an image for training and one for inference (sagemaker-core 2.27.0)."""
CPU_TYPE = "ml.m5.large"
"""Any CPU type: it selects the CPU image."""


def training_image(algorithm: str, region: str) -> str:
    """Return the image that trains an algorithm in a region.

    Raises:
        UserError: the algorithm is not offered there.
    """
    return image(algorithm, region, "training")


def inference_container(algorithm: str, region: str) -> dict[str, str | dict[str, str]]:
    """Return the image and the environment with which an algorithm's model is served in a region.

    The environment is that of SDK v2's `PyTorchModel`. The artifact holds its code, and the container needs no network.
    Without SAGEMAKER_MODEL_SERVER_WORKERS, TorchServe starts a worker for each vCPU.

    Raises:
        UserError: the algorithm is not offered there.
    """
    environment = {
        "SAGEMAKER_PROGRAM": "inference.py",
        "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
        "SAGEMAKER_CONTAINER_LOG_LEVEL": "20",
        "SAGEMAKER_REGION": region,
    }
    return {
        "image": image(algorithm, region, "inference"),
        "environment": environment if algorithm == PYTORCH else {},
    }


def image(algorithm: str, region: str, scope: str) -> str:
    """Return an algorithm's image for training or inference; the built-in algorithm has one for both.

    Raises:
        UserError: the algorithm is not offered in the region.
    """
    from sagemaker.core import image_uris

    version = {"version": PYTORCH_VERSION, "py_version": PYTHON_VERSION, "instance_type": CPU_TYPE}
    details = {} if algorithm == BUILT_IN else {**version, "image_scope": scope}
    try:
        return str(image_uris.retrieve(framework=algorithm, region=region, **details))
    except ValueError as error:
        raise UserError(f"The algorithm {algorithm} is not offered in {region}; use another region: {error}") from error
