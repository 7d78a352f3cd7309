"""Endpoints end to end: serving processes, updates, restarts, and the runtime's errors."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from tests.localaws.sagemaker.builders import (
    Cloud,
    alive,
    make_config,
    make_endpoint,
    make_model,
    scale,
    unique,
    until,
)
from tests.waiting import OFTEN


@pytest.fixture(scope="module")
def endpoint(cloud: Cloud) -> str:
    return make_endpoint(cloud, make_config(cloud, make_model(cloud, "1")))


def ask(cloud: Cloud, endpoint: str, body: bytes = b"echo", **more: str) -> dict[str, Any]:
    runtime = cloud.client("sagemaker-runtime")
    return dict(runtime.invoke_endpoint(EndpointName=endpoint, Body=body, ContentType="application/x-image", **more))


def test_bytes_and_headers_go_through_unchanged(cloud: Cloud, endpoint: str) -> None:
    answer = ask(cloud, endpoint, Accept="application/jsonlines")
    assert answer["Body"].read() == b"application/x-image application/jsonlines 1"
    assert (answer["ContentType"], answer["InvokedProductionVariant"]) == ("application/json", "v0")
    assert ask(cloud, endpoint)["Body"].read() == b"application/x-image */* 1"
    body = b"mirror" + bytes(range(256)) * 8000
    assert ask(cloud, endpoint, body)["Body"].read() == body


def test_an_endpoint_in_service_describes_what_it_runs(cloud: Cloud, endpoint: str) -> None:
    description = cloud.client("sagemaker").describe_endpoint(EndpointName=endpoint)
    variant = description["ProductionVariants"][0]
    assert description["EndpointStatus"] == "InService"
    assert variant["DeployedImages"][0]["SpecifiedImage"].endswith("/toy:1")
    assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"], variant["CurrentWeight"]) == (1, 1, 1.0)


@pytest.mark.parametrize(("body", "status", "side"), [(b"bad image", 400, "client"), (b"boom", 500, "server")])
def test_an_answer_that_is_no_success_is_a_model_error(
    cloud: Cloud, endpoint: str, body: bytes, status: int, side: str
) -> None:
    runtime = cloud.client("sagemaker-runtime")
    with pytest.raises(runtime.exceptions.ModelError) as caught:
        runtime.invoke_endpoint(EndpointName=endpoint, Body=body)
    response = caught.value.response
    assert response["OriginalStatusCode"] == status
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["Error"]["Message"].startswith(f"Received {side} error ({status}) from primary with message")
    assert response["LogStreamArn"].endswith(f"log-group:/aws/sagemaker/Endpoints/{endpoint}")


def test_an_answer_that_takes_too_long_is_a_model_error(cloud: Cloud, endpoint: str) -> None:
    with pytest.raises(ClientError, match="Your invocation timed out"):
        ask(cloud, endpoint, b"sleep 2.5")


def test_an_unknown_endpoint_is_a_validation_error(cloud: Cloud) -> None:
    with pytest.raises(ClientError) as caught:
        ask(cloud, "nowhere")
    assert caught.value.response["Error"] == {
        "Code": "ValidationError",
        "Message": "Endpoint nowhere of account 000000000000 not found.",
    }


def test_an_unknown_variant_is_a_validation_error(cloud: Cloud, endpoint: str) -> None:
    with pytest.raises(ClientError, match=r"ValidationError.*Variant v9 of endpoint .* not found"):
        ask(cloud, endpoint, TargetVariant="v9")


def test_an_endpoint_that_is_being_created_neither_answers_nor_changes(cloud: Cloud) -> None:
    sagemaker, config = cloud.client("sagemaker"), make_config(cloud, make_model(cloud, "1", {"START_SECONDS": "1"}))
    sagemaker.create_endpoint(EndpointName="slow", EndpointConfigName=config)
    with pytest.raises(ClientError, match=r"ValidationError.*is not in service: its status is Creating"):
        ask(cloud, "slow")
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        sagemaker.update_endpoint(EndpointName="slow", EndpointConfigName=config)
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        sagemaker.delete_endpoint(EndpointName="slow")
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="slow", WaiterConfig=OFTEN)
    assert ask(cloud, "slow")["Body"].read().endswith(b" 1")


def test_a_crashed_container_is_started_again(cloud: Cloud, endpoint: str) -> None:
    before = json.loads(ask(cloud, endpoint, b"1")["Body"].read())[1]
    with pytest.raises(ClientError, match="ModelError"):
        ask(cloud, endpoint, b"die")
    after = until(lambda: quietly(cloud, endpoint))
    assert before != after
    assert not alive(before)
    until(lambda: "is restarted." in " ".join(cloud.log(f"/aws/sagemaker/Endpoints/{endpoint}", "v0/")))
    assert cloud.client("sagemaker").describe_endpoint(EndpointName=endpoint)["EndpointStatus"] == "InService"


def quietly(cloud: Cloud, endpoint: str) -> int | None:
    try:
        return int(json.loads(ask(cloud, endpoint, b"1")["Body"].read())[1])
    except ClientError:
        return None


def test_an_update_serves_the_new_model_and_never_nothing(cloud: Cloud) -> None:
    sagemaker, endpoint = cloud.client("sagemaker"), make_endpoint(cloud, make_config(cloud, make_model(cloud, "1")))
    old = json.loads(ask(cloud, endpoint, b"1")["Body"].read())[1]
    config = make_config(cloud, make_model(cloud, "2", {"START_SECONDS": "1"}))
    sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)
    answers = [version(cloud, endpoint)]
    assert sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointStatus"] == "Updating"
    while answers[-1] != b"2":
        answers.append(version(cloud, endpoint))
    assert set(answers) == {b"1", b"2"}
    assert answers == sorted(answers)
    until(lambda: sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointStatus"] == "InService")
    assert sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"] == config
    until(lambda: not alive(old))


def version(cloud: Cloud, endpoint: str) -> bytes:
    """Return the version of the model that answers."""
    return bytes(ask(cloud, endpoint)["Body"].read().split()[-1])


def test_a_failed_update_leaves_the_old_model_in_service(cloud: Cloud) -> None:
    sagemaker, config = cloud.client("sagemaker"), make_config(cloud, make_model(cloud, "5"))
    endpoint = make_endpoint(cloud, config)
    broken = make_config(cloud, make_model(cloud, "6", {"BREAK": "start"}))
    sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=broken)
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=endpoint, WaiterConfig=OFTEN)
    description = sagemaker.describe_endpoint(EndpointName=endpoint)
    assert description["EndpointConfigName"] == config
    assert description["FailureReason"].startswith(
        "The primary container for production variant v0 did not pass the ping health check"
    )
    assert ask(cloud, endpoint)["Body"].read().endswith(b" 5")


def test_an_endpoint_that_cannot_start_fails_and_can_only_be_deleted(cloud: Cloud) -> None:
    sagemaker = cloud.client("sagemaker")
    config = make_config(cloud, make_model(cloud, "3", {"BREAK": "start"}))
    sagemaker.create_endpoint(EndpointName="broken", EndpointConfigName=config)
    description = until(lambda: failed(sagemaker, "broken"))
    assert "its process ended with exit code 3" in description["FailureReason"]
    assert "I cannot start" in cloud.events("/aws/sagemaker/Endpoints/broken", "v0/")
    with pytest.raises(ClientError, match="is not in service: its status is Failed"):
        ask(cloud, "broken")
    with pytest.raises(ClientError, match="can only be deleted"):
        sagemaker.update_endpoint(EndpointName="broken", EndpointConfigName=config)
    with pytest.raises(WaiterError, match="terminal failure state"):
        sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="broken", WaiterConfig=OFTEN)
    sagemaker.delete_endpoint(EndpointName="broken")
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName="broken", WaiterConfig=OFTEN)


def failed(sagemaker: Any, name: str) -> Any:
    description = sagemaker.describe_endpoint(EndpointName=name)
    return description if description["EndpointStatus"] == "Failed" else None


def test_deleting_an_endpoint_ends_its_process(cloud: Cloud) -> None:
    sagemaker = cloud.client("sagemaker")
    endpoint = make_endpoint(cloud, make_config(cloud, make_model(cloud)))
    process = json.loads(ask(cloud, endpoint, b"1")["Body"].read())[1]
    sagemaker.delete_endpoint(EndpointName=endpoint)
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=endpoint, WaiterConfig=OFTEN)
    assert not alive(process)
    with pytest.raises(ClientError, match="Could not find endpoint"):
        sagemaker.delete_endpoint(EndpointName=endpoint)


def test_a_target_variant_chooses_the_model(cloud: Cloud) -> None:
    endpoint = make_endpoint(cloud, make_config(cloud, make_model(cloud, "11"), make_model(cloud, "12")))
    for variant, version in (("v0", b" 11"), ("v1", b" 12")):
        answer = ask(cloud, endpoint, TargetVariant=variant)
        assert answer["Body"].read().endswith(version)
        assert answer["InvokedProductionVariant"] == variant


def test_a_serverless_endpoint_takes_4_mb_and_no_more(cloud: Cloud) -> None:
    endpoint = make_endpoint(cloud, make_config(cloud, make_model(cloud), serverless=True))
    assert json.loads(ask(cloud, endpoint, b"x" * 4_000_000)["Body"].read())[0] == 4_000_000
    with pytest.raises(ClientError) as caught:
        ask(cloud, endpoint, b"x" * 5_000_000)
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


def test_an_endpoint_whose_config_was_deleted_answers_and_cannot_be_updated(cloud: Cloud) -> None:
    sagemaker, config = cloud.client("sagemaker"), make_config(cloud, make_model(cloud, "1"))
    endpoint, other = make_endpoint(cloud, config), make_config(cloud, make_model(cloud, "2"))
    sagemaker.delete_endpoint_config(EndpointConfigName=config)
    assert ask(cloud, endpoint)["Body"].read().endswith(b" 1")
    with pytest.raises(ClientError, match=f"Could not find endpoint configuration .*{config}"):
        sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=other)


def test_a_variant_with_elastic_inference_is_refused(cloud: Cloud) -> None:
    variant = {"VariantName": "v0", "ModelName": make_model(cloud, "1"), "AcceleratorType": "ml.eia2.medium"}
    variant |= {"InstanceType": "ml.c5.large", "InitialInstanceCount": 1}
    with pytest.raises(ClientError, match="v0 has an AcceleratorType; Elastic Inference is retired"):
        cloud.client("sagemaker").create_endpoint_config(EndpointConfigName="accelerated", ProductionVariants=[variant])


def test_an_endpoint_with_instances_cannot_become_serverless(cloud: Cloud, endpoint: str) -> None:
    sagemaker, config = cloud.client("sagemaker"), make_config(cloud, make_model(cloud, "1"), serverless=True)
    with pytest.raises(ClientError, match="real-time endpoint to a serverless endpoint is not supported"):
        sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)


def test_a_variant_that_scales_keeps_its_instance_type(cloud: Cloud) -> None:
    sagemaker, model = cloud.client("sagemaker"), make_model(cloud, "1")
    endpoint, other = make_endpoint(cloud, make_config(cloud, model)), unique("config")
    variant = {"VariantName": "v0", "ModelName": model, "InstanceType": "ml.c5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName=other, ProductionVariants=[variant])
    scale(cloud, endpoint)
    with pytest.raises(ClientError, match=r"variant v0 is a scalable target .* from ml\.m5\.large to ml\.c5\.large"):
        sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=other)
    sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=make_config(cloud, make_model(cloud, "2")))
    until(lambda: version(cloud, endpoint) == b"2")
