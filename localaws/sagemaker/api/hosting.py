"""Models, endpoint configs and endpoints: create, describe, list, delete, update."""

import time
from typing import Any

from localaws.errors import ServiceError, invalid
from localaws.identity import Caller
from localaws.sagemaker.api.listing import page
from localaws.sagemaker.arns import Key, key_of
from localaws.sagemaker.aws.access import Access, scalable_targets
from localaws.sagemaker.checks.hosting import check_config, check_model, check_model_data, check_update
from localaws.sagemaker.context import Context
from localaws.sagemaker.hosting.deployment_plan import make_plan
from localaws.sagemaker.hosting.endpoints import Endpoints
from localaws.sagemaker.store import Document

NOUNS = {"Model": "model", "EndpointConfig": "endpoint configuration", "Endpoint": "endpoint"}


class HostingApi:
    """The control plane of hosting."""

    def __init__(self, context: Context, access: Access) -> None:
        self.context = context
        self.store = context.store
        self.access = access
        self.endpoints = Endpoints(context)
        self.operations: dict[str, Any] = {
            "CreateModel": self.create_model,
            "CreateEndpointConfig": self.create_config,
            "CreateEndpoint": self.create_endpoint,
            "UpdateEndpoint": self.update_endpoint,
            "DeleteEndpoint": self.delete_endpoint,
        }
        for kind in NOUNS:
            self.operations[f"Describe{kind}"] = self._describing(kind)
            self.operations[f"List{kind}s"] = self._listing(kind)
        for kind in ("Model", "EndpointConfig"):
            self.operations[f"Delete{kind}"] = self._deleting(kind)

    def create_model(self, caller: Caller, request: Document) -> dict[str, Any]:
        """Create a model. Its artifact must exist."""
        key = key_of(caller, "Model", request["ModelName"])
        self.access.create(caller, "CreateModel", key, request)
        container = check_model(request, self.context.registry)
        self.access.pass_role(caller, request["ExecutionRoleArn"], key)
        clients = self.context.clients(request["ExecutionRoleArn"], request["ModelName"], caller.region)
        check_model_data(clients.objects(), container, request["ExecutionRoleArn"], caller.region)
        document = request | {
            "PrimaryContainer": {"Mode": "SingleModel"} | container,
            "Containers": None,
            "EnableNetworkIsolation": request.get("EnableNetworkIsolation", False),
        }
        return {"ModelArn": self._create(key, document)}

    def create_config(self, caller: Caller, request: Document) -> dict[str, Any]:
        """Create an endpoint config. Its models must exist."""
        key = key_of(caller, "EndpointConfig", request["EndpointConfigName"])
        self.access.create(caller, "CreateEndpointConfig", key, request)
        check_config(request)
        self._models(caller, request)
        return {"EndpointConfigArn": self._create(key, dict(request))}

    def create_endpoint(self, caller: Caller, request: Document) -> dict[str, Any]:
        """Create an endpoint, which comes into service in the background."""
        key = key_of(caller, "Endpoint", request["EndpointName"])
        self.access.create(caller, "CreateEndpoint", key, request)
        config = self._config(caller, "CreateEndpoint", request["EndpointConfigName"])
        plan = make_plan(request["EndpointName"], config, self._models(caller, config))
        document = request | {
            "EndpointStatus": "Creating",
            "LastDeploymentConfig": request.get("DeploymentConfig"),
            "_Next": plan,
        }
        arn = self._create(key, document)
        self.endpoints.create(key, document)
        return {"EndpointArn": arn}

    def update_endpoint(self, caller: Caller, request: Document) -> dict[str, Any]:
        """Change an endpoint to another config. The new containers serve before the old ones end."""
        key = key_of(caller, "Endpoint", request["EndpointName"])
        self.access.use(caller, "UpdateEndpoint", key)
        present = self.store.get(key)
        if present is None:
            raise not_found(key)
        new = self._config(caller, "UpdateEndpoint", request["EndpointConfigName"])
        # An endpoint whose current config was deleted cannot be updated (hashicorp/terraform-provider-aws#48997).
        current = self._config(caller, "UpdateEndpoint", present["EndpointConfigName"])
        check_update(key.arn, current, new, scalable_targets(caller, key.name))
        plan = make_plan(present["EndpointName"], new, self._models(caller, new))

        def change(document: Document) -> None:
            in_status(key, document, "InService")
            document.update(EndpointStatus="Updating", LastModifiedTime=time.time(), _Next=plan)
            if "DeploymentConfig" in request:
                document["LastDeploymentConfig"] = request["DeploymentConfig"]

        if self.store.update(key, change) is None:
            raise not_found(key)
        self.endpoints.update(key, plan)
        return {"EndpointArn": key.arn}

    def delete_endpoint(self, caller: Caller, request: Document) -> dict[str, Any]:
        """Take an endpoint out of service. An endpoint that is being created or updated cannot be deleted."""
        key = key_of(caller, "Endpoint", request["EndpointName"])
        self.access.use(caller, "DeleteEndpoint", key)
        self.access.stop_scaling(caller, key)

        def change(document: Document) -> None:
            in_status(key, document, "InService", "Failed")
            document.update(EndpointStatus="Deleting", LastModifiedTime=time.time())

        if self.store.update(key, change) is None:
            raise not_found(key)
        self.endpoints.delete(key)
        return {}

    def _create(self, key: Key, document: Document) -> str:
        now = time.time()
        tags = document.pop("Tags", [])
        document.update({f"{key.kind}Arn": key.arn, "CreationTime": now, "LastModifiedTime": now, "_Tags": tags})
        if not self.store.create(key, document):
            raise invalid(f'Cannot create already existing {NOUNS[key.kind]} "{key.arn}".')
        return key.arn

    def _config(self, caller: Caller, operation: str, name: str) -> Document:
        key = key_of(caller, "EndpointConfig", name)
        self.access.use(caller, operation, key)
        config = self.store.get(key)
        if config is None:
            raise not_found(key)
        return config

    def _models(self, caller: Caller, config: Document) -> dict[str, Document]:
        models = {}
        for variant in config["ProductionVariants"]:
            key = key_of(caller, "Model", variant["ModelName"])
            model = self.store.get(key)
            if model is None:
                raise not_found(key)
            models[key.name] = model
        return models

    def _describing(self, kind: str) -> Any:
        def describe(caller: Caller, request: Document) -> dict[str, Any]:
            key = key_of(caller, kind, request[f"{kind}Name"])
            self.access.use(caller, f"Describe{kind}", key)
            document = self.store.get(key)
            if document is None:
                raise not_found(key)
            return document

        return describe

    def _listing(self, kind: str) -> Any:
        def listing(caller: Caller, request: Document) -> dict[str, Any]:
            self.access.list(caller, f"List{kind}s")
            documents = list(self.store.all(kind, caller.account, caller.region).values())
            resources, token = page(kind, documents, request)
            return {f"{kind}s": resources, "NextToken": token}

        return listing

    def _deleting(self, kind: str) -> Any:
        def delete(caller: Caller, request: Document) -> dict[str, Any]:
            key = key_of(caller, kind, request[f"{kind}Name"])
            self.access.use(caller, f"Delete{kind}", key)
            if not self.store.delete(key):
                raise not_found(key)
            return {}

        return delete


def not_found(key: Key) -> ServiceError:
    """Return SageMaker's error for a model, endpoint config or endpoint that does not exist."""
    return invalid(f'Could not find {NOUNS[key.kind]} "{key.arn}".')


def in_status(key: Key, document: Document, *allowed: str) -> None:
    """Check that an endpoint is in one of the `allowed` states.

    Raises:
        ServiceError: ValidationException.
    """
    status = document["EndpointStatus"]
    if status in allowed:
        return
    if status == "Failed":
        raise invalid(f'Cannot update endpoint "{key.arn}": it is Failed, and can only be deleted.')
    raise invalid(f'Cannot update in-progress endpoint "{key.arn}".')
