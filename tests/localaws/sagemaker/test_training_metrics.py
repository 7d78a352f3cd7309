"""Training metrics in CloudWatch, under a role that may write to SageMaker's namespaces only."""

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

from localaws.sagemaker.container.registry import image_classification
from localaws.sagemaker.jobs.training_metrics import MetricReader
from tests.localaws.sagemaker.builders import POLICY, Cloud, finished, training_request, unique


@pytest.fixture(scope="module")
def restricted(cloud: Cloud) -> Any:
    """A session of a user who has the execution role's policy."""
    iam, user = cloud.client("iam"), unique("writer")
    iam.create_user(UserName=user)
    iam.put_user_policy(UserName=user, PolicyName="inline", PolicyDocument=json.dumps(POLICY))
    key = iam.create_access_key(UserName=user)["AccessKey"]
    return cloud.session(key["AccessKeyId"], key["SecretAccessKey"])


def test_every_value_of_a_metric_is_in_cloudwatch_under_the_jobs_name(cloud: Cloud, sagemaker: Any) -> None:
    request = training_request(cloud.role, HyperParameters={"epochs": "3"})
    sagemaker.create_training_job(**request)
    job = finished(sagemaker, request["TrainingJobName"])
    statistics = cloud.client("cloudwatch").get_metric_statistics(
        Namespace="/aws/sagemaker/TrainingJobs",
        MetricName="train:accuracy",
        Dimensions=[{"Name": "TrainingJobName", "Value": request["TrainingJobName"]}],
        StartTime=job["TrainingStartTime"].replace(second=0, microsecond=0),
        EndTime=job["TrainingEndTime"].replace(year=job["TrainingEndTime"].year + 1),
        Period=3600,
        Statistics=["SampleCount", "Maximum", "Minimum"],
    )["Datapoints"]
    assert sum(datapoint["SampleCount"] for datapoint in statistics) == 3
    assert max(datapoint["Maximum"] for datapoint in statistics) == pytest.approx(0.7)
    assert min(datapoint["Minimum"] for datapoint in statistics) == pytest.approx(0.5)


def test_a_policy_can_name_the_namespaces_that_metrics_go_to(cloud: Cloud, restricted: Any) -> None:
    cloudwatch, data = cloud.client_of(restricted, "cloudwatch"), [{"MetricName": "m", "Value": 1}]
    cloudwatch.put_metric_data(Namespace="/aws/sagemaker/TrainingJobs", MetricData=data)
    with pytest.raises(ClientError, match="AccessDenied"):
        cloudwatch.put_metric_data(Namespace="Billing", MetricData=data)


@pytest.mark.parametrize(("namespace", "status"), [("/aws/sagemaker/Endpoints", 200), ("Billing", 403)])
def test_the_namespace_of_the_query_protocol_is_checked_as_well(
    cloud: Cloud, restricted: Any, namespace: str, status: int
) -> None:
    form = {
        "Action": "PutMetricData",
        "Version": "2010-08-01",
        "Namespace": namespace,
        "MetricData.member.1.MetricName": "m",
        "MetricData.member.1.Value": "1",
    }
    url, body = f"http://localhost:{cloud.port}/", urllib.parse.urlencode(form)
    request = AWSRequest("POST", url, {"Content-Type": "application/x-www-form-urlencoded"}, body)
    SigV4Auth(restricted.get_credentials(), "monitoring", "us-east-1").add_auth(request)
    wire = urllib.request.Request(url, body.encode(), dict(request.headers.items()))
    try:
        with urllib.request.urlopen(wire) as answer:  # noqa: S310
            received = answer.status
    except urllib.error.HTTPError as error:
        received = error.code
    assert received == status


def test_the_last_value_of_each_metric_is_kept_and_other_lines_are_not_metrics() -> None:
    reader = MetricReader(image_classification().metrics)
    for line in (
        "[09/13/2025 23:16:46 INFO 1403] Epoch[0] Train-accuracy=0.602823",
        "[09/13/2025 23:16:46 INFO 1403] Epoch[0] Validation-accuracy=0.531250",
        "[09/13/2025 23:17:46 INFO 1403] Epoch[1] Train-accuracy=0.75",
        "[09/13/2025 23:17:46 INFO 1403] Epoch[1] Validation-accuracy=nan",
        "[09/13/2025 23:17:46 INFO 1403] Epoch[1] Batch [20]\tSpeed: 122.7 samples/sec\taccuracy=0.9",
        "[09/13/2025 23:17:46 INFO 1403] Storing the best model with validation accuracy: 0.531250",
    ):
        reader.read(line)
    assert {metric["MetricName"]: metric["Value"] for metric in reader.final()} == {
        "train:accuracy": 0.75,
        "validation:accuracy": 0.53125,
    }
