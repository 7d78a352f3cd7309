"""The endpoints' life: into service, from one deployment to the next, out of service, and back after a restart."""

import logging
import shutil
import threading
import time
import uuid
from typing import Any

from localaws.sagemaker.arns import Key
from localaws.sagemaker.context import Context
from localaws.sagemaker.deployment import Deployment, DeploymentError
from localaws.sagemaker.store import Document

log = logging.getLogger("localaws.sagemaker")

LONGEST_REASON = 1024


class Endpoints:
    """The running deployments. Documents keep the plan they follow in `_Plan`, and a new one's in `_Next`."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.lock = threading.Lock()
        self.running: dict[Key, Deployment] = {}
        self.threads: list[threading.Thread] = []

    def create(self, key: Key, document: Document) -> None:
        """Bring a new endpoint, whose document is in the store, into service in the background."""
        self._spawn(self._deploy, key, document["_Next"])

    def update(self, key: Key, plan: Document) -> None:
        """Change an endpoint to another plan in the background: the new one serves before the old one ends."""
        self._spawn(self._deploy, key, plan)

    def delete(self, key: Key) -> None:
        """Take an endpoint out of service in the background, and forget it."""
        self._spawn(self._remove, key)

    def recover(self) -> None:
        """Bring back what a server that ended was serving; interrupted changes are rolled back or begun again."""
        known = self.context.store.all("Endpoint")
        wanted = {
            plan["Id"] for document in known.values() for plan in (document.get("_Plan"), document.get("_Next")) if plan
        }
        for folder in (self.context.work / "Endpoint").glob("*"):
            if folder.name not in wanted:
                shutil.rmtree(folder, ignore_errors=True)
        for key, document in known.items():
            status = document["EndpointStatus"]
            if status == "Deleting":
                self.delete(key)
            elif status == "Creating":
                self.create(key, document)
            elif status in ("InService", "Updating"):
                if status == "Updating":
                    reason = "localaws ended during the update; the endpoint is back at its former configuration."
                    self._update(key, EndpointStatus="InService", FailureReason=reason, _Next=None)
                self._spawn(self._restore, key, document["_Plan"])

    def stop(self) -> None:
        """End every container; the endpoints' states stay as they are."""
        with self.lock:
            deployments, threads = list(self.running.values()), list(self.threads)
        stopping = [threading.Thread(target=each.stop, daemon=True) for each in deployments]
        for thread in stopping:
            thread.start()
        for thread in [*stopping, *threads]:
            thread.join(5)

    def find(self, key: Key) -> Deployment | None:
        """Return the deployment that serves an endpoint now."""
        with self.lock:
            return self.running.get(key)

    def _spawn(self, work: Any, *arguments: Any) -> None:
        thread = threading.Thread(target=work, args=arguments, name=f"endpoint {arguments[0].name}", daemon=True)
        with self.lock:
            self.threads = [each for each in self.threads if each.is_alive()]
            self.threads.append(thread)
        thread.start()

    def _deploy(self, key: Key, plan: Document) -> None:
        """Start a plan; on success it replaces what served before, on failure that stays."""
        failure = None
        try:
            deployment = Deployment(self.context, key, plan)
            deployment.start(self.context.closing.is_set)
        except DeploymentError as error:
            failure = str(error)
        except Exception as error:
            log.exception("endpoint %s", key.name)
            failure = f"InternalServerError: {type(error).__name__}: {error}"
        if self.context.closing.is_set():
            if failure is None:
                deployment.stop()
            return  # the state stays in progress, and the next start goes on from it
        if failure is not None:
            self._failed(key, plan, failure)
            return
        with self.lock:
            former = self.running.get(key)
            self.running[key] = deployment
        now = time.time()
        summaries = [summary(variant, now) for variant in plan["Variants"]]
        self._update(
            key,
            EndpointStatus="InService",
            EndpointConfigName=plan["EndpointConfigName"],
            ProductionVariants=summaries,
            FailureReason=None,
            _Plan=plan,
            _Next=None,
        )
        if former is not None:
            former.stop(self.context.limits.drain)
            shutil.rmtree(former.folder, ignore_errors=True)

    def _failed(self, key: Key, plan: Document, failure: str) -> None:
        log.warning("endpoint %s: %s", key.name, failure)
        shutil.rmtree(self.context.work / "Endpoint" / plan["Id"], ignore_errors=True)
        status = "InService" if self.find(key) else "Failed"
        self._update(key, EndpointStatus=status, FailureReason=failure[:LONGEST_REASON], _Next=None)

    def _restore(self, key: Key, plan: Document) -> None:
        """Start the containers of an endpoint that was in service; only a failure changes its state."""
        try:
            deployment = Deployment(self.context, key, plan)
            with self.lock:
                self.running[key] = deployment  # requests wait for its containers
            deployment.start(self.context.closing.is_set)
        except DeploymentError as error:
            if self.context.closing.is_set():
                return
            log.warning("endpoint %s did not come back: %s", key.name, error)
            with self.lock:
                self.running.pop(key, None)
            self._update(key, EndpointStatus="Failed", FailureReason=str(error)[:LONGEST_REASON])

    def _remove(self, key: Key) -> None:
        with self.lock:
            deployment = self.running.pop(key, None)
        if deployment is not None:
            deployment.stop()
            shutil.rmtree(deployment.folder, ignore_errors=True)
        if not self.context.closing.is_set():
            self.context.store.delete(key)

    def _update(self, key: Key, **changes: Any) -> None:
        def change(document: Document) -> None:
            document.update(changes)
            document["LastModifiedTime"] = time.time()

        self.context.store.update(key, change)


def make_plan(endpoint_name: str, config: Document, models: dict[str, Document]) -> Document:
    """Return what an endpoint runs: the config and its models as they are now; deleting them later changes nothing."""
    variants = [
        {
            "EndpointName": endpoint_name,
            "VariantName": variant["VariantName"],
            "Weight": variant.get("InitialVariantWeight", 1.0),
            "Ping": variant.get("ContainerStartupHealthCheckTimeoutInSeconds"),
            "Count": variant.get("InitialInstanceCount", 1),
            "Serverless": variant.get("ServerlessConfig"),
            "Model": models[variant["ModelName"].lower()],
        }
        for variant in config["ProductionVariants"]
    ]
    return {"Id": uuid.uuid4().hex, "EndpointConfigName": config["EndpointConfigName"], "Variants": variants}


def summary(variant: Document, now: float) -> Document:
    """Return a variant's ProductionVariantSummary. InstanceCount is the config's; one process serves here."""
    image = variant["Model"]["PrimaryContainer"]["Image"]
    found: Document = {
        "VariantName": variant["VariantName"],
        "DeployedImages": [{"SpecifiedImage": image, "ResolvedImage": image, "ResolutionTime": now}],
        "CurrentWeight": variant["Weight"],
        "DesiredWeight": variant["Weight"],
    }
    if variant["Serverless"]:
        return found | {
            "CurrentServerlessConfig": variant["Serverless"],
            "DesiredServerlessConfig": variant["Serverless"],
            "CurrentInstanceCount": 0,
        }
    return found | {"CurrentInstanceCount": variant["Count"], "DesiredInstanceCount": variant["Count"]}
