"""botocore's model of an API: the requests and responses of its operations."""

import functools
from typing import Any

import botocore.session
from botocore.model import ServiceModel


@functools.cache
def service_model(service: str = "sagemaker") -> Any:
    """Return botocore's ServiceModel of a service's control plane (the file boto3 itself reads)."""
    loader = botocore.session.get_session().get_component("data_loader")
    return ServiceModel(loader.load_service_model(service, "service-2"), service)


def input_shape(operation: str, service: str = "sagemaker") -> Any:
    """Return the shape of an operation's request."""
    return service_model(service).operation_model(operation).input_shape


def serialise(operation: str, document: dict[str, Any]) -> dict[str, Any]:
    """Return the members of `document` that belong to the operation's response, without those that are None.

    Times are seconds since the epoch, the JSON 1.1 form of a timestamp.
    """
    shape = service_model().operation_model(operation).output_shape
    return {} if shape is None else dict(filtered(shape, document))


def filtered(shape: Any, value: Any) -> Any:
    """Return `value` with only the members of `shape`, at every level."""
    if shape.type_name == "structure":
        return {
            name: filtered(member, value[name]) for name, member in shape.members.items() if value.get(name) is not None
        }
    if shape.type_name == "list":
        return [filtered(shape.member, item) for item in value]
    if shape.type_name == "timestamp":
        return round(float(value), 3)
    return value
