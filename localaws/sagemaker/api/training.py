"""CreateTrainingJob, DescribeTrainingJob, ListTrainingJobs, StopTrainingJob."""

import time
from typing import Any

from localaws.errors import ServiceError, invalid
from localaws.identity import Caller
from localaws.sagemaker.api.job_api import JobApi
from localaws.sagemaker.arns import Key, key_of
from localaws.sagemaker.aws.access import Access
from localaws.sagemaker.aws.transfer import DataError, list_prefix
from localaws.sagemaker.checks.jobs import DEFAULT_RUNTIME_SECONDS, check_training
from localaws.sagemaker.context import Context
from localaws.sagemaker.jobs.training import TrainingJob, enter
from localaws.sagemaker.jobs.training_files import no_objects_message
from localaws.sagemaker.store import Document

CHANNEL_DEFAULTS = {"CompressionType": "None", "RecordWrapperType": "None"}
"""Members of a channel that DescribeTrainingJob returns even if the request leaves them out."""


class TrainingApi(JobApi):
    """The control plane of training jobs."""

    kind = "TrainingJob"
    noun = "training job"

    def __init__(self, context: Context, access: Access) -> None:
        super().__init__(context, access, context.limits.training_slots, TrainingJob)

    def create(self, caller: Caller, request: Document) -> dict[str, Any]:
        """Accept a training job and start it."""
        key = key_of(caller, self.kind, request["TrainingJobName"])
        self.access.create(caller, "CreateTrainingJob", key, request)
        self.access.pass_role(caller, request["RoleArn"], key)
        return self.accept(key, request, {})

    def accept(self, key: Key, request: Document, members: Document) -> dict[str, Any]:
        """Check an authorized request and start its job; `members` are added to the job's document.

        Raises:
            ServiceError: ValidationException, ResourceInUse or ResourceLimitExceeded.
        """
        image = request["AlgorithmSpecification"].get("TrainingImage")
        if image is None:
            raise invalid(
                "AlgorithmSpecification must have a TrainingImage: algorithms of the Marketplace do not run here."
            )
        algorithm = self.context.registry.find(image)
        check_training(request, algorithm)
        if self.store.get(key) is not None:
            raise self.in_use(key)
        self._check_inputs(request, key)
        definitions = algorithm.definitions(request["AlgorithmSpecification"])
        return self.start(key, initial(key, request, definitions) | members)

    def _check_inputs(self, request: Document, key: Key) -> None:
        """Check that every channel has an object. SageMaker does so before it accepts a job.

        Raises:
            ServiceError: ValidationException, also if the role cannot be assumed.
        """
        clients = self.context.clients(request["RoleArn"], request["TrainingJobName"], key.region)
        for channel in request.get("InputDataConfig", []):
            source = channel["DataSource"]["S3DataSource"]
            try:
                objects = list_prefix(clients.objects(), source["S3Uri"], limit=1)
            except DataError as error:
                raise invalid(
                    f"{no_objects_message(source['S3Uri'], key.region, request['RoleArn'])} {error}"
                ) from error
            if not objects:
                raise invalid(no_objects_message(source["S3Uri"], key.region, request["RoleArn"]))

    def stopping(self, document: Document) -> None:
        """Record that a job is stopping, also in its history."""
        document["TrainingJobStatus"] = "Stopping"
        enter(document, "Stopping")

    def not_found(self, name: str) -> ServiceError:
        """Return SageMaker's error for an unknown training job, which does not name it."""
        return invalid("Requested resource not found.")

    def in_use(self, key: Key) -> ServiceError:
        """Return SageMaker's error for a name that is taken."""
        return ServiceError(
            "ResourceInUse",
            "Training job names must be unique within an AWS account and region, and a training job with this name "
            f"already exists ({key.arn})",
        )


def initial(key: Key, request: Document, definitions: list[Document]) -> Document:
    """Return the document of a newly accepted job."""
    now = time.time()
    output = f"{request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{request['TrainingJobName']}/output"
    packed = request["OutputDataConfig"].get("CompressionType", "GZIP") == "GZIP"
    document = {name: value for name, value in request.items() if name != "Tags"} | {
        "TrainingJobArn": key.arn,
        "TrainingJobStatus": "InProgress",
        "CreationTime": now,
        "InputDataConfig": [CHANNEL_DEFAULTS | channel for channel in request.get("InputDataConfig", [])],
        "OutputDataConfig": {"KmsKeyId": ""} | request["OutputDataConfig"],
        "ModelArtifacts": {"S3ModelArtifacts": output + ("/model.tar.gz" if packed else "/model/")},
        "AlgorithmSpecification": request["AlgorithmSpecification"] | {"MetricDefinitions": definitions},
        "StoppingCondition": {"MaxRuntimeInSeconds": DEFAULT_RUNTIME_SECONDS} | request.get("StoppingCondition", {}),
        "EnableNetworkIsolation": request.get("EnableNetworkIsolation", False),
        "EnableInterContainerTrafficEncryption": request.get("EnableInterContainerTrafficEncryption", False),
        "EnableManagedSpotTraining": request.get("EnableManagedSpotTraining", False),
        "_Tags": request.get("Tags", []),
    }
    enter(document, "Starting")
    return document
