"""Requests of training jobs, for the tests of several modules."""

from ml.aws.resources import Resources
from ml.training import hyperparameters, request
from ml.training.script_mode import Program

RESOURCES = Resources("images", "arn:aws:iam::123456789012:role/execution")
PROGRAM = Program("registry/image-classification:1", "us-east-1")


def built(**compute: object) -> dict[str, object]:
    """Return the request of a training job with the default hyperparameters."""
    sent = hyperparameters.resolve({}, 4566, 2)
    return request.build("job", "chest-xray/0123", RESOURCES, PROGRAM, sent, request.Compute(**compute))  # type: ignore[arg-type]
