"""The control plane that all kinds of jobs share: start, describe, list and stop a job."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from localaws.errors import ServiceError, invalid
from localaws.identity import Caller
from localaws.sagemaker.api.listing import page
from localaws.sagemaker.arns import Key, key_of
from localaws.sagemaker.aws.access import Access
from localaws.sagemaker.context import Context
from localaws.sagemaker.jobs.job import Job, JobRunner, Slots
from localaws.sagemaker.store import Document


class JobApi(ABC):
    """The control plane of one kind of jobs.

    Attributes:
        kind: TrainingJob, TransformJob, ProcessingJob or HyperParameterTuningJob.
        noun: the name of such a job in AWS's sentences.
    """

    kind: str
    noun: str

    def __init__(
        self, context: Context, access: Access, slots: int, job: Callable[[Context, Slots, Key, Document], Job]
    ) -> None:
        self.context = context
        self.store = context.store
        self.access = access
        self.runner = JobRunner(context, self.kind, slots, job)
        self.operations = {
            f"Create{self.kind}": self.create,
            f"Describe{self.kind}": self.describe,
            f"List{self.kind}s": self.list,
            f"Stop{self.kind}": self.stop,
        }

    @abstractmethod
    def create(self, caller: Caller, request: Document) -> dict[str, Any]:
        """Accept a job and start it."""

    def not_found(self, name: str) -> ServiceError:
        """Return SageMaker's error for a job that does not exist."""
        return invalid(f"Could not find requested job with name: {name}")

    def in_use(self, key: Key) -> ServiceError:
        """Return SageMaker's error for a name that is taken."""
        return ServiceError(
            "ResourceInUse",
            "Job name must be unique within an AWS account and region, and a job with this name already exists "
            f"({key.arn})",
        )

    def stopping(self, document: Document) -> None:
        """Record that a job is stopping."""
        document.update({f"{self.kind}Status": "Stopping", "LastModifiedTime": time.time()})

    def start(self, key: Key, document: Document) -> dict[str, Any]:
        """Add a job to the store, start it and return the response of its Create operation.

        Raises:
            ServiceError: ResourceInUse.
        """
        if not self.runner.submit(key, document):
            raise self.in_use(key)
        return {f"{self.kind}Arn": key.arn}

    def describe(self, caller: Caller, request: Document) -> dict[str, Any]:
        """Return a job."""
        key = self._key(caller, "Describe", request)
        document = self.store.get(key)
        if document is None:
            raise self.not_found(request[f"{self.kind}Name"])
        return document

    def list(self, caller: Caller, request: Document) -> dict[str, Any]:
        """Return one page of the jobs."""
        self.access.list(caller, f"List{self.kind}s")
        documents = list(self.store.all(self.kind, caller.account, caller.region).values())
        jobs, token = page(self.kind, documents, request)
        return {f"{self.kind}Summaries": jobs, "NextToken": token}

    def stop(self, caller: Caller, request: Document) -> dict[str, Any]:
        """Stop a running job. A job that is stopping already is left alone."""
        key = self._key(caller, "Stop", request)

        def change(document: Document) -> None:
            status = document[f"{self.kind}Status"]
            if status not in ("InProgress", "Stopping"):
                raise invalid(f"The request was rejected because the {self.noun} is in status {status}.")
            self.stopping(document)

        if self.store.update(key, change) is None:
            raise self.not_found(request[f"{self.kind}Name"])
        self.runner.stop(key)
        return {}

    def _key(self, caller: Caller, verb: str, request: Document) -> Key:
        key = key_of(caller, self.kind, request[f"{self.kind}Name"])
        self.access.use(caller, f"{verb}{self.kind}", key)
        return key
