"""A rejected model stays where it is, and an approved one answers in a second stage as in the first."""

import json
from collections.abc import Iterator

import pytest

from tests.waiting import OFTEN

from ..builders import STAGE, Cloud

SECOND = "second"
ENDPOINT, STORAGE = (f"Pneumonia-{SECOND}-{part}" for part in ("Endpoint", "Storage"))


@pytest.fixture
def second_stage(cloud: Cloud) -> Iterator[None]:
    """Afterwards, the stacks of the second stage are deleted, and cdk.context.json is as before."""
    path = cloud.project / "cdk.context.json"
    before, stacks = path.read_bytes(), cloud.session.client("cloudformation")
    yield
    path.write_bytes(before)
    for name in (ENDPOINT, STORAGE):
        stacks.delete_stack(StackName=name)
        stacks.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=OFTEN)


@pytest.mark.usefixtures("second_stage")
def test_a_rejected_model_is_not_promoted_and_an_approved_one_answers_alike_in_both_stages(cloud: Cloud) -> None:
    registry = ["python", "-m", "ml.registry", "--stage", STAGE]
    promote = ["python", "-m", "ml.promote", "--from", STAGE, "--to", SECOND, "--version", "1", "--yes"]
    run(cloud, *registry, "reject", "1", "--reason", "too few infants")
    refused = cloud.run(*promote)
    assert refused.returncode == 1
    assert f"Version 1 of pneumonia-{STAGE} is Rejected (too few infants)" in refused.stderr
    run(cloud, *registry, "approve", "1", "--reason", "for a second stage")
    deploy(cloud, STORAGE)
    run(cloud, *promote)
    deploy(cloud, ENDPOINT)
    for image in (cloud.images("NORMAL")[0], cloud.images("PNEUMONIA")[0]):
        first, second = (probabilities(cloud, stage, image) for stage in (STAGE, SECOND))
        assert second == pytest.approx(first, abs=1e-6)


def run(cloud: Cloud, *command: str) -> None:
    """Run a command, which succeeds."""
    done = cloud.run(*command)
    assert done.returncode == 0, done.stdout + done.stderr


def deploy(cloud: Cloud, stack: str) -> None:
    """Deploy one stack of the second stage."""
    approval = ["--require-approval", "never", "--exclusively"]
    run(cloud, "cdk", "deploy", stack, "--context", f"stage={SECOND}", *approval)


def probabilities(cloud: Cloud, stage: str, image: bytes) -> list[float]:
    """Return the answer of a stage's endpoint."""
    runtime = cloud.session.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(EndpointName=f"pneumonia-{stage}", ContentType="image/jpeg", Body=image)
    return list(json.loads(answer["Body"].read()))
