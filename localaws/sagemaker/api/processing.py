"""CreateProcessingJob, DescribeProcessingJob, ListProcessingJobs, StopProcessingJob."""

import time
from typing import Any

from localaws.identity import Caller
from localaws.sagemaker.api.job_api import JobApi
from localaws.sagemaker.arns import key_of
from localaws.sagemaker.aws.access import Access
from localaws.sagemaker.checks.jobs import DEFAULT_RUNTIME_SECONDS
from localaws.sagemaker.checks.processing import check_processing
from localaws.sagemaker.context import Context
from localaws.sagemaker.jobs.processing import ProcessingJob
from localaws.sagemaker.store import Document


class ProcessingApi(JobApi):
    """The control plane of processing jobs."""

    kind = "ProcessingJob"
    noun = "processing job"

    def __init__(self, context: Context, access: Access) -> None:
        super().__init__(context, access, context.limits.processing_slots, ProcessingJob)

    def create(self, caller: Caller, request: Document) -> dict[str, Any]:
        """Accept a processing job and start it."""
        key = key_of(caller, self.kind, request["ProcessingJobName"])
        self.access.create(caller, "CreateProcessingJob", key, request)
        self.access.pass_role(caller, request["RoleArn"], key)
        check_processing(request, self.context.registry.find(request["AppSpecification"]["ImageUri"]))
        now = time.time()
        document = {name: value for name, value in request.items() if name != "Tags"} | {
            "ProcessingJobArn": key.arn,
            "ProcessingJobStatus": "InProgress",
            "CreationTime": now,
            "LastModifiedTime": now,
            "StoppingCondition": request.get("StoppingCondition", {"MaxRuntimeInSeconds": DEFAULT_RUNTIME_SECONDS}),
            "_Tags": request.get("Tags", []),
        }
        return self.start(key, document)
