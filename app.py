"""The CDK app: read the settings and the model from context, compose the stacks."""

import datetime as dt
import sys

import aws_cdk as cdk

from infra import deployed_model, lambda_asset, lease_schedule, nag, resolution
from infra.api import ApiStack
from infra.deployed_model import DeployedModel
from infra.endpoint import EndpointStack
from infra.errors import SettingsError
from infra.lease_schedule import Lease
from infra.observability import ObservabilityStack
from infra.retention import RetentionStack
from infra.settings import PROJECT, Settings, summary
from infra.storage import StorageStack


def compose(app: cdk.App, now: dt.datetime) -> None:
    """Add the stacks of the stage that is in the context of `app`; `now` decides whether its lease is over.

    Raises:
        SettingsError: a setting, the model or the lease in context cannot be used.
    """
    context = app.node.get_all_context()
    settings = resolution.read(context)
    cdk.Tags.of(app).add("project", PROJECT)
    cdk.Tags.of(app).add("stage", settings.stage)
    model = deployed_model.read(context, settings.stage)
    sys.stderr.write(f"{summary(settings)}\n")
    storage = StorageStack(app, settings)
    if settings.retain_data:
        RetentionStack(app, settings).add_stack_dependency(storage)
    if model is None:
        sys.stderr.write(
            f"No model in context for stage {settings.stage}: the endpoint and API stacks are left out. "
            f"Run `python -m ml.train --stage {settings.stage}` to train one.\n"
        )
    elif not model.deployable:
        sys.stderr.write(
            f"Model {model.training_job} of stage {settings.stage} is not released: {model.gate}. "
            "The endpoint and API stacks are left out.\n"
        )
    elif settings.in_function and model.graph is None:
        sys.stderr.write(
            f"Model {model.training_job} of stage {settings.stage} was not exported, and hosting is function: the API "
            f"stack is left out. Run `python -m ml.export --stage {settings.stage}`.\n"
        )
    else:
        serve(app, settings, model, lease_schedule.read(context, settings, now), storage)
    nag.check(app)


def serve(app: cdk.App, settings: Settings, model: DeployedModel, lease: Lease, storage: StorageStack) -> None:
    """Add the stacks that serve a released model."""
    if lease.over:
        sys.stderr.write(f"{lease_schedule.refusal(lease, settings.stage)}\n")
    endpoint = EndpointStack(app, settings, model, lease)
    api = ApiStack(app, settings, model, lease, lambda_asset.build(settings.in_function))
    # What serves next is deployed first. With hosting=function, an endpoint is deleted after the API has changed.
    first, second = (api, endpoint) if settings.in_function else (endpoint, api)
    first.add_stack_dependency(storage)
    second.add_stack_dependency(first)
    ObservabilityStack(app, settings, lease)


def main() -> int:
    """Synthesise; return the exit code."""
    app = cdk.App()
    try:
        compose(app, dt.datetime.now(dt.UTC))
    except SettingsError as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
