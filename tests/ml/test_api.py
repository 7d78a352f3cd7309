"""`python -m ml.api` prints exports for a shell, or why it cannot."""

import json

import pytest

from ml import api
from tests.localaws.server.builders import Server

pytestmark = pytest.mark.usefixtures("project", "aws")


def deployed(server: Server, stage: str, outputs: dict[str, str]) -> None:
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }
    client, name = server.client("cloudformation"), f"Pneumonia-{stage}-Api"
    client.create_stack(StackName=name, TemplateBody=json.dumps(template))
    client.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})


def test_url_and_key_are_exports(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    key = server.client("apigateway").create_api_key(name="key", value="k" * 30, enabled=True)
    deployed(server, "keyed", {"ApiUrl": "https://example.org/dev/", "ApiKeyId": key["id"]})
    assert api.main(["--stage", "keyed"]) == 0
    assert capsys.readouterr().out == f"export API_URL=https://example.org/dev/\nexport API_KEY={'k' * 30}\n"


def test_an_api_that_requires_signed_requests_has_no_key(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    deployed(server, "signed", {"ApiUrl": "https://example.org/dev/"})
    assert api.main(["--stage", "signed"]) == 1
    printed = capsys.readouterr()
    assert "signed requests" in printed.err
    assert "auth=api_key" in printed.err
    assert printed.out == ""


def test_a_stage_that_is_not_deployed_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert api.main(["--stage", "nowhere"]) == 1
    assert "cdk deploy" in capsys.readouterr().err
