"""Training jobs end to end: real S3, real child processes, boto3 and its waiters."""

import io
import tarfile
from typing import Any

import pytest
from botocore.exceptions import WaiterError

from tests.localaws.sagemaker.builders import BUCKET, Cloud, alive, finished, training_request, until
from tests.waiting import OFTEN


def test_a_job_trains_and_leaves_its_artifact_metrics_history_and_log(cloud: Cloud, sagemaker: Any) -> None:
    request = training_request(cloud.role, HyperParameters={"epochs": "3", "version": "7"})
    name = request["TrainingJobName"]
    arn = sagemaker.create_training_job(**request)["TrainingJobArn"]
    assert arn == f"arn:aws:sagemaker:us-east-1:000000000000:training-job/{name}"
    sagemaker.get_waiter("training_job_completed_or_stopped").wait(TrainingJobName=name, WaiterConfig=OFTEN)
    job = sagemaker.describe_training_job(TrainingJobName=name)
    assert [transition["Status"] for transition in job["SecondaryStatusTransitions"]] == [
        "Starting", "Downloading", "Training", "Uploading", "Completed",
    ]  # fmt: skip
    assert all(transition["EndTime"] >= transition["StartTime"] for transition in job["SecondaryStatusTransitions"])
    assert job["FinalMetricDataList"][0]["MetricName"] == "train:accuracy"
    assert job["FinalMetricDataList"][0]["Value"] == pytest.approx(0.7)
    assert job["TrainingStartTime"] <= job["TrainingEndTime"]
    assert job["BillableTimeInSeconds"] >= 1
    assert job["OutputDataConfig"]["KmsKeyId"] == ""
    assert {job["InputDataConfig"][0][name] for name in ("CompressionType", "RecordWrapperType")} == {"None"}

    bucket, _, key = job["ModelArtifacts"]["S3ModelArtifacts"].removeprefix("s3://").partition("/")
    assert key == f"open/results/{name}/output/model.tar.gz"
    archive = cloud.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        assert files.getnames() == ["weights.json"]

    lines = cloud.events("/aws/sagemaker/TrainingJobs", f"{name}/algo-1-")
    assert "files train/NORMAL/a.jpg train/PNEUMONIA/b.jpg" in lines
    assert "[time INFO] Epoch[0] Batch [20]\tSpeed: 12.5 samples/sec" in lines
    assert "Downloading channel train: 2 of 2 objects" in lines


@pytest.mark.parametrize(
    ("uri", "files"),
    [
        ("open/train", "train/NORMAL/a.jpg train/PNEUMONIA/b.jpg train/train_lst/train.lst"),
        ("open/train_lst/train.lst", "train/train.lst"),
        ("open/train_lst/", "train/train.lst"),
    ],
)
def test_an_s3_prefix_may_be_a_folder_a_key_or_the_start_of_names(
    cloud: Cloud, sagemaker: Any, uri: str, files: str
) -> None:
    request = training_request(cloud.role)
    request["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] = f"s3://{BUCKET}/{uri}"
    sagemaker.create_training_job(**request)
    assert finished(sagemaker, request["TrainingJobName"])["TrainingJobStatus"] == "Completed"
    lines = cloud.events("/aws/sagemaker/TrainingJobs", f"{request['TrainingJobName']}/")
    assert f"files {files}" in lines


def test_a_manifest_names_the_files_of_a_channel(cloud: Cloud, sagemaker: Any) -> None:
    manifest = b'[{"prefix": "s3://images/open/train/"}, "PNEUMONIA/b.jpg"]'
    cloud.client("s3").put_object(Bucket=BUCKET, Key="open/some.manifest", Body=manifest)
    request = training_request(cloud.role)
    source = {"S3DataType": "ManifestFile", "S3Uri": f"s3://{BUCKET}/open/some.manifest"}
    request["InputDataConfig"][0]["DataSource"]["S3DataSource"] = source
    sagemaker.create_training_job(**request)
    assert finished(sagemaker, request["TrainingJobName"])["TrainingJobStatus"] == "Completed"
    lines = cloud.events("/aws/sagemaker/TrainingJobs", f"{request['TrainingJobName']}/")
    assert "files train/PNEUMONIA/b.jpg" in lines


@pytest.mark.parametrize(
    ("hyperparameters", "reason"),
    [
        (
            {"exit": "2", "failure": "Customer Error: Invalid lst file in the train channel."},
            "ClientError: Invalid lst file in the train channel., exit code: 2",
        ),
        ({"exit": "1", "failure": "It broke."}, "AlgorithmError: It broke., exit code: 1"),
        ({"exit": "4"}, "AlgorithmError: See the job's log for the cause, exit code: 4"),
        ({"exit": "1", "failure": "x" * 2000}, "AlgorithmError: " + "x" * 994 + ", exit code: 1"),
    ],
)
def test_a_failing_container_fails_the_job_with_its_reason(
    cloud: Cloud, sagemaker: Any, hyperparameters: dict[str, str], reason: str
) -> None:
    request = training_request(cloud.role, HyperParameters=hyperparameters)
    sagemaker.create_training_job(**request)
    job = finished(sagemaker, request["TrainingJobName"])
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Failed", "Failed")
    assert job["FailureReason"] == reason


def test_boto3s_waiter_ends_with_an_error_when_the_job_fails(cloud: Cloud, sagemaker: Any) -> None:
    request = training_request(cloud.role, HyperParameters={"exit": "1"})
    sagemaker.create_training_job(**request)
    waiter = sagemaker.get_waiter("training_job_completed_or_stopped")
    with pytest.raises(WaiterError, match="terminal failure state"):
        waiter.wait(TrainingJobName=request["TrainingJobName"], WaiterConfig=OFTEN)


def test_stopping_a_job_keeps_the_model_so_far(cloud: Cloud, sagemaker: Any) -> None:
    request = training_request(cloud.role, HyperParameters={"seconds": "60"})
    name = request["TrainingJobName"]
    sagemaker.create_training_job(**request)
    until(lambda: sagemaker.describe_training_job(TrainingJobName=name)["SecondaryStatus"] == "Training")
    until(lambda: "FinalMetricDataList" in sagemaker.describe_training_job(TrainingJobName=name))
    sagemaker.stop_training_job(TrainingJobName=name)
    assert sagemaker.describe_training_job(TrainingJobName=name)["TrainingJobStatus"] in ("Stopping", "Stopped")
    job = finished(sagemaker, name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert cloud.client("s3").head_object(Bucket=BUCKET, Key=f"open/results/{name}/output/model.tar.gz")
    with pytest.raises(sagemaker.exceptions.ClientError, match="because the training job is in status Stopped"):
        sagemaker.stop_training_job(TrainingJobName=name)


def test_a_job_that_ignores_sigterm_is_killed_with_all_it_started(cloud: Cloud, sagemaker: Any) -> None:
    request = training_request(cloud.role, HyperParameters={"seconds": "60", "stubborn": "1", "grandchild": "1"})
    name = request["TrainingJobName"]
    sagemaker.create_training_job(**request)
    lines = until(lambda: logged(cloud, name, "files "))
    pids = [int(line.split()[1]) for line in lines if line.startswith(("pid", "grandchild"))]
    assert len(pids) == 2
    assert all(alive(pid) for pid in pids)
    sagemaker.stop_training_job(TrainingJobName=name)
    assert finished(sagemaker, name)["TrainingJobStatus"] == "Stopped"
    assert not any(alive(pid) for pid in pids)


def test_max_runtime_ends_the_job(cloud: Cloud, sagemaker: Any) -> None:
    request = training_request(
        cloud.role, HyperParameters={"seconds": "60"}, StoppingCondition={"MaxRuntimeInSeconds": 1}
    )
    sagemaker.create_training_job(**request)
    job = finished(sagemaker, request["TrainingJobName"])
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


def test_a_spot_job_that_loses_its_machine_goes_on_with_a_log_stream_of_its_own(cloud: Cloud, sagemaker: Any) -> None:
    request = training_request(
        cloud.role,
        HyperParameters={"epochs": "4", "seconds": "0.5"},
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60},
    )
    name = request["TrainingJobName"]
    request["CheckpointConfig"] = {"S3Uri": f"s3://{BUCKET}/open/checkpoints/{name}"}
    sagemaker.create_training_job(**request)
    job = finished(sagemaker, name)
    assert [each["Status"] for each in job["SecondaryStatusTransitions"]] == [
        "Starting", "Downloading", "Training", "Interrupted", "Starting", "Downloading", "Training", "Uploading",
        "Completed",
    ]  # fmt: skip
    streams = cloud.client("logs").describe_log_streams(
        logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=f"{name}/"
    )["logStreams"]
    first, second = (cloud.events("/aws/sagemaker/TrainingJobs", each["logStreamName"]) for each in streams)
    epochs = [[line[12:20] for line in lines if "Train-accuracy" in line] for lines in (first, second)]
    assert epochs[0] + epochs[1] == [f"Epoch[{number}]" for number in range(4)]


def test_a_second_job_goes_on_from_the_checkpoints_of_the_first(cloud: Cloud, sagemaker: Any) -> None:
    config = {"S3Uri": f"s3://{BUCKET}/open/checkpoints/{training_request('')['TrainingJobName']}"}
    for epochs in ("2", "3"):
        request = training_request(cloud.role, HyperParameters={"epochs": epochs}, CheckpointConfig=config)
        sagemaker.create_training_job(**request)
        assert finished(sagemaker, request["TrainingJobName"])["TrainingJobStatus"] == "Completed"
    lines = cloud.events("/aws/sagemaker/TrainingJobs", f"{request['TrainingJobName']}/")
    assert [line for line in lines if "Train-accuracy" in line] == ["[time INFO] Epoch[2] Train-accuracy=0.7"]


def test_more_jobs_than_slots_wait_their_turn(cloud: Cloud, sagemaker: Any) -> None:
    requests = [training_request(cloud.role, HyperParameters={"epochs": "1", "seconds": "60"}) for _ in range(3)]
    names = [request["TrainingJobName"] for request in requests]
    for request in requests:
        sagemaker.create_training_job(**request)
    for name in names[:2]:
        until(lambda name=name: sagemaker.describe_training_job(TrainingJobName=name)["SecondaryStatus"] == "Training")
    assert sagemaker.describe_training_job(TrainingJobName=names[2])["SecondaryStatus"] == "Starting"
    for name in names:
        sagemaker.stop_training_job(TrainingJobName=name)
    assert [finished(sagemaker, name)["TrainingJobStatus"] for name in names] == ["Stopped"] * 3


def logged(cloud: Cloud, name: str, last: str) -> list[str] | None:
    """Return a job's log once it has a line that starts with `last`."""
    lines = cloud.log("/aws/sagemaker/TrainingJobs", f"{name}/")
    return lines if any(line.startswith(last) for line in lines) else None
