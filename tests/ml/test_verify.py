"""A deployment that was rolled back is found and repaired, and an API that is not ready yet is asked again."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from localaws.environment import client_environment
from ml import project as files
from ml import verify
from tests.localaws.sagemaker.builders import BUCKET, IMAGE, Cloud, put_model, running_cloud, unique

SETTINGS = {"hosting": "realtime", "instance_count": 1, "autoscaling_max_instances": 1}


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    yield from running_cloud(tmp_path_factory.mktemp("verify") / "state")


@pytest.fixture
def stage(account: Cloud, project: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A new stage in an account, with nothing deployed."""
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    for name, value in client_environment(account.port).items():
        monkeypatch.setenv(name, value)
    name = unique("s").replace("-", "")
    (project / "cdk.json").write_text(json.dumps({"context": {"stage": name}}))
    return name


def template(account: Cloud, stage: str, artifact: str, policy: str) -> str:
    """Return an endpoint stack with this artifact and this UpdateReplacePolicy."""
    variant = {
        "VariantName": "AllTraffic", "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
        "InstanceType": "ml.m5.large", "InitialInstanceCount": 1, "InitialVariantWeight": 1,
    }  # fmt: skip
    container = {"Image": IMAGE, "ModelDataUrl": artifact}
    properties = {
        "Model": {"PrimaryContainer": container, "ExecutionRoleArn": account.role},
        "EndpointConfig": {"ProductionVariants": [variant]},
        "Endpoint": {
            "EndpointName": f"pneumonia-{stage}",
            "EndpointConfigName": {"Fn::GetAtt": ["EndpointConfig", "EndpointConfigName"]},
        },
    }
    resources = {
        kind: {"Type": f"AWS::SageMaker::{kind}", "Properties": values, "UpdateReplacePolicy": policy}
        for kind, values in properties.items()
    }
    outputs = {
        "EndpointName": {"Fn::GetAtt": ["Endpoint", "EndpointName"]},
        "EndpointConfigName": {"Fn::GetAtt": ["EndpointConfig", "EndpointConfigName"]},
        "Settings": json.dumps(SETTINGS),
    }
    return json.dumps({"Resources": resources, "Outputs": {name: {"Value": value} for name, value in outputs.items()}})


def deploy(account: Cloud, stage: str, part: str, body: str) -> str:
    """Create or update a stack; return its status."""
    stacks, name = account.client("cloudformation"), f"Pneumonia-{stage}-{part}"
    known = [stack["StackName"] for stack in stacks.describe_stacks()["Stacks"]]
    call, waiter = (
        ("update_stack", "stack_update_complete") if name in known else ("create_stack", "stack_create_complete")
    )
    getattr(stacks, call)(StackName=name, TemplateBody=body)
    stacks.get_waiter(waiter).wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    return str(stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])


def roll_back(account: Cloud, stage: str, policy: str) -> tuple[str, str]:
    """Deploy a model, then an artifact that is not an archive; return the serving configuration and the new URI."""
    first, second = unique("first"), unique("second")
    deploy(account, stage, "Endpoint", template(account, stage, put_model(account, first), policy))
    sagemaker = account.client("sagemaker")
    serving = sagemaker.describe_endpoint(EndpointName=f"pneumonia-{stage}")["EndpointConfigName"]
    artifact = put_model(account, second)
    account.client("s3").put_object(Bucket=BUCKET, Key=artifact.split("/", 3)[3], Body=b"not an archive")
    assert deploy(account, stage, "Endpoint", template(account, stage, artifact, policy)) == "UPDATE_COMPLETE"
    assert sagemaker.describe_endpoint(EndpointName=f"pneumonia-{stage}")["EndpointConfigName"] == serving
    return serving, artifact


def configurations(account: Cloud) -> list[str]:
    """Return the names of all endpoint configurations."""
    sagemaker = account.client("sagemaker")
    return [config["EndpointConfigName"] for config in sagemaker.list_endpoint_configs()["EndpointConfigs"]]


def deploy_api(account: Cloud, stage: str, url: str, **more: str) -> str:
    """Deploy an API stack with this URL and more outputs; return its key."""
    key = account.client("apigateway").create_api_key(name=unique("key"), enabled=True)
    outputs = {"ApiUrl": {"Value": url}, "ApiKeyId": {"Value": key["id"]}}
    outputs |= {name: {"Value": value} for name, value in more.items()}
    deploy(account, stage, "Api", json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}, "Outputs": outputs}))
    return str(key["value"])


@contextmanager
def answers(*statuses: int) -> Iterator[tuple[str, list[str]]]:
    """Serve these statuses one after the other; yield the URL and the keys of the requests."""
    left, keys = list(statuses), []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            keys.append(self.headers["x-api-key"])
            status = left.pop(0)
            body = json.dumps({"model": "ok"} if status == 200 else {"detail": "The model is starting."}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            """Keep quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", keys
    finally:
        server.shutdown()
        server.server_close()


def test_one_command_repairs_a_rollback_and_then_deletes_what_no_longer_serves(
    account: Cloud, stage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    serving, artifact = roll_back(account, stage, "Retain")
    files.write(f"model:{stage}", {"artifact": artifact})
    sagemaker = account.client("sagemaker")
    (variant,) = sagemaker.describe_endpoint_config(EndpointConfigName=serving)["ProductionVariants"]
    replaced_model = sagemaker.describe_model(ModelName=variant["ModelName"])["ModelName"]
    assert verify.main(["--stage", stage]) == 1
    message = capsys.readouterr().err
    assert serving in message
    assert f"python -m ml.verify --stage {stage} --repair" in message

    put_model(account, artifact.split("/")[-2])
    with answers(200) as (url, _):
        deploy_api(account, stage, url)
        assert verify.main(["--stage", stage, "--repair"]) == 0
    deployed = sagemaker.describe_endpoint(EndpointName=f"pneumonia-{stage}")["EndpointConfigName"]
    assert deployed != serving
    assert serving in capsys.readouterr().out
    assert serving not in configurations(account)
    assert deployed in configurations(account)
    models = [model["ModelName"] for model in sagemaker.list_models()["Models"]]
    assert replaced_model not in models


def test_without_the_policy_the_configuration_that_serves_is_deleted_and_nothing_repairs_it(
    account: Cloud, stage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    serving, artifact = roll_back(account, stage, "Delete")
    files.write(f"model:{stage}", {"artifact": artifact})
    assert serving not in configurations(account)
    assert verify.main(["--stage", stage, "--repair"]) == 1
    assert "Could not find endpoint configuration" in capsys.readouterr().err


def test_an_api_that_is_not_ready_is_asked_until_it_answers(
    account: Cloud, stage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(account, stage, "Endpoint", template(account, stage, artifact := put_model(account, "1"), "Retain"))
    files.write(f"model:{stage}", {"artifact": artifact})
    with answers(403, 504, 503, 200) as (url, keys):
        key = deploy_api(account, stage, url)
        assert verify.main(["--stage", stage, "--wait", "60"]) == 0
    assert keys == [key] * 4
    progress = capsys.readouterr().err
    assert [status for status in ("403", "504", "503") if f"answers {status}" not in progress] == []


@pytest.mark.parametrize(("status", "wait"), [("504", "0"), ("500", "60")])
def test_an_api_that_fails_or_is_not_ready_in_time_fails_with_its_reason(
    account: Cloud, stage: str, capsys: pytest.CaptureFixture[str], status: str, wait: str
) -> None:
    deploy(account, stage, "Endpoint", template(account, stage, artifact := put_model(account, "1"), "Retain"))
    files.write(f"model:{stage}", {"artifact": artifact})
    with answers(int(status)) as (url, _):
        deploy_api(account, stage, url)
        assert verify.main(["--stage", stage, "--wait", wait]) == 1
    message = capsys.readouterr().err
    assert f"answers {status}" in message
    assert "The model is starting." in message


def test_a_function_that_runs_the_graph_in_context_is_verified_and_another_graph_fails(
    account: Cloud, stage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    files.write(f"model:{stage}", {"graph": {"uri": "s3://images/model.onnx", "sha256": "a" * 64}})
    with answers(503, 200) as (url, keys):
        key = deploy_api(account, stage, url, GraphSha256="a" * 64)
        assert verify.main(["--stage", stage]) == 0
        assert keys == [key] * 2
        assert verify.main(["--stage", stage, "--repair"]) == 2
        deploy_api(account, stage, url, GraphSha256="b" * 64)
        assert verify.main(["--stage", stage]) == 1
    message = capsys.readouterr().err
    assert "a" * 64 in message
    assert "b" * 64 in message
    assert "cdk deploy" in message
