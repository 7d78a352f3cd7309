"""CloudFormation's resource types of SageMaker: model, endpoint config and endpoint."""

import logging
import time
from collections.abc import Callable
from typing import Any

from localaws.environment import ACCESS_KEY_ID
from localaws.errors import ServiceError
from localaws.identity import Caller
from localaws.ministack.account_scope import current_scope
from localaws.ministack.cloudformation.resources import Created, Handler, Properties, delete_replaced, generated_name
from localaws.sagemaker.checks.api_model import service_model

Control = Callable[[Caller, str, dict[str, Any]], dict[str, Any]]
"""SageMaker's control plane: carries out an operation for a caller and returns its response."""

ENDPOINT_WAIT_SECONDS = 180

log = logging.getLogger("localaws")


def handlers(control: Control) -> dict[str, Handler]:
    """Return the handler of each type."""
    return {
        "AWS::SageMaker::Model": immutable_handler(control, "Model", "ModelName"),
        "AWS::SageMaker::EndpointConfig": immutable_handler(control, "EndpointConfig", "EndpointConfigName"),
        "AWS::SageMaker::Endpoint": endpoint_handler(control),
    }


def caller() -> Caller:
    """Return the root of the account whose stack is deployed."""
    account, region = current_scope()
    return Caller(account, region, f"arn:aws:iam::{account}:root", ACCESS_KEY_ID)


def immutable_handler(control: Control, kind: str, name_property: str) -> Handler:
    """Return the handler of a type that SageMaker cannot change in place. An update replaces the resource."""

    def create(logical_id: str, properties: Properties, stack_name: str) -> Created:
        name = properties.get(name_property) or generated_name(stack_name, logical_id)
        request = typed(properties | {name_property: name}, f"Create{kind}")
        answer = control(caller(), f"Create{kind}", request)
        return answer[f"{kind}Arn"], {name_property: name}

    def update(physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str) -> Created:
        name = new.get(name_property)
        if name and name == old.get(name_property):
            raise ValueError(
                "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
                f"Rename {name} and update the stack again."
            )
        created = create(logical_id, new, stack_name)
        delete_replaced(delete, physical_id, old)
        return created

    def delete(physical_id: str, properties: Properties) -> None:
        name = name_of(control, kind, physical_id)
        if name is not None:
            delete_if_exists(control, f"Delete{kind}", {name_property: name})

    return {"create": create, "update": update, "update_with_logical_id": True, "delete": delete}


def name_of(control: Control, kind: str, arn: str) -> str | None:
    """Return the name of a resource, None if it does not exist. The ARN holds the name in lower case only."""
    request: dict[str, Any] = {}
    while True:
        page = control(caller(), f"List{kind}s", request)
        for resource in page[f"{kind}s"]:
            if resource[f"{kind}Arn"] == arn:
                return str(resource[f"{kind}Name"])
        if not page.get("NextToken"):
            return None
        request = {"NextToken": page["NextToken"]}


def endpoint_handler(control: Control) -> Handler:
    """Return the handler of AWS::SageMaker::Endpoint, which waits until the endpoint is in service."""

    def create(logical_id: str, properties: Properties, stack_name: str) -> Created:
        name = properties.get("EndpointName") or generated_name(stack_name, logical_id)
        answer = control(caller(), "CreateEndpoint", typed(properties | {"EndpointName": name}, "CreateEndpoint"))
        wait_in_service(control, name)
        return answer["EndpointArn"], {"EndpointName": name}

    def update(physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str) -> Created:
        if old.get("EndpointName") != new.get("EndpointName"):
            created = create(logical_id, new, stack_name)
            delete_replaced(delete, physical_id, old)
            return created
        name = name_of(control, "Endpoint", physical_id) or physical_id.rsplit("/", 1)[-1]
        if old.get("EndpointConfigName") != new.get("EndpointConfigName"):
            request = {"EndpointName": name, "EndpointConfigName": new["EndpointConfigName"]}
            if "DeploymentConfig" in new:
                request["DeploymentConfig"] = new["DeploymentConfig"]
            control(caller(), "UpdateEndpoint", typed(request, "UpdateEndpoint"))
            wait_in_service(control, name)
        return physical_id, {"EndpointName": name}

    def delete(physical_id: str, properties: Properties) -> None:
        endpoint_name = name_of(control, "Endpoint", physical_id)
        if endpoint_name is None:
            return
        name = {"EndpointName": endpoint_name}
        delete_if_exists(control, "DeleteEndpoint", name)
        deadline = time.monotonic() + ENDPOINT_WAIT_SECONDS
        while time.monotonic() < deadline:
            try:
                control(caller(), "DescribeEndpoint", name)
            except ServiceError:
                return
            time.sleep(0.1)
        raise ValueError(f"The endpoint {endpoint_name} was not deleted within {ENDPOINT_WAIT_SECONDS} s.")

    return {"create": create, "update": update, "update_with_logical_id": True, "delete": delete}


def wait_in_service(control: Control, name: str) -> None:
    """Wait until the endpoint is in service, with its new or, after a rollback, its former configuration.

    AWS does not document whether CloudFormation compares the configuration. localaws assumes the worse case, that it
    does not, as Terraform (hashicorp/terraform-provider-aws#48997). The stack is then complete after a rollback.

    Raises:
        ValueError: it failed, or took too long; MiniStack fails the stack.
    """
    deadline = time.monotonic() + ENDPOINT_WAIT_SECONDS
    while time.monotonic() < deadline:
        description = control(caller(), "DescribeEndpoint", {"EndpointName": name})
        if description["EndpointStatus"] == "Failed":
            raise ValueError(f"The endpoint {name} failed: {description.get('FailureReason', 'no reason given')}")
        if description["EndpointStatus"] == "InService":
            return
        time.sleep(0.1)
    raise ValueError(f"The endpoint {name} was not in service within {ENDPOINT_WAIT_SECONDS} s.")


def delete_if_exists(control: Control, operation: str, name: dict[str, str]) -> None:
    """Delete a resource unless it no longer exists."""
    try:
        control(caller(), operation, name)
    except ServiceError as error:
        if "not find" not in error.message and "not found" not in error.message:
            raise ValueError(error.message) from error
        log.info("%s %s: already deleted", operation, name)


def typed(properties: Properties, operation: str) -> dict[str, Any]:
    """Return a template's properties with the types of the operation's request; a template may hold "1" and "true"."""
    return dict(coerced(properties, service_model().operation_model(operation).input_shape))


def coerced(value: Any, shape: Any) -> Any:
    """Return `value` with strings converted to the numbers and booleans of `shape`."""
    if shape.type_name == "structure" and isinstance(value, dict):
        return {name: coerced(item, shape.members[name]) for name, item in value.items() if name in shape.members}
    if shape.type_name == "list" and isinstance(value, list):
        return [coerced(item, shape.member) for item in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {name: coerced(item, shape.value) for name, item in value.items()}
    if isinstance(value, str) and shape.type_name == "boolean":
        return value.lower() == "true"
    if isinstance(value, str) and shape.type_name in ("integer", "long"):
        return int(value)
    if isinstance(value, str) and shape.type_name in ("float", "double"):
        return float(value)
    return value
