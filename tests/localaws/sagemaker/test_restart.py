"""A server that ends in any way leaves no process behind, and the next one knows what happened."""

import json
import signal
from typing import Any

import pytest

from tests.localaws.sagemaker.conftest import (
    Cloud,
    alive,
    make_config,
    make_endpoint,
    make_model,
    training_request,
    until,
)


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
def test_after_an_end_in_the_middle_the_job_failed_and_nothing_else_is_lost(own_cloud: Cloud, signum: int) -> None:
    sagemaker = own_cloud.client("sagemaker")
    endpoint = make_endpoint(own_cloud, make_config(own_cloud, make_model(own_cloud, "4")))
    done = training_request(own_cloud.role)
    sagemaker.create_training_job(**done)
    until(lambda: status(sagemaker, done) == "Completed")
    job = training_request(own_cloud.role, HyperParameters={"seconds": "60", "grandchild": "1"})
    sagemaker.create_training_job(**job)
    until(lambda: sagemaker.describe_training_job(TrainingJobName=job["TrainingJobName"]).get("FinalMetricDataList"))
    serving = ask(own_cloud, endpoint)
    processes = [serving, *until(lambda: training_processes(own_cloud, job["TrainingJobName"]))]
    assert len(processes) == 3
    assert all(alive(pid) for pid in processes)

    own_cloud.end(signum)
    until(lambda: not any(alive(pid) for pid in processes), 3)
    own_cloud.start()

    sagemaker = own_cloud.client("sagemaker")
    until(lambda: status(sagemaker, job) == "Failed")
    found = sagemaker.describe_training_job(TrainingJobName=job["TrainingJobName"])
    assert found["FailureReason"].startswith("InternalServerError: localaws ended while the job was running.")
    assert status(sagemaker, done) == "Completed"
    assert sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointStatus"] == "InService"
    assert ask(own_cloud, endpoint) != serving


def test_what_was_being_made_or_removed_is_finished_after_a_kill(own_cloud: Cloud) -> None:
    sagemaker, config = own_cloud.client("sagemaker"), make_config(own_cloud, make_model(own_cloud, "4"))
    endpoint = make_endpoint(own_cloud, config)
    sagemaker.create_endpoint(EndpointName="young", EndpointConfigName=config)
    sagemaker.delete_endpoint(EndpointName=endpoint)
    own_cloud.end(signal.SIGKILL)
    own_cloud.start()
    sagemaker = own_cloud.client("sagemaker")
    until(lambda: sagemaker.describe_endpoint(EndpointName="young")["EndpointStatus"] == "InService")
    until(lambda: [each["EndpointName"] for each in sagemaker.list_endpoints()["Endpoints"]] == ["young"])
    assert ask(own_cloud, "young") > 0


def status(sagemaker: Any, request: dict[str, Any]) -> str:
    return str(sagemaker.describe_training_job(TrainingJobName=request["TrainingJobName"])["TrainingJobStatus"])


def ask(cloud: Cloud, endpoint: str) -> int:
    """Return the id of the process that answers."""
    runtime = cloud.client("sagemaker-runtime")
    return int(json.loads(runtime.invoke_endpoint(EndpointName=endpoint, Body=b"1")["Body"].read())[1])


def training_processes(cloud: Cloud, name: str) -> list[int] | None:
    """Return the ids that a job's processes logged, once both are there."""
    lines = cloud.log("/aws/sagemaker/TrainingJobs", f"{name}/")
    found = [int(line.split()[1]) for line in lines if line.startswith(("pid", "grandchild"))]
    return found if len(found) == 2 else None
