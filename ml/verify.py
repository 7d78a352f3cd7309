"""`python -m ml.verify`: check that the endpoint that runs is the one that was deployed.

If SageMaker rolls an update back, the endpoint stays in service with its old configuration, and the stack can still be
complete. This command compares the two, and asks the model through the API.
"""

import json
import sys
import time
from typing import Annotated, Any

import requests
import typer

from ml import cli, project, replaced
from ml.aws import clients, stacks
from ml.errors import UserError
from ml.leasing.entry import endpoint_exists, missing
from ml.setting_changes import scales

POLL_SECONDS = 5.0
CHANGING = ("Creating", "Updating", "SystemUpdating", "RollingBack")
NOT_READY = (403, 503, 504)
"""What the API answers while a new key becomes known, an endpoint starts, or a serverless container starts."""
EXAMPLES = """
  cdk deploy --all -c stage=dev && python -m ml.verify --stage dev
  python -m ml.verify --stage dev --repair
"""
app = cli.application()


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    return cli.run(app, "ml.verify", argv)


@app.command(epilog=cli.examples(EXAMPLES))
def verify(
    stage: cli.Stage,
    wait: Annotated[
        int,
        typer.Option(
            min=0, max=86400, metavar="SECONDS", help="Seconds to wait until updates end and the model answers."
        ),
    ] = 900,
    repair: Annotated[
        bool, typer.Option("--repair", help="After a rollback, update the endpoint to the deployed configuration.")
    ] = False,
) -> None:
    """Check after a deployment that the endpoint runs the stack's configuration and model, and that the API reaches it.

    Then deletes the models and configurations that earlier deployments left. With hosting=function, checks that the
    API's function runs the graph in cdk.context.json. Exits with 0 if everything is as deployed, otherwise with 1.
    """
    deadline = time.monotonic() + wait
    if graph := deployed_graph(stage):
        print(check_graph(stage, graph, repair))
        print(check_api(stage, deadline))
        return
    outputs = stacks.outputs(stage, "Endpoint")
    name, config = outputs["EndpointName"], outputs["EndpointConfigName"]
    if not endpoint_exists(name):
        raise UserError(missing(stage, name))
    endpoint = wait_for_update(name, deadline)
    if repair and endpoint["EndpointConfigName"] != config:
        update(name, config, json.loads(outputs["Settings"]))
        endpoint = wait_for_update(name, deadline)
    check(stage, endpoint, config, project.read_model(stage)["artifact"])
    print(f"Endpoint {name} is in service with {config}, as deployed.")
    print(check_api(stage, deadline))
    for deleted in replaced.delete(stage, config):
        print(f"{deleted} of an earlier deployment is deleted.")


def deployed_graph(stage: str) -> str | None:
    """Return the SHA-256 of the graph that the API's function runs; None if an endpoint serves or nothing does."""
    try:
        return stacks.outputs(stage, "Api").get("GraphSha256")
    except UserError:
        return None


def check_graph(stage: str, sha256: str, repair: bool) -> str:
    """Compare the deployed graph with the one in cdk.context.json; return the result as a sentence.

    Raises:
        UserError: they differ, or there should be an endpoint to repair.
    """
    if repair:
        raise UserError(f"--repair: stage {stage} has no endpoint; its function runs what `cdk deploy` deployed.", 2)
    recorded = project.read_model(stage).get("graph", {"sha256": "none"})["sha256"]
    if recorded != sha256:
        raise UserError(
            f"The API's function runs the graph with SHA-256 {sha256}, but cdk.context.json has {recorded}; run "
            "`cdk deploy` to update the function."
        )
    return f"The API's function runs the graph with SHA-256 {sha256}, as in cdk.context.json."


def wait_for_update(name: str, deadline: float) -> dict[str, Any]:
    """Wait until the endpoint is not being changed; return its description.

    Args:
        deadline: by time.monotonic().

    Raises:
        UserError: it is still being changed then.
    """
    sagemaker = clients.client("sagemaker")
    while True:
        endpoint: dict[str, Any] = sagemaker.describe_endpoint(EndpointName=name)
        if endpoint["EndpointStatus"] not in CHANGING:
            return endpoint
        if time.monotonic() >= deadline:
            raise UserError(f"Endpoint {name} is still {endpoint['EndpointStatus']} at the end of --wait; try later.")
        time.sleep(POLL_SECONDS)


def update(name: str, config: str, settings: dict[str, Any]) -> None:
    """Start an update of the endpoint to a configuration, with the alarms of the last deployment."""
    clients.client("sagemaker").update_endpoint(
        EndpointName=name,
        EndpointConfigName=config,
        RetainDeploymentConfig=True,
        RetainAllVariantProperties=scales(settings),
    )
    print(f"Endpoint {name} is being updated to {config}.", file=sys.stderr)


def check(stage: str, endpoint: dict[str, Any], config: str, artifact: str) -> None:
    """Compare the endpoint with the stack and with the model in cdk.context.json.

    Raises:
        UserError: they differ, or the endpoint is not in service.
    """
    name, running = endpoint["EndpointName"], endpoint.get("EndpointConfigName", "none")
    reason = f" SageMaker's reason: {endpoint['FailureReason']}." if endpoint.get("FailureReason") else ""
    if running != config:
        raise UserError(
            f"Endpoint {name} runs {running}, but {config} was deployed: the update was rolled back.{reason} Check the "
            f"stack's alarms and the endpoint's log, then run `python -m ml.verify --stage {stage} --repair`."
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


def check_api(stage: str, deadline: float) -> str:
    """Ask the model through the API until it answers; return the result as a sentence.

    Args:
        deadline: by time.monotonic().

    Raises:
        UserError: the API does not reach the model.
    """
    outputs = stacks.outputs(stage, "Api")
    if "ApiKeyId" not in outputs:
        return "The API requires signed requests; to check that it reaches the model, sign a GET /health?deep=1."
    key = clients.client("apigateway").get_api_key(apiKey=outputs["ApiKeyId"], includeValue=True)["value"]
    url = outputs["ApiUrl"].rstrip("/") + "/health"
    while True:
        status, document = deep_health(url, key)
        if status == 200 and document.get("model") == "ok":
            return "The API reaches the model: GET /health?deep=1 says ok."
        message = f"The API answers {status} to GET {url}?deep=1: {document.get('detail', 'no reason given')}"
        seconds = deadline - time.monotonic()
        if status not in NOT_READY or seconds <= 0:
            raise UserError(message)
        print(f"{message} Asking again for up to {seconds:.0f} s.", file=sys.stderr, flush=True)
        time.sleep(min(POLL_SECONDS, seconds))


def deep_health(url: str, key: str) -> tuple[int, dict[str, Any]]:
    """Return the status and the document of GET /health?deep=1; the document is empty if the answer is not JSON.

    Raises:
        UserError: there is no answer.
    """
    try:
        answer = requests.get(url, params={"deep": "1"}, headers={"x-api-key": key}, timeout=40)
    except requests.RequestException as error:
        raise UserError(f"The API does not answer at {url} ({type(error).__name__}).") from error
    return answer.status_code, answer.json() if "json" in answer.headers.get("content-type", "") else {}


if __name__ == "__main__":
    sys.exit(main())
