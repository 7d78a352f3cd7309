"""`python -m ml.cost`: print what the settings cost, before anything is deployed."""

import sys
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from ml import algorithms, cli, options, project
from ml.errors import UserError
from ml.scoring.scorer import INSTANCE_TYPE
from ml.training import hyperparameters, prices
from network.recipe import LAPTOP

FUNCTION_MEMORY_MB = 3008
"""Least memory of a function that runs the model, as in `infra.settings`."""
HOURS_A_MONTH = 730
"""AWS's own month: 365 days of 24 hours over 12."""
WAF_RULES = 2
"""Rules of the web ACL of `waf=true`: a rate limit and a managed rule group."""
EXAMPLES = """
  python -m ml.cost --stage prod
  python -m ml.cost -c hosting=serverless -c serverless_memory_mb=4096 --requests 10000
  python -m ml.cost -c hosting=function --requests 10000 --seconds 0.5
"""
Images = Annotated[int, typer.Option(min=1, max=100_000_000, help="Lines of the training list.")]
EvaluationImages = Annotated[
    int, typer.Option(min=1, max=100_000_000, help="Images of validation, perturbed validation and test.")
]
Requests = Annotated[int, typer.Option(min=1, max=1_000_000_000, help="Requests a month, if they are billed.")]
Seconds = Annotated[float, typer.Option(min=0.001, max=60, help="Seconds of one request, if they are billed.")]
app = cli.application()


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    return cli.run(app, "ml.cost", argv)


@app.command(epilog=cli.examples(EXAMPLES))
def show(  # noqa: PLR0913 - one parameter for each option
    *,
    stage: cli.Stage,
    context: options.Context = None,
    requests: Requests = 1000,
    seconds: Seconds = 1.0,
    images: Images = 18264,
    evaluation_images: EvaluationImages = 1904,
    epochs: options.Epochs = None,
    algorithm: options.Algorithm = None,
    recipe: options.Recipe = None,
    instance_type: options.TrainingInstanceType = None,
    price_table: options.Prices = None,
) -> None:
    """Print the cost of a stage's hosting an hour and a month, of one training job, and of one evaluation.

    Does not call AWS: the prices come from a dated table.
    """
    table, settings = prices.read(price_table), project.settings(stage, context or ())
    hour, month, hosting = endpoint(table, settings, requests, seconds)
    name = algorithms.chosen(algorithm, settings)
    machine = instance_type or algorithms.DEFAULT_INSTANCE[name]
    algorithms.check_instance_type(name, machine)
    given = {"epochs": epochs, "mini_batch_size": 1, "recipe": recipe}
    sent = hyperparameters.resolve(given, images, 2, name)
    network = int(sent["num_layers"]) if "num_layers" in sent else sent["recipe"]
    training = prices.training(table, machine, network, images, int(sent["epochs"]))
    evaluation = prices.transform(table, INSTANCE_TYPE, evaluation_images, name, recipe or LAPTOP)
    money = table["currency"]
    print(
        f"Prices of {table['region']}, on demand, read {table['read']}; check yours. Your region: {settings['region']}."
    )
    print(f"Hosting: {hosting}: {hour:.4f} {money} an hour, {month:.2f} {money} a month, while it is deployed.")
    for addition in additions(table, settings, hour, requests):
        print(addition)
    print(f"One training run: {training} on {machine} with {name} ({training.basis}); less on spot.")
    print(f"One evaluation of {evaluation_images:,} images: {evaluation} on {INSTANCE_TYPE} ({evaluation.basis}).")
    print("Bucket, Lambda function, API and logs cost cents at this scale. `cdk destroy` ends all of it.")


def endpoint(
    table: Mapping[str, Any], settings: Mapping[str, Any], requests: int, seconds: float
) -> tuple[float, float, str]:
    """Return the cost of the model's hosting an hour and a month, and a description of it.

    Raises:
        UserError: the table has no price for the instance type, or the hosting is unknown.
    """
    if settings["hosting"] == "serverless":
        gigabytes = int(settings["serverless_memory_mb"]) / 1024
        month = requests * seconds * gigabytes * table["serverless_gb_second"]
        description = f"serverless with {gigabytes:g} GB, {requests:,} requests a month of {seconds:g} s each"
        return month / HOURS_A_MONTH, month, description
    if settings["hosting"] == "function":
        gigabytes = max(int(settings["function_memory_mb"]), FUNCTION_MEMORY_MB) / 1024
        prediction = seconds * gigabytes * table["lambda_gb_second"] + table["lambda_million_requests"] / 1e6
        description = (
            f"Lambda function with {gigabytes:.2f} GB and no endpoint, {requests:,} predictions a month of {seconds:g} "
            f"s each, nothing at rest, {1000 * prediction:.4f} {table['currency']} for 1,000 predictions"
        )
        return requests * prediction / HOURS_A_MONTH, requests * prediction, description
    if settings["hosting"] != "realtime":
        raise UserError(f"hosting is {settings['hosting']!r}; it must be realtime, serverless or function.", 2)
    instance_type, count = str(settings["instance_type"]), int(settings["instance_count"])
    hourly = table["hosting_hour"].get(instance_type)
    if hourly is None:
        known = ", ".join(table["hosting_hour"])
        raise UserError(
            f"The price table has no price for hosting {instance_type}, only for {known}; give --prices with one."
        )
    return count * hourly, count * hourly * HOURS_A_MONTH, f"{count} x {instance_type}"


def additions(table: Mapping[str, Any], settings: Mapping[str, Any], hour: float, requests: int) -> Iterator[str]:
    """Yield a line for autoscaling and one for AWS WAF, if the settings use them.

    Args:
        hour: cost of the endpoint with `instance_count` instances.
        requests: requests a month.
    """
    count, largest = int(settings.get("instance_count", 1)), int(settings.get("autoscaling_max_instances", 1))
    money = table["currency"]
    if settings["hosting"] == "realtime" and largest > count:
        hourly = hour / count * largest
        monthly = hourly * HOURS_A_MONTH
        yield f"Autoscaling: up to {largest} instances: {hourly:.4f} {money} an hour, {monthly:.2f} {money} a month."
    if not settings.get("waf"):
        return
    if "waf_acl_month" not in table:
        yield "AWS WAF: the price table has no price for it."
        return
    month = table["waf_acl_month"] + WAF_RULES * table["waf_rule_month"]
    month += requests / 1e6 * table["waf_million_requests"]
    yield f"AWS WAF: {month:.2f} {money} a month with {WAF_RULES} rules and {requests:,} requests."


if __name__ == "__main__":
    sys.exit(main())
