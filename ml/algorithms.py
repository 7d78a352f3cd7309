"""The two algorithms: SageMaker's Image Classification, and the project's own network in PyTorch's container."""

import re
from collections.abc import Mapping
from typing import Any

import botocore.session

from ml.errors import UserError

BUILT_IN = "image-classification"
PYTORCH = "pytorch"
NAMES = (BUILT_IN, PYTORCH)
DEFAULT_INSTANCE = {BUILT_IN: "ml.g4dn.xlarge", PYTORCH: "ml.m5.4xlarge"}
"""Instance type of training. PyTorch's is that of the transform jobs, with 16 vCPUs; new accounts have no GPU."""
GPU_FAMILIES = ("p2", "p3", "g4dn", "g5")
"""Documented for the built-in algorithm. Its CUDA 11.1 supports compute capabilities up to 8.6: no L4, L40S or H100."""
CPU_TYPE = re.compile(r"ml\.[cmrt]\d[a-z0-9-]*\.[a-z0-9]+")
"""Types without an accelerator (TrainingInstanceType). The CPU image would leave a GPU idle."""


def chosen(given: str | None, settings: Mapping[str, Any]) -> str:
    """Return the given algorithm, or the one in the settings of a stage.

    Raises:
        UserError: there is no such algorithm.
    """
    name = given or settings.get("algorithm", BUILT_IN)
    if name not in NAMES:
        raise UserError(f"algorithm is {name!r}; it must be {' or '.join(NAMES)}.", 2)
    return str(name)


def check_instance_type(algorithm: str, instance_type: str) -> None:
    """Check that an algorithm can train on an instance type.

    Raises:
        UserError: it cannot.
    """
    if algorithm == BUILT_IN:
        match = re.fullmatch(r"ml\.([a-z0-9]+)\.[a-z0-9]+", instance_type)
        allowed = match is not None and match[1] in GPU_FAMILIES
        use = f"ml.{'.*, ml.'.join(GPU_FAMILIES)}.* (the CUDA 11.1 of its container does not support newer GPUs)"
    else:
        allowed = CPU_TYPE.fullmatch(instance_type) is not None and instance_type in training_types()
        use = "a CPU type that SageMaker offers for training, such as ml.m5.4xlarge or ml.c5.4xlarge"
    if not allowed:
        raise UserError(f"--instance-type {instance_type} cannot run the algorithm {algorithm}; use {use}.", code=2)


def training_types() -> list[str]:
    """Return the instance types of CreateTrainingJob."""
    shape = botocore.session.get_session().get_service_model("sagemaker").shape_for("TrainingInstanceType")
    return list(shape.enum)
