"""Processing jobs: the container contract under /opt/ml, several instances, failures and stops."""

import json
from typing import Any

import pytest

from tests.localaws.sagemaker.builders import (
    BUCKET,
    IMAGE,
    Cloud,
    alive,
    processing_input,
    processing_output,
    processing_request,
    refused,
    until,
)

LOG_GROUP = "/aws/sagemaker/ProcessingJobs"
DESCRIBE_SELF = """
import json, os, sys
from pathlib import Path
root = Path(sys.argv[1])
config = json.loads((root / "config/resourceconfig.json").read_text())
job = json.loads((root / "config/processingjobconfig.json").read_text())
files = sorted(path.name for path in (root / "processing/data").rglob("*.jpg"))
seen = {"config": config, "job": job["ProcessingJobName"], "files": files, "mode": os.environ["MODE"],
        "aws": [name for name in os.environ if name.startswith("AWS_")]}
(root / "processing/out" / f"{config['current_host']}.json").write_text(json.dumps(seen))
print("files", *files)
"""
"""A script that writes to its output what it sees of the container contract."""


def ended(sagemaker: Any, name: str) -> dict[str, Any]:
    """Wait for a processing job's end and return its description."""

    def description() -> Any:
        job = sagemaker.describe_processing_job(ProcessingJobName=name)
        return job if job["ProcessingJobStatus"] in ("Completed", "Failed", "Stopped") else None

    return dict(until(description, 30))


def run(cloud: Cloud, request: dict[str, Any]) -> dict[str, Any]:
    cloud.client("sagemaker").create_processing_job(**request)
    return ended(cloud.client("sagemaker"), request["ProcessingJobName"])


def outputs(cloud: Cloud, name: str) -> dict[str, bytes]:
    """Return the objects of a job's output by their path."""
    s3, prefix = cloud.client("s3"), f"open/{name}/out/"
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])]
    return {key.removeprefix(prefix): s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys}


def sharded(cloud: Cloud, instances: int, distribution: str) -> dict[str, Any]:
    """Run DESCRIBE_SELF on five objects and return what each instance saw, by its host."""
    for number in range(5):
        cloud.client("s3").put_object(Bucket=BUCKET, Key=f"open/five/{number}.jpg", Body=b"1")
    request = processing_request(cloud, DESCRIBE_SELF, instances=instances, Environment={"MODE": "test"})
    request["ProcessingInputs"].append(processing_input("data", "open/five/", S3DataDistributionType=distribution))
    job = run(cloud, request)
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    assert job["CreationTime"] <= job["ProcessingStartTime"] <= job["ProcessingEndTime"]
    name = request["ProcessingJobName"]
    assert cloud.events(LOG_GROUP, f"{name}/algo-1-")[0].startswith("files")
    seen = {path.removesuffix(".json"): json.loads(body) for path, body in outputs(cloud, name).items()}
    hosts = [f"algo-{number + 1}" for number in range(instances)]
    assert sorted(seen) == hosts
    for host, values in seen.items():
        assert values["config"] == {"current_host": host, "hosts": hosts, "network_interface_name": "lo"}
        assert (values["job"], values["mode"], values["aws"]) == (name, "test", [])
    return {host: values["files"] for host, values in seen.items()}


@pytest.mark.parametrize("instances", [1, 2])
def test_every_instance_gets_all_objects_of_a_replicated_input(cloud: Cloud, instances: int) -> None:
    files = sharded(cloud, instances, "FullyReplicated")
    assert all(names == [f"{number}.jpg" for number in range(5)] for names in files.values())


@pytest.mark.parametrize("instances", [1, 3])
def test_a_sharded_input_gives_each_object_to_one_instance_and_all_about_as_many(cloud: Cloud, instances: int) -> None:
    files = sharded(cloud, instances, "ShardedByS3Key")
    assert sorted(name for names in files.values() for name in names) == [f"{number}.jpg" for number in range(5)]
    assert max(map(len, files.values())) - min(map(len, files.values())) <= 1


def test_a_container_that_fails_ends_the_others_and_its_code_and_message_are_recorded(cloud: Cloud) -> None:
    script = (
        "import sys, time; from pathlib import Path; root = Path(sys.argv[1]);"
        "(root / 'processing/out/part').write_text('1');"
        "first = 'algo-1\"' in (root / 'config/resourceconfig.json').read_text().split('hosts')[0];"
        "(root / 'output/message').write_text('no space' if first else '');"
        "time.sleep(0 if first else 300); sys.exit(3)"
    )
    request = processing_request(cloud, script, instances=2)
    job = run(cloud, request)
    assert (job["ProcessingJobStatus"], job["ExitMessage"]) == ("Failed", "no space")
    assert job["FailureReason"].startswith("AlgorithmError: ")
    assert job["FailureReason"].endswith("exit code: 3")
    assert outputs(cloud, request["ProcessingJobName"]) == {}


def test_an_output_of_mode_continuous_is_uploaded_before_the_end_and_stays_after_a_stop(cloud: Cloud) -> None:
    script = (
        "import os, sys, time; from pathlib import Path;"
        "(Path(sys.argv[1]) / 'processing/out/pid').write_text(str(os.getpid())); time.sleep(300)"
    )
    request = processing_request(cloud, script)
    name = request["ProcessingJobName"]
    request["ProcessingOutputConfig"]["Outputs"] = [processing_output(f"open/{name}/out", "Continuous")]
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_processing_job(**request)
    pid = int(until(lambda: outputs(cloud, name))["pid"])
    assert alive(pid)
    sagemaker.stop_processing_job(ProcessingJobName=name)
    assert ended(sagemaker, name)["ProcessingJobStatus"] == "Stopped"
    until(lambda: not alive(pid))
    assert "pid" in outputs(cloud, name)
    assert "in status Stopped" in refused(sagemaker.stop_processing_job, ProcessingJobName=name)[1]


def test_max_runtime_stops_a_job_whose_container_ignores_sigterm(cloud: Cloud) -> None:
    script = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(300)"
    job = run(cloud, processing_request(cloud, script, StoppingCondition={"MaxRuntimeInSeconds": 1}))
    assert job["ProcessingJobStatus"] == "Stopped"


def test_an_input_without_objects_fails_the_job_with_its_uri(cloud: Cloud) -> None:
    request = processing_request(cloud, "pass")
    request["ProcessingInputs"].append(processing_input("data", "open/nothing-here/"))
    assert "s3://images/open/nothing-here/" in run(cloud, request)["FailureReason"]


def test_the_role_decides_what_a_job_reads(cloud: Cloud) -> None:
    cloud.client("s3").put_object(Bucket=BUCKET, Key="closed/a.jpg", Body=b"1")
    request = processing_request(cloud, "pass")
    request["ProcessingInputs"].append(processing_input("data", "closed/"))
    job = run(cloud, request)
    assert job["ProcessingJobStatus"] == "Failed"
    assert "AccessDenied" in job["FailureReason"]


@pytest.mark.parametrize(
    ("part", "change", "expected"),
    [
        ("input", {"LocalPath": "/data"}, "/opt/ml/processing/"),
        ("input", {"LocalPath": "/opt/ml/processing/../model"}, "/opt/ml/processing/"),
        ("input", {"LocalPath": "/opt/ml/processing/code"}, "must be unique"),
        ("input", {"S3InputMode": "Pipe"}, "S3InputMode File"),
        ("input", {"S3DataType": "Files"}, "ManifestFile"),
        ("application", {"ContainerEntrypoint": ["bash", "-c", "true"]}, "python3"),
        ("application", {"ImageUri": IMAGE}, "toy"),
        ("request", {"ProcessingJobName": "no spaces"}, "processingJobName"),
    ],
)
def test_what_cannot_run_is_refused_with_the_allowed_value(
    cloud: Cloud, sagemaker: Any, part: str, change: dict[str, Any], expected: str
) -> None:
    request = processing_request(cloud, "pass")
    request["ProcessingInputs"].append(processing_input("data", "open/train/"))
    parts = {
        "input": request["ProcessingInputs"][1]["S3Input"],
        "application": request["AppSpecification"],
        "request": request,
    }
    parts[part].update(change)
    code, message = refused(sagemaker.create_processing_job, **request)
    assert code == "ValidationException"
    assert expected in message


def test_a_job_is_listed_and_tagged_and_its_name_is_taken(cloud: Cloud, sagemaker: Any) -> None:
    request = processing_request(cloud, "pass", Tags=[{"Key": "team", "Value": "a"}])
    name = request["ProcessingJobName"]
    assert run(cloud, request)["ProcessingJobStatus"] == "Completed"
    listed = sagemaker.list_processing_jobs(NameContains=name, StatusEquals="Completed")["ProcessingJobSummaries"]
    assert [job["ProcessingJobName"] for job in listed] == [name]
    assert sagemaker.list_tags(ResourceArn=listed[0]["ProcessingJobArn"])["Tags"] == [{"Key": "team", "Value": "a"}]
    assert refused(sagemaker.create_processing_job, **request)[0] == "ResourceInUse"
    assert "none-such" in refused(sagemaker.describe_processing_job, ProcessingJobName="none-such")[1]
