"""The SageMaker service: control plane, runtime, start and stop."""

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from localaws.errors import ServiceError
from localaws.identity import Caller
from localaws.ministack.policies import Authorizer
from localaws.sagemaker.api.hosting import HostingApi
from localaws.sagemaker.api.model_packages import ModelPackageApi
from localaws.sagemaker.api.processing import ProcessingApi
from localaws.sagemaker.api.tags import Tags
from localaws.sagemaker.api.training import TrainingApi
from localaws.sagemaker.api.transform import TransformApi
from localaws.sagemaker.api.tuning import TuningApi
from localaws.sagemaker.arns import key_of
from localaws.sagemaker.aws.access import Access
from localaws.sagemaker.checks.api_model import serialise, service_model
from localaws.sagemaker.checks.constraints import validate
from localaws.sagemaker.container.registry import Registry, available
from localaws.sagemaker.context import Context, Limits
from localaws.sagemaker.hosting.runtime import Runtime, RuntimeResponse
from localaws.sagemaker.service_quotas import ServiceQuotas
from localaws.sagemaker.store import Store

CONCURRENT_INVOCATIONS = 32
STOP_SECONDS = 3.0


class SageMakerService:
    """SageMaker for every account and region of this AWS."""

    def __init__(
        self,
        state_dir: Path,
        endpoint_url: str,
        authorizer: Authorizer,
        registry: Registry | None = None,
        limits: Limits | None = None,
    ) -> None:
        """Open the state in `state_dir`, and fail the jobs that an earlier server left in progress.

        Args:
            endpoint_url: URL of localaws; jobs use its S3, Logs and CloudWatch.
            registry: the images that can run (default: all that localaws has).
            limits: time limits and job numbers (default: SageMaker's own where it has them).

        Raises:
            StartError: the state is damaged or cannot be written.
        """
        self.context = Context(
            store=Store(state_dir / "resources.sqlite"),
            registry=registry or available(),
            limits=limits or Limits(),
            authorizer=authorizer,
            endpoint_url=endpoint_url,
            work=state_dir / "work",
        )
        self.access = Access(authorizer)
        self.training = TrainingApi(self.context, self.access)
        self.transform = TransformApi(self.context, self.access)
        self.tuning = TuningApi(self.context, self.access, self.training)
        self.processing = ProcessingApi(self.context, self.access)
        self.hosting = HostingApi(self.context, self.access)
        tags = Tags(self.context.store, self.access)
        packages = ModelPackageApi(self.context.store, self.access)
        parts = (self.training, self.transform, self.tuning, self.processing, self.hosting, packages, tags)
        self.operations: dict[str, Any] = {name: call for part in parts for name, call in part.operations.items()}
        self.service_quotas = ServiceQuotas(authorizer)
        self.runtime = Runtime(self.context, self.hosting.endpoints)
        self.invocations = ThreadPoolExecutor(CONCURRENT_INVOCATIONS, thread_name_prefix="invoke")

    async def start(self) -> None:
        """Bring the endpoints of an earlier server back into service. They need this server's S3."""
        await asyncio.to_thread(self.hosting.endpoints.recover)

    async def stop(self) -> None:
        """End every child process. Jobs fail with a reason; endpoints return to service at the next start."""
        self.context.closing.set()
        await asyncio.to_thread(self._end)

    def _end(self) -> None:
        threads = [
            threading.Thread(target=self.training.runner.join, args=(STOP_SECONDS,), daemon=True),
            threading.Thread(target=self.tuning.runner.join, args=(STOP_SECONDS,), daemon=True),
            threading.Thread(target=self.transform.runner.join, args=(STOP_SECONDS,), daemon=True),
            threading.Thread(target=self.processing.runner.join, args=(STOP_SECONDS,), daemon=True),
            threading.Thread(target=self.hosting.endpoints.stop, daemon=True),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(STOP_SECONDS + 2)
        self.invocations.shutdown(wait=False, cancel_futures=True)
        self.context.store.close()

    def control(self, caller: Caller, operation: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Carry out one operation of the control plane and return its response. Thread-safe.

        Raises:
            ServiceError: the request is refused.
        """
        handler = self.operations.get(operation)
        if handler is None:
            raise unknown(operation, sorted(self.operations))
        validate(operation, payload)
        return serialise(operation, handler(caller, payload))

    def quotas(self, caller: Caller, operation: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Carry out one operation of Service Quotas and return its response; see `ServiceQuotas.control`."""
        return self.service_quotas.control(caller, operation, payload)

    async def invoke_endpoint(
        self, caller: Caller, endpoint_name: str, headers: Mapping[str, str], body: bytes
    ) -> RuntimeResponse:
        """Answer InvokeEndpoint; see Runtime.invoke for the errors."""
        key = key_of(caller, "Endpoint", endpoint_name)
        self.access.use(caller, "InvokeEndpoint", key)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self.invocations, self.runtime.invoke, key, endpoint_name, dict(headers), body
        )


def unknown(operation: str, available: list[str]) -> ServiceError:
    """Return the error for an operation that SageMaker or localaws does not have."""
    service = "SageMaker in localaws" if operation in service_model().operation_names else "SageMaker"
    return ServiceError(
        "UnknownOperationException",
        f"{service} has no operation {operation or '(none)'}. Available in localaws: {', '.join(available)}.",
    )
