"""`python -m ml.verify`: whether what was deployed is what runs.

An update that SageMaker rolled back by itself leaves an endpoint in service with its old configuration, and a stack
that says it is complete. This compares the two, and asks the model through the API.
"""

import argparse
import sys
import time
from typing import Any

import requests

from ml import project
from ml.aws import clients, stacks
from ml.cli import run_command
from ml.errors import UserError
from ml.leasing.entry import endpoint_lives, missing

POLL_SECONDS = 5.0
CHANGING = ("Creating", "Updating", "SystemUpdating", "RollingBack")


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code: 0 when everything is as deployed, else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m ml.verify",
        description="Check after a deployment that the endpoint runs the configuration and the model of the stack, and "
        "that the API reaches it.",
        epilog="Example: cdk deploy --all -c stage=dev && python -m ml.verify --stage dev",
    )
    parser.add_argument("--stage", help="deployment stage (default: the one in cdk.json)")
    parser.add_argument("--wait", type=int, default=900, metavar="SECONDS", help="for an update (default %(default)s)")
    options = parser.parse_args(argv)
    if options.wait < 0:
        parser.error(f"--wait {options.wait} is not allowed; give 0 or more seconds.")

    def command() -> None:
        stage = project.stage(options.stage)
        outputs = stacks.outputs(stage, "Endpoint")
        if not endpoint_lives(outputs["EndpointName"]):
            raise UserError(missing(stage, outputs["EndpointName"]))
        found = settled(outputs["EndpointName"], options.wait)
        check(found, outputs["EndpointConfigName"], project.read_model(stage)["artifact"])
        print(f"Endpoint {found['EndpointName']} is in service with {found['EndpointConfigName']}, as deployed.")
        print(ask(stage))

    return run_command(command)


def settled(name: str, seconds: int) -> dict[str, Any]:
    """Return the endpoint's description once it is not being changed any more.

    Raises:
        UserError: it still is after so many seconds, or there is none.
    """
    sagemaker, deadline = clients.client("sagemaker"), time.monotonic() + seconds
    while True:
        found: dict[str, Any] = sagemaker.describe_endpoint(EndpointName=name)
        if found["EndpointStatus"] not in CHANGING:
            return found
        if time.monotonic() >= deadline:
            raise UserError(f"Endpoint {name} is still {found['EndpointStatus']} after {seconds} s; try later.")
        time.sleep(POLL_SECONDS)


def check(found: dict[str, Any], config: str, artifact: str) -> None:
    """Compare the endpoint with the stack and with the model in context.

    Raises:
        UserError: they differ, or the endpoint is not in service.
    """
    name, running = found["EndpointName"], found.get("EndpointConfigName", "none")
    reason = f" SageMaker's reason: {found['FailureReason']}." if found.get("FailureReason") else ""
    if running != config:
        raise UserError(
            f"Endpoint {name} runs {running}, and {config} was deployed: the update was rolled back.{reason} Look at "
            "the stack's alarms and the endpoint's log, then deploy again."
        )
    if found["EndpointStatus"] != "InService":
        raise UserError(f"Endpoint {name} is {found['EndpointStatus']}.{reason}")
    sagemaker = clients.client("sagemaker")
    variants = sagemaker.describe_endpoint_config(EndpointConfigName=running)["ProductionVariants"]
    model = sagemaker.describe_model(ModelName=variants[0]["ModelName"])
    served = model["PrimaryContainer"].get("ModelDataUrl")
    if served != artifact:
        raise UserError(
            f"Endpoint {name} serves {served}, and cdk.context.json has {artifact}; run `cdk deploy` to bring it there."
        )


def ask(stage: str) -> str:
    """Ask the model through the API; return a sentence.

    Raises:
        UserError: the API does not reach the model.
    """
    outputs = stacks.outputs(stage, "Api")
    if "ApiKeyId" not in outputs:
        return "The API wants signed requests; call GET /health?deep=1 with your credentials to see it reach the model."
    key = clients.client("apigateway").get_api_key(apiKey=outputs["ApiKeyId"], includeValue=True)["value"]
    url = outputs["ApiUrl"].rstrip("/") + "/health"
    try:
        answer = requests.get(url, params={"deep": "1"}, headers={"x-api-key": key}, timeout=40)
        document = answer.json()
    except requests.RequestException as error:
        raise UserError(f"The API does not answer at {url} ({type(error).__name__}).") from error
    if answer.status_code != 200 or document.get("endpoint") != "ok":
        detail = document.get("detail", "no reason given")
        raise UserError(f"The API answers {answer.status_code} to GET /health?deep=1: {detail}")
    return "The API reaches the model: GET /health?deep=1 says ok."


if __name__ == "__main__":
    sys.exit(main())
