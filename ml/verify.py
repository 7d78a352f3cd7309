"""`python -m ml.verify`: check that the endpoint that runs is the one that was deployed.

If SageMaker rolls an update back, the endpoint stays in service with its old configuration, and the stack is still
complete. This command compares the two, and asks the model through the API.
"""

import sys
import time
from typing import Annotated, Any

import requests
import typer

from ml import cli, project
from ml.aws import clients, stacks
from ml.errors import UserError
from ml.leasing.entry import endpoint_exists, missing

POLL_SECONDS = 5.0
CHANGING = ("Creating", "Updating", "SystemUpdating", "RollingBack")
app = cli.application()


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    return cli.run(app, "ml.verify", argv)


@app.command(epilog=cli.examples("  cdk deploy --all -c stage=dev && python -m ml.verify --stage dev"))
def verify(
    stage: cli.Stage,
    wait: Annotated[
        int, typer.Option(min=0, max=86400, metavar="SECONDS", help="Seconds to wait for an update to end.")
    ] = 900,
) -> None:
    """Check after a deployment that the endpoint runs the stack's configuration and model, and that the API reaches it.

    Exits with 0 if everything is as deployed, otherwise with 1.
    """
    outputs = stacks.outputs(stage, "Endpoint")
    if not endpoint_exists(outputs["EndpointName"]):
        raise UserError(missing(stage, outputs["EndpointName"]))
    endpoint = wait_for_update(outputs["EndpointName"], wait)
    check(endpoint, outputs["EndpointConfigName"], project.read_model(stage)["artifact"])
    print(f"Endpoint {endpoint['EndpointName']} is in service with {endpoint['EndpointConfigName']}, as deployed.")
    print(check_api(stage))


def wait_for_update(name: str, seconds: int) -> dict[str, Any]:
    """Wait until the endpoint is not being changed; return its description.

    Raises:
        UserError: it is still being changed after `seconds`.
    """
    sagemaker, deadline = clients.client("sagemaker"), time.monotonic() + seconds
    while True:
        endpoint: dict[str, Any] = sagemaker.describe_endpoint(EndpointName=name)
        if endpoint["EndpointStatus"] not in CHANGING:
            return endpoint
        if time.monotonic() >= deadline:
            raise UserError(
                f"Endpoint {name} is still {endpoint['EndpointStatus']} after --wait {seconds} s; try later."
            )
        time.sleep(POLL_SECONDS)


def check(endpoint: dict[str, Any], config: str, artifact: str) -> None:
    """Compare the endpoint with the stack and with the model in cdk.context.json.

    Raises:
        UserError: they differ, or the endpoint is not in service.
    """
    name, running = endpoint["EndpointName"], endpoint.get("EndpointConfigName", "none")
    reason = f" SageMaker's reason: {endpoint['FailureReason']}." if endpoint.get("FailureReason") else ""
    if running != config:
        raise UserError(
            f"Endpoint {name} runs {running}, but {config} was deployed: the update was rolled back.{reason} Check the "
            "stack's alarms and the endpoint's log, then deploy again."
        )
    if endpoint["EndpointStatus"] != "InService":
        raise UserError(f"Endpoint {name} is {endpoint['EndpointStatus']}.{reason}")
    sagemaker = clients.client("sagemaker")
    variants = sagemaker.describe_endpoint_config(EndpointConfigName=running)["ProductionVariants"]
    model = sagemaker.describe_model(ModelName=variants[0]["ModelName"])
    served = model["PrimaryContainer"].get("ModelDataUrl")
    if served != artifact:
        raise UserError(
            f"Endpoint {name} serves {served}, but cdk.context.json has {artifact}; run `cdk deploy` to "
            "update the endpoint."
        )


def check_api(stage: str) -> str:
    """Ask the model through the API; return the result as a sentence.

    Raises:
        UserError: the API does not reach the model.
    """
    outputs = stacks.outputs(stage, "Api")
    if "ApiKeyId" not in outputs:
        return "The API requires signed requests; to check that it reaches the model, sign a GET /health?deep=1."
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
