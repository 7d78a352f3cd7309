"""Transform jobs: names that are new each time, a payload that fits the workers, progress that says what is known."""

import re

import pytest

from ml.algorithms import BUILT_IN, PYTORCH
from ml.aws.resources import Resources
from ml.errors import UserError
from ml.progress import Progress
from ml.scoring import transform_job
from ml.scoring.scorer import BatchScorer, confirmation
from ml.training import prices

NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
SOURCE = {"S3DataType": "S3Prefix", "S3Uri": "s3://images/input/"}


def test_two_jobs_never_share_a_name_which_sagemaker_takes() -> None:
    scorer = BatchScorer("dev", "x" * 29 + "-" + "y" * 33, BUILT_IN, {}, Resources("images", "role"), "ml.m5.large")
    names = {scorer.new_job() for _ in range(20)}
    assert len(names) == 20
    assert all(NAME.fullmatch(name) for name in names), names


@pytest.mark.parametrize(
    ("instance_type", "megabytes"),
    [("ml.m5.large", 6), ("ml.m5.4xlarge", 6), ("ml.m5.8xlarge", 3), ("ml.c7i.48xlarge", 1)],
)
def test_the_payload_times_the_workers_stays_within_100_mb_as_far_as_it_can(instance_type: str, megabytes: int) -> None:
    request = transform_job.request("job", SOURCE, "s3://images/out", instance_type, BUILT_IN)
    assert request["MaxPayloadInMB"] == megabytes


def test_pytorchs_container_gets_a_request_for_each_vcpu_and_the_built_in_one_states_its_own_number() -> None:
    own = transform_job.request("job", SOURCE, "s3://images/out", "ml.m5.4xlarge", PYTORCH)
    assert (own["MaxConcurrentTransforms"], own["MaxPayloadInMB"]) == (16, 6)
    largest = transform_job.request("job", SOURCE, "s3://images/out", "ml.c7i.48xlarge", PYTORCH)
    assert (largest["MaxConcurrentTransforms"], largest["MaxPayloadInMB"]) == (100, 1)
    built_in = transform_job.request("job", SOURCE, "s3://images/out", "ml.m5.4xlarge", BUILT_IN)
    assert "MaxConcurrentTransforms" not in built_in


@pytest.mark.parametrize("algorithm", [BUILT_IN, PYTORCH])
@pytest.mark.parametrize("instance_type", ["ml.m5.12xlarge", "ml.m6i.32xlarge", "ml.c7i.48xlarge"])
def test_the_concurrent_requests_of_a_large_machine_stay_within_100_mb(instance_type: str, algorithm: str) -> None:
    request = transform_job.request("job", SOURCE, "s3://images/out", instance_type, algorithm)
    workers = prices.workers(instance_type, algorithm)
    concurrent = request.get("MaxConcurrentTransforms", workers)
    assert min(workers, 50) <= concurrent <= 100 / request["MaxPayloadInMB"]


def test_a_key_encrypts_output_and_volume_and_the_job_is_tagged_for_cost_allocation() -> None:
    keyed = transform_job.request("job", SOURCE, "s3://images/out", "ml.m5.large", BUILT_IN, key="arn:key")
    assert keyed["TransformOutput"]["KmsKeyId"] == keyed["TransformResources"]["VolumeKmsKeyId"] == "arn:key"
    assert keyed["Tags"] == [{"Key": "project", "Value": "chest-xray-classifier"}]
    plain = transform_job.request("job", SOURCE, "s3://images/out", "ml.m5.large", BUILT_IN)
    assert plain["TransformResources"] == {"InstanceType": "ml.m5.large", "InstanceCount": 1}
    several = transform_job.request("job", SOURCE, "s3://images/out", "ml.m5.large", BUILT_IN, instances=3)
    assert several["TransformResources"] == {"InstanceType": "ml.m5.large", "InstanceCount": 3}
    assert "KmsKeyId" not in str(plain)


def test_progress_counts_from_what_was_there_and_gives_no_time_before_the_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    progress = Progress("Scored", 1904, every=0, done=100)
    for count in (0, 20):
        progress.advance(count)
    waiting, moving = capsys.readouterr().err.splitlines()
    assert waiting == "Scored: 100 of 1,904 images"
    assert moving.startswith("Scored: 120 of 1,904 images, ")
    assert moving.endswith(" s left")


def test_an_entry_that_does_not_say_what_serves_the_model_is_refused_with_what_it_lacks() -> None:
    with pytest.raises(UserError, match=r"no algorithm, environment, image; run `python -m ml\.train`"):
        confirmation({"artifact": "s3://images/a"}, "ml.m5.large", None, yes=True)
