"""CreateTransformJob, DescribeTransformJob, ListTransformJobs, StopTransformJob."""

import time
from typing import Any

from localaws.errors import invalid
from localaws.identity import Caller
from localaws.sagemaker.api.job_api import JobApi
from localaws.sagemaker.arns import key_of
from localaws.sagemaker.aws.access import Access
from localaws.sagemaker.checks.jobs import check_transform
from localaws.sagemaker.context import Context
from localaws.sagemaker.jobs.transform import TransformJob
from localaws.sagemaker.store import Document


class TransformApi(JobApi):
    """The control plane of transform jobs."""

    kind = "TransformJob"
    noun = "transform job"

    def __init__(self, context: Context, access: Access) -> None:
        super().__init__(context, access, context.limits.transform_slots, TransformJob)

    def create(self, caller: Caller, request: Document) -> dict[str, Any]:
        """Accept a transform job and start it with the model as it is now."""
        key = key_of(caller, self.kind, request["TransformJobName"])
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
        return self.start(key, document)
