"""A server that ends leaves no process, and the next server restores its state."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from localaws.errors import StartError
from localaws.ministack.policies import Authorizer
from localaws.sagemaker.api.training import initial
from localaws.sagemaker.arns import Key
from localaws.sagemaker.container.registry import Registry
from localaws.sagemaker.service import SageMakerService
from localaws.sagemaker.store import Store
from tests.localaws.sagemaker.builders import (
    BUCKET,
    Cloud,
    alive,
    make_config,
    make_endpoint,
    make_model,
    status,
    training_request,
    transform_request,
    until,
)
from tests.localaws.sagemaker.server import toy


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
def test_after_an_end_in_the_middle_the_jobs_failed_and_nothing_else_is_lost(own_cloud: Cloud, signum: int) -> None:
    sagemaker, model = own_cloud.client("sagemaker"), make_model(own_cloud, "4")
    endpoint = make_endpoint(own_cloud, make_config(own_cloud, model))
    done = training_request(own_cloud.role, Tags=[{"Key": "owner", "Value": "ward 3"}])
    sagemaker.create_training_job(**done)
    until(lambda: status(sagemaker, done) == "Completed")
    before = sagemaker.describe_training_job(TrainingJobName=done["TrainingJobName"])
    job = training_request(own_cloud.role, HyperParameters={"seconds": "60", "grandchild": "1"})
    sagemaker.create_training_job(**job)
    own_cloud.client("s3").put_object(Bucket=BUCKET, Key="open/slow/a.jpg", Body=b"sleep 60")
    transform = transform_request(model, "slow/")
    sagemaker.create_transform_job(**transform)
    training = until(lambda: logged_pids(own_cloud, "TrainingJobs", job["TrainingJobName"], 2))
    transforming = until(lambda: logged_pids(own_cloud, "TransformJobs", transform["TransformJobName"], 1))
    processes = [ask(own_cloud, endpoint), *training, *transforming]
    assert all(alive(pid) for pid in processes)

    own_cloud.end(signum)
    until(lambda: not any(alive(pid) for pid in processes), 3)
    own_cloud.start()

    failed = sagemaker.describe_training_job(TrainingJobName=job["TrainingJobName"])
    assert (failed["TrainingJobStatus"], failed["SecondaryStatus"]) == ("Failed", "Failed")
    assert failed["FailureReason"].startswith("InternalServerError: localaws ended")
    failed = sagemaker.describe_transform_job(TransformJobName=transform["TransformJobName"])
    assert failed["TransformJobStatus"] == "Failed"
    assert failed["FailureReason"].startswith("InternalServerError: localaws ended")
    after = sagemaker.describe_training_job(TrainingJobName=done["TrainingJobName"])
    assert without_metadata(after) == without_metadata(before)
    assert sagemaker.list_tags(ResourceArn=after["TrainingJobArn"])["Tags"] == done["Tags"]
    key = after["ModelArtifacts"]["S3ModelArtifacts"].removeprefix(f"s3://{BUCKET}/")
    assert own_cloud.client("s3").head_object(Bucket=BUCKET, Key=key)["ContentLength"] > 0
    assert own_cloud.events("/aws/sagemaker/TrainingJobs", f"{done['TrainingJobName']}/")
    assert sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointStatus"] == "InService"
    assert ask(own_cloud, endpoint) not in processes


def test_a_job_accepted_while_the_server_starts_is_not_taken_for_a_dead_ones(tmp_path: Path) -> None:
    service = SageMakerService(tmp_path, "http://localhost:1", Authorizer(), Registry([toy()]))
    key = Key("TrainingJob", "000000000000", "us-east-1", "young")
    service.context.store.create(key, initial(key, training_request("role"), []))
    asyncio.run(service.start())
    document = service.context.store.get(key)
    assert document is not None
    assert document["TrainingJobStatus"] == "InProgress"
    asyncio.run(service.stop())
    restarted = SageMakerService(tmp_path, "http://localhost:1", Authorizer(), Registry([toy()]))
    assert (restarted.context.store.get(key) or {})["TrainingJobStatus"] == "Failed"
    asyncio.run(restarted.stop())


def test_a_damaged_state_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "resources.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(
        StartError, match=r"resources.sqlite cannot be used \(file is not a database\); repair or remove"
    ):
        Store(tmp_path / "resources.sqlite")


def test_what_was_being_made_or_removed_is_finished_after_a_kill(own_cloud: Cloud) -> None:
    sagemaker, config = own_cloud.client("sagemaker"), make_config(own_cloud, make_model(own_cloud, "4"))
    endpoint = make_endpoint(own_cloud, config)
    sagemaker.create_endpoint(EndpointName="young", EndpointConfigName=config)
    sagemaker.delete_endpoint(EndpointName=endpoint)
    own_cloud.end(signal.SIGKILL)
    own_cloud.start()
    sagemaker = own_cloud.client("sagemaker")
    until(lambda: sagemaker.describe_endpoint(EndpointName="young")["EndpointStatus"] == "InService")
    until(lambda: endpoint not in [listed["EndpointName"] for listed in sagemaker.list_endpoints()["Endpoints"]])
    assert ask(own_cloud, "young") > 0


def ask(cloud: Cloud, endpoint: str) -> int:
    """Return the id of the process that answers a request."""
    runtime = cloud.client("sagemaker-runtime")
    return int(json.loads(runtime.invoke_endpoint(EndpointName=endpoint, Body=b"1")["Body"].read())[1])


def logged_pids(cloud: Cloud, group: str, name: str, count: int) -> list[int] | None:
    """Return the process ids in a job's log once there are `count` of them."""
    lines = cloud.log(f"/aws/sagemaker/{group}", f"{name}/algo-1")
    pids = [int(line.split()[1]) for line in lines if line.startswith(("pid", "grandchild"))]
    return pids if len(pids) == count else None


def without_metadata(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}
