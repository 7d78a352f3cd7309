"""CreateTransformJob, DescribeTransformJob, ListTransformJobs, StopTransformJob."""

import time
from typing import Any

from localaws.errors import ServiceError
from localaws.identity import Caller
from localaws.sagemaker.access import Access
from localaws.sagemaker.arns import key_of
from localaws.sagemaker.context import Context
from localaws.sagemaker.job_rules import check_transform
from localaws.sagemaker.jobs import JobRunner
from localaws.sagemaker.listing import page
from localaws.sagemaker.store import Document
from localaws.sagemaker.transform import TransformJob
from localaws.sagemaker.validation import invalid

KIND = "TransformJob"


class TransformApi:
    """The control plane of transform jobs."""

    def __init__(self, context: Context, access: Access) -> None:
        self.context = context
        self.store = context.store
        self.access = access
        self.runner = JobRunner(context, context.limits.transform_slots, TransformJob)
        self.operations = {
            "CreateTransformJob": self.create,
            "DescribeTransformJob": self.describe,
            "ListTransformJobs": self.list,
            "StopTransformJob": self.stop,
        }

    def create(self, caller: Caller, request: Document) -> dict[str, Any]:
        """Accept a transform job and start it, with the model as it is now."""
        key = key_of(caller, KIND, request["TransformJobName"])
        self.access.create(caller, "CreateTransformJob", key, request)
        model_key = key_of(caller, "Model", request["ModelName"])
        model = self.store.get(model_key)
        if model is None:
            raise invalid(f'Could not find model "{model_key.arn}".')
        check_transform(request, self.context.registry.find(model["PrimaryContainer"]["Image"]))
        now = time.time()
        document = {name: value for name, value in request.items() if name != "Tags"} | {
            "TransformJobArn": key.arn,
            "TransformJobStatus": "InProgress",
            "CreationTime": now,
            "LastModifiedTime": now,
            "_Model": model,
            "_Tags": request.get("Tags", []),
        }
        if not self.store.create(key, document):
            raise ServiceError(
                "ResourceInUse",
                "Job name must be unique within an AWS account and region, and a job with this name already exists "
                f"({key.arn})",
            )
        self.runner.submit(key, document)
        return {"TransformJobArn": key.arn}

    def describe(self, caller: Caller, request: Document) -> dict[str, Any]:
        """Return a transform job."""
        key = key_of(caller, KIND, request["TransformJobName"])
        self.access.use(caller, "DescribeTransformJob", key)
        document = self.store.get(key)
        if document is None:
            raise not_found(request)
        return document

    def list(self, caller: Caller, request: Document) -> dict[str, Any]:
        """Return one page of the transform jobs."""
        self.access.list(caller, "ListTransformJobs")
        documents = list(self.store.all(KIND, caller.account, caller.region).values())
        found, token = page(KIND, documents, request)
        return {"TransformJobSummaries": found, "NextToken": token}

    def stop(self, caller: Caller, request: Document) -> dict[str, Any]:
        """Ask a running transform job to stop."""
        key = key_of(caller, KIND, request["TransformJobName"])
        self.access.use(caller, "StopTransformJob", key)

        def change(document: Document) -> None:
            status = document["TransformJobStatus"]
            if status not in ("InProgress", "Stopping"):
                raise invalid(f"The request was rejected because the transform job is in status {status}.")
            document.update(TransformJobStatus="Stopping", LastModifiedTime=time.time())

        if self.store.update(key, change) is None:
            raise not_found(request)
        self.runner.stop(key)
        return {}


def not_found(request: Document) -> ServiceError:
    """Return SageMaker's error for an unknown transform job."""
    return invalid(f"Could not find requested job with name: {request['TransformJobName']}")
