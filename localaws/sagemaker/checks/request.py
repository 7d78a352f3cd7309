"""Check a request before anything acts on it, and say what is wrong as AWS does."""

from typing import Any

from botocore.validate import ParamValidator

from localaws.errors import ServiceError
from localaws.sagemaker.checks.api_model import input_shape
from localaws.sagemaker.checks.constraints import violations


def invalid(message: str) -> ServiceError:
    """Return the error for a request that cannot be carried out as it is."""
    return ServiceError("ValidationException", message)


def validate(operation: str, request: dict[str, Any]) -> None:
    """Return when `request` satisfies the API model.

    Raises:
        ServiceError: ValidationException, for a member that is missing, out of range, not in its value
            set, against its pattern, unknown, or of the wrong type.
    """
    shape = input_shape(operation)
    found = list(violations(shape, request))
    if found:
        noun = "error" if len(found) == 1 else "errors"
        raise invalid(f"{len(found)} validation {noun} detected: {'; '.join(found)}")
    report = ParamValidator().validate(request, shape)
    if report.has_errors():
        raise invalid(" ".join(report.generate_report().split()))
