"""Batch transform end to end."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localaws.sagemaker.builders import BUCKET, Cloud, alive, make_model, transform_request, unique, until
from tests.waiting import OFTEN


def transform(cloud: Cloud, model: str, prefix: str, **changes: Any) -> dict[str, Any]:
    """Run a transform job over open/<prefix> and return its description."""
    sagemaker, request = cloud.client("sagemaker"), transform_request(model, prefix, **changes)
    sagemaker.create_transform_job(**request)

    def ended() -> Any:
        description = sagemaker.describe_transform_job(TransformJobName=request["TransformJobName"])
        return description if description["TransformJobStatus"] in ("Completed", "Failed", "Stopped") else None

    return dict(until(ended, 20))


def outputs(cloud: Cloud, job: dict[str, Any]) -> dict[str, bytes]:
    """Return the job's .out objects by their path below S3OutputPath."""
    s3, prefix = cloud.client("s3"), f"open/out/{job['TransformJobName']}/"
    objects = s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    return {
        item["Key"].removeprefix(prefix): s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read()
        for item in objects
    }


def manifest(cloud: Cloud, content: Any) -> dict[str, Any]:
    """Store a manifest and return the TransformInput that names it."""
    key = f"open/{unique('manifest')}"
    cloud.client("s3").put_object(Bucket=BUCKET, Key=key, Body=json.dumps(content).encode())
    return {"DataSource": {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": f"s3://{BUCKET}/{key}"}}}


def put(cloud: Cloud, prefix: str, **objects: bytes) -> None:
    for name, body in objects.items():
        cloud.client("s3").put_object(Bucket=BUCKET, Key=f"open/{prefix}/{name.replace('__', '/')}.jpg", Body=body)


def test_every_object_gets_one_out_with_its_path_below_the_prefix(cloud: Cloud) -> None:
    put(cloud, "classes", NORMAL__a=b"1", NORMAL__b=b"22", PNEUMONIA__c=b"333")
    job = transform(cloud, make_model(cloud), "classes")
    assert job["TransformJobStatus"] == "Completed"
    assert job["CreationTime"] <= job["TransformStartTime"] <= job["TransformEndTime"]
    results = outputs(cloud, job)
    assert sorted(results) == ["NORMAL/a.jpg.out", "NORMAL/b.jpg.out", "PNEUMONIA/c.jpg.out"]
    assert all(body.endswith(b"]\n") for body in results.values())
    assert [json.loads(results[name])[0] for name in sorted(results)] == [1, 2, 3]
    data_log = cloud.events("/aws/sagemaker/TransformJobs", f"{job['TransformJobName']}/algo-1")
    assert not any("[1," in line for line in data_log)


def test_several_instances_divide_the_objects_and_each_has_a_container_and_logs_of_its_own(cloud: Cloud) -> None:
    names = ("a", "b", "c", "d", "e")
    put(cloud, "divided", **dict.fromkeys(names, b"1"))
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 2}
    job = transform(cloud, make_model(cloud), "divided", TransformResources=resources)
    assert job["TransformJobStatus"] == "Completed"
    results = outputs(cloud, job)
    assert sorted(results) == [f"{name}.jpg.out" for name in names]
    processes = [json.loads(results[name])[1] for name in sorted(results)]
    assert len({*processes}) == 2
    assert len({*processes[::2]}) == len({*processes[1::2]}) == 1
    for host in ("algo-1", "algo-2"):
        assert cloud.events("/aws/sagemaker/TransformJobs", f"{job['TransformJobName']}/{host}")


def test_a_bad_object_has_no_out_the_others_do_and_the_job_fails_naming_it(cloud: Cloud) -> None:
    put(cloud, "in2", a=b"1", b=b"bad image", c=b"22")
    job = transform(cloud, make_model(cloud), "in2/")
    assert job["TransformJobStatus"] == "Failed"
    for part in ("1 of 3 objects", "s3://images/open/in2/b.jpg", "400", "This is not an image."):
        assert part in job["FailureReason"]
    assert sorted(outputs(cloud, job)) == ["a.jpg.out", "c.jpg.out"]


def test_a_manifests_objects_alone_are_sent_and_their_outs_have_their_names_in_it(cloud: Cloud) -> None:
    put(cloud, "in11", test__NORMAL__a=b"1", test__NORMAL__left=b"22", validation__NORMAL__a=b"333")
    source = manifest(cloud, [{"prefix": f"s3://{BUCKET}/open/in11/"}, "test/NORMAL/a.jpg", "validation/NORMAL/a.jpg"])
    job = transform(cloud, make_model(cloud), "", TransformInput=source)
    assert job["TransformJobStatus"] == "Completed"
    sizes = {name: json.loads(body)[0] for name, body in outputs(cloud, job).items()}
    assert sizes == {"test/NORMAL/a.jpg.out": 1, "validation/NORMAL/a.jpg.out": 3}


def test_an_object_of_a_manifest_that_is_not_there_fails_the_job_and_the_others_are_scored(cloud: Cloud) -> None:
    put(cloud, "in12", a=b"1")
    source = manifest(cloud, [{"prefix": f"s3://{BUCKET}/open/in12/"}, "a.jpg", "none.jpg"])
    job = transform(cloud, make_model(cloud), "", TransformInput=source)
    assert job["TransformJobStatus"] == "Failed"
    assert "s3://images/open/in12/none.jpg: unable to download it" in job["FailureReason"]
    assert list(outputs(cloud, job)) == ["a.jpg.out"]


@pytest.mark.parametrize(
    "content",
    [[], ["a.jpg"], [{"prefix": 5}, "a.jpg"], [{"prefix": f"s3://{BUCKET}/open/in12/"}, 5], {"prefix": "s3://x/"}],
)
def test_what_is_no_manifest_fails_the_job_and_says_what_one_is(cloud: Cloud, content: Any) -> None:
    job = transform(cloud, make_model(cloud), "", TransformInput=manifest(cloud, content))
    assert job["TransformJobStatus"] == "Failed"
    assert 'is not a JSON list of {"prefix": "s3://bucket/folder/"} and names' in job["FailureReason"]


def test_the_content_type_and_accept_reach_the_model(cloud: Cloud) -> None:
    put(cloud, "in3", a=b"echo")
    out = {"S3OutputPath": f"s3://{BUCKET}/open/out3/", "Accept": "application/jsonlines"}
    assert transform(cloud, make_model(cloud, "9"), "in3/", TransformOutput=out)["TransformJobStatus"] == "Completed"
    body = cloud.client("s3").get_object(Bucket=BUCKET, Key="open/out3/a.jpg.out")["Body"].read()
    assert body == b"application/x-image application/jsonlines 9"


@pytest.mark.parametrize(
    ("prefix", "body", "changes", "reason"),
    [
        ("in4", b"boom", {"ModelClientConfig": {"InvocationsMaxRetries": 1}}, "the model answered 500: Out of order."),
        ("in5", b"x" * 1_500_000, {"MaxPayloadInMB": 1}, "1500000 bytes are more than MaxPayloadInMB allows (1048576)"),
        ("in6", b"die", {}, "the container's process has ended"),
    ],
)
def test_a_job_whose_model_fails_ends_and_says_how(
    cloud: Cloud, prefix: str, body: bytes, changes: dict[str, Any], reason: str
) -> None:
    put(cloud, prefix, only=body)
    job = transform(cloud, make_model(cloud), prefix, **changes)
    assert (job["TransformJobStatus"], job["FailureReason"].split(": ", 4)[-1]) == ("Failed", reason)


def test_a_container_that_does_not_start_fails_the_job(cloud: Cloud) -> None:
    put(cloud, "in7", a=b"1")
    job = transform(cloud, make_model(cloud, environment={"BREAK": "start"}), "in7")
    assert job["FailureReason"].startswith(
        "AlgorithmError: The container did not pass the ping health check: its process ended with exit code 3."
    )


def test_a_role_that_may_not_read_the_input_fails_the_job(cloud: Cloud) -> None:
    cloud.client("s3").put_object(Bucket=BUCKET, Key="closed/a.jpg", Body=b"1")
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/closed/"}}
    job = transform(cloud, make_model(cloud), "", TransformInput={"DataSource": source})
    assert job["TransformJobStatus"] == "Failed"
    assert "s3://images/closed/a.jpg: unable to download it (AccessDenied:" in job["FailureReason"]


def test_an_empty_prefix_fails_the_job_in_sagemakers_words(cloud: Cloud) -> None:
    job = transform(cloud, make_model(cloud), "nothing/")
    assert job["FailureReason"].startswith('ClientError: No S3 objects found under S3 URL "s3://images/open/nothing/"')


def started_process(cloud: Cloud, job: str) -> int:
    """Return the process id that the job's container printed, 0 before it has (the job's data log may come first)."""
    lines = cloud.log("/aws/sagemaker/TransformJobs", f"{job}/algo-1")
    return next((int(line.removeprefix("pid ")) for line in lines if line.startswith("pid ")), 0)


def test_stopping_a_job_ends_its_container(cloud: Cloud) -> None:
    put(cloud, "in8", **{f"n{number}": b"sleep 1.5" for number in range(12)})
    sagemaker, request = cloud.client("sagemaker"), transform_request(make_model(cloud), "in8")
    name = request["TransformJobName"]
    sagemaker.create_transform_job(**request)
    serving = until(lambda: started_process(cloud, name))
    assert alive(serving)
    sagemaker.stop_transform_job(TransformJobName=name)
    assert sagemaker.describe_transform_job(TransformJobName=name)["TransformJobStatus"] in ("Stopping", "Stopped")
    sagemaker.get_waiter("transform_job_completed_or_stopped").wait(TransformJobName=name, WaiterConfig=OFTEN)
    assert sagemaker.describe_transform_job(TransformJobName=name)["TransformJobStatus"] == "Stopped"
    assert not alive(serving)
    with pytest.raises(ClientError, match="because the transform job is in status Stopped"):
        sagemaker.stop_transform_job(TransformJobName=name)


def test_jobs_are_listed_newest_first_with_their_status_and_reason(cloud: Cloud) -> None:
    put(cloud, "in9", a=b"1")
    model, sagemaker = make_model(cloud), cloud.client("sagemaker")
    good, bad = transform(cloud, model, "in9"), transform(cloud, model, "in9-nothing/")
    listed = sagemaker.list_transform_jobs(CreationTimeAfter=good["CreationTime"], MaxResults=100)
    assert [job["TransformJobName"] for job in listed["TransformJobSummaries"]] == [bad["TransformJobName"]]
    newest = sagemaker.list_transform_jobs(MaxResults=2)["TransformJobSummaries"]
    assert [job["TransformJobStatus"] for job in newest] == ["Failed", "Completed"]
    assert newest[0]["FailureReason"] == bad["FailureReason"]
    assert newest[1]["TransformJobArn"] == good["TransformJobArn"]


def test_a_taken_name_and_an_unknown_model_are_refused(cloud: Cloud) -> None:
    put(cloud, "in10", a=b"1")
    job = transform(cloud, make_model(cloud), "in10")
    again = transform_request(job["ModelName"], "in10", TransformJobName=job["TransformJobName"])
    with pytest.raises(ClientError, match=r"ResourceInUse.*Job name must be unique"):
        cloud.client("sagemaker").create_transform_job(**again)
    with pytest.raises(ClientError, match=r'ValidationException.*Could not find model ".*:model/nowhere"'):
        cloud.client("sagemaker").create_transform_job(**transform_request("nowhere", "in10"))
