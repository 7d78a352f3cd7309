"""SageMaker's model, endpoint configuration and endpoint as CloudFormation resources."""

import logging
import time
from typing import Any

from localaws.environment import ACCESS_KEY_ID
from localaws.errors import ServiceError
from localaws.gateway import SageMaker
from localaws.identity import Caller
from localaws.ministack.cloudformation.handler import Created, Handler, Properties, generated_name
from localaws.sagemaker.checks.api_model import service_model

ENDPOINT_WAIT_SECONDS = 180

log = logging.getLogger("localaws")


def handlers(sagemaker: SageMaker) -> dict[str, Handler]:
    """Return the handler of each type."""
    return {
        "AWS::SageMaker::Model": named(sagemaker, "Model", "ModelName"),
        "AWS::SageMaker::EndpointConfig": named(sagemaker, "EndpointConfig", "EndpointConfigName"),
        "AWS::SageMaker::Endpoint": endpoint(sagemaker),
    }


def caller() -> Caller:
    """Return the deploying principal: CloudFormation acts for the account whose request it serves."""
    from ministack.core.responses import get_account_id, get_region

    account = get_account_id()
    return Caller(account, get_region(), f"arn:aws:iam::{account}:root", ACCESS_KEY_ID)


def named(sagemaker: SageMaker, kind: str, name_property: str) -> Handler:
    """Return the handler of a type that SageMaker cannot change in place: an update replaces it."""

    def create(logical_id: str, properties: Properties, stack_name: str) -> Created:
        name = properties.get(name_property) or generated_name(stack_name, logical_id)
        request = typed(properties | {name_property: name}, f"Create{kind}")
        answer = sagemaker.control(caller(), f"Create{kind}", request)
        return answer[f"{kind}Arn"], {name_property: name}

    def update(physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str) -> Created:
        from ministack.services.cloudformation import provisioners

        created = create(logical_id, new, stack_name)
        provisioners._delete_predecessor(delete, physical_id, old)
        return created

    def delete(physical_id: str, properties: Properties) -> None:
        name = name_of(sagemaker, kind, physical_id)
        if name is not None:
            delete_if_there(sagemaker, f"Delete{kind}", {name_property: name})

    return {"create": create, "update": update, "update_with_logical_id": True, "delete": delete}


def name_of(sagemaker: SageMaker, kind: str, arn: str) -> str | None:
    """Return the name of a resource by its ARN, which holds it in lower case only; None when there is no such."""
    request: dict[str, Any] = {}
    while True:
        page = sagemaker.control(caller(), f"List{kind}s", request)
        for found in page[f"{kind}s"]:
            if found[f"{kind}Arn"] == arn:
                return str(found[f"{kind}Name"])
        if not page.get("NextToken"):
            return None
        request = {"NextToken": page["NextToken"]}


def endpoint(sagemaker: SageMaker) -> Handler:
    """Return the handler of AWS::SageMaker::Endpoint, which waits until the endpoint is in service."""

    def create(logical_id: str, properties: Properties, stack_name: str) -> Created:
        name = properties.get("EndpointName") or generated_name(stack_name, logical_id)
        answer = sagemaker.control(
            caller(), "CreateEndpoint", typed(properties | {"EndpointName": name}, "CreateEndpoint")
        )
        wait_in_service(sagemaker, name, properties["EndpointConfigName"])
        return answer["EndpointArn"], {"EndpointName": name}

    def update(physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str) -> Created:
        if old.get("EndpointName") != new.get("EndpointName"):
            from ministack.services.cloudformation import provisioners

            replaced = create(logical_id, new, stack_name)
            provisioners._delete_predecessor(delete, physical_id, old)
            return replaced
        name = name_of(sagemaker, "Endpoint", physical_id) or physical_id.rsplit("/", 1)[-1]
        if old.get("EndpointConfigName") != new.get("EndpointConfigName"):
            wanted = {"EndpointName": name, "EndpointConfigName": new["EndpointConfigName"]}
            if "DeploymentConfig" in new:
                wanted["DeploymentConfig"] = new["DeploymentConfig"]
            sagemaker.control(caller(), "UpdateEndpoint", typed(wanted, "UpdateEndpoint"))
            wait_in_service(sagemaker, name, new["EndpointConfigName"])
        return physical_id, {"EndpointName": name}

    def delete(physical_id: str, properties: Properties) -> None:
        found = name_of(sagemaker, "Endpoint", physical_id)
        if found is None:
            return
        name = {"EndpointName": found}
        delete_if_there(sagemaker, "DeleteEndpoint", name)
        deadline = time.monotonic() + ENDPOINT_WAIT_SECONDS
        while time.monotonic() < deadline:
            try:
                sagemaker.control(caller(), "DescribeEndpoint", name)
            except ServiceError:
                return
            time.sleep(0.1)
        raise ValueError(f"The endpoint {name['EndpointName']} was not deleted within {ENDPOINT_WAIT_SECONDS} s.")

    return {"create": create, "update": update, "update_with_logical_id": True, "delete": delete}


def wait_in_service(sagemaker: SageMaker, name: str, config: str) -> None:
    """Return when the endpoint serves `config`.

    Raises:
        ValueError: it failed, was rolled back to another config, or took too long; MiniStack fails the stack.
    """
    deadline = time.monotonic() + ENDPOINT_WAIT_SECONDS
    while time.monotonic() < deadline:
        found = sagemaker.control(caller(), "DescribeEndpoint", {"EndpointName": name})
        if found["EndpointStatus"] == "Failed":
            raise ValueError(f"The endpoint {name} failed: {found.get('FailureReason', 'no reason given')}")
        if found["EndpointStatus"] == "InService":
            if found["EndpointConfigName"] != config:
                raise ValueError(f"The endpoint {name} was rolled back: {found.get('FailureReason', '')}")
            return
        time.sleep(0.1)
    raise ValueError(f"The endpoint {name} was not in service within {ENDPOINT_WAIT_SECONDS} s.")


def delete_if_there(sagemaker: SageMaker, operation: str, name: dict[str, str]) -> None:
    """Delete a resource; one that is gone already is what a stack's deletion wants."""
    try:
        sagemaker.control(caller(), operation, name)
    except ServiceError as error:
        if "not find" not in error.message and "not found" not in error.message:
            raise ValueError(error.message) from error
        log.info("%s %s: gone already", operation, name)


def typed(properties: Properties, operation: str) -> dict[str, Any]:
    """Give a template's values the types of the operation's request: templates may hold "1" and "true"."""
    return dict(coerced(properties, service_model().operation_model(operation).input_shape))


def coerced(value: Any, shape: Any) -> Any:
    """Return `value` with strings turned into the numbers and booleans that `shape` asks for."""
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
