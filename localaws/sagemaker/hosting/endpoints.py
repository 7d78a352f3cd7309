"""The states of endpoints: creation, update, deletion, and recovery after a restart."""

import logging
import shutil
import threading
import time
from typing import Any

from localaws.sagemaker.arns import Key
from localaws.sagemaker.context import LONGEST_REASON, Context
from localaws.sagemaker.hosting.deployment import Deployment, DeploymentError
from localaws.sagemaker.hosting.deployment_plan import summary
from localaws.sagemaker.store import Document

log = logging.getLogger("localaws.sagemaker")


class Endpoints:
    """The running deployments. A document holds the plan in service in `_Plan` and the next one in `_Next`."""

    def __init__(self, context: Context) -> None:
        """Read the endpoints of an earlier server before any request changes them; `recover` restores them."""
        self.context = context
        self.changed = threading.Condition()
        self.running: dict[Key, Deployment] = {}
        self.threads: list[threading.Thread] = []
        self.previous = context.store.all("Endpoint")
        self.returning = {
            key for key, document in self.previous.items() if document["EndpointStatus"] in ("InService", "Updating")
        }
        self._remove_unused_folders()

    def create(self, key: Key, document: Document) -> None:
        """Bring a new endpoint into service in the background. Its document is in the store."""
        self._spawn(self._deploy, key, document["_Next"])

    def update(self, key: Key, plan: Document) -> None:
        """Change an endpoint to another plan in the background. The new one serves before the old one ends."""
        self._spawn(self._deploy, key, plan)

    def delete(self, key: Key) -> None:
        """Take an endpoint out of service and delete it, in the background."""
        self._spawn(self._remove, key)

    def recover(self) -> None:
        """Restore the endpoints of an earlier server: roll back updates, repeat creations and deletions."""
        for key, document in self.previous.items():
            present = self.context.store.get(key)
            if present is None or present["EndpointStatus"] != document["EndpointStatus"]:
                self._returned(key)  # a request to this server has changed it
            elif document["EndpointStatus"] == "Deleting":
                self.delete(key)
            elif document["EndpointStatus"] == "Creating":
                self.create(key, document)
            elif key in self.returning:
                if document["EndpointStatus"] == "Updating":
                    reason = "localaws ended during the update; the endpoint has its former configuration again."
                    self._update(key, EndpointStatus="InService", FailureReason=reason, _Next=None)
                self._spawn(self._restore, key, document["_Plan"])

    def _remove_unused_folders(self) -> None:
        members = [document.get(name) for document in self.previous.values() for name in ("_Plan", "_Next")]
        plans = [plan for plan in members if plan]
        used = {plan["Id"] for plan in plans}
        for folder in (self.context.work / "Endpoint").glob("*"):
            if folder.name not in used:
                shutil.rmtree(folder, ignore_errors=True)

    def _returned(self, key: Key) -> None:
        with self.changed:
            self.returning.discard(key)
            self.changed.notify_all()

    def stop(self) -> None:
        """End every container. The states of the endpoints do not change."""
        with self.changed:
            deployments, threads = list(self.running.values()), list(self.threads)
        stopping = [threading.Thread(target=deployment.stop, daemon=True) for deployment in deployments]
        for thread in stopping:
            thread.start()
        for thread in [*stopping, *threads]:
            thread.join(5)

    def find(self, key: Key, seconds: float = 0) -> Deployment | None:
        """Return the deployment of an endpoint, waiting `seconds` for one that is being restored."""
        with self.changed:
            self.changed.wait_for(lambda: key in self.running or key not in self.returning, seconds)
            return self.running.get(key)

    def _spawn(self, work: Any, *arguments: Any) -> None:
        thread = threading.Thread(target=work, args=arguments, name=f"endpoint {arguments[0].name}", daemon=True)
        with self.changed:
            self.threads = [running for running in self.threads if running.is_alive()]
            self.threads.append(thread)
        thread.start()

    def _deploy(self, key: Key, plan: Document) -> None:
        """Start a plan. It replaces the former deployment, which stays if the plan fails."""
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
            return  # the state stays in progress; the next start recovers it
        if failure is not None:
            self._failed(key, plan, failure)
            return
        with self.changed:
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
        """Start the containers of an endpoint that was in service. Only a failure changes its state."""
        try:
            deployment = Deployment(self.context, key, plan)
            with self.changed:
                self.running[key] = deployment  # requests wait for its containers
                self.changed.notify_all()
            deployment.start(self.context.closing.is_set)
        except DeploymentError as error:
            if self.context.closing.is_set():
                return
            log.warning("endpoint %s did not come back: %s", key.name, error)
            with self.changed:
                self.running.pop(key, None)
            self._update(key, EndpointStatus="Failed", FailureReason=str(error)[:LONGEST_REASON])
        finally:
            self._returned(key)

    def _remove(self, key: Key) -> None:
        with self.changed:
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
