"""The CDK app: read the settings and the model from context, compose the stacks."""

import datetime as dt
import sys

import aws_cdk as cdk

from infra import deployed_model, lambda_asset, lease_schedule, nag, settings
from infra.api import ApiStack
from infra.endpoint import EndpointStack
from infra.errors import SettingsError
from infra.observability import ObservabilityStack
from infra.retention import RetentionStack
from infra.storage import StorageStack


def compose(app: cdk.App, now: dt.datetime) -> None:
    """Add every stack of one stage to `app`, as its context says; `now` decides whether its lease is over.

    Raises:
        SettingsError: a setting, the model or the lease in context cannot be used.
    """
    context = app.node.get_all_context()
    chosen = settings.read(context)
    trained = deployed_model.read(context, chosen.stage)
    sys.stderr.write(f"{settings.summary(chosen)}\n")
    storage = StorageStack(app, chosen)
    if chosen.retain_data:
        RetentionStack(app, chosen).add_stack_dependency(storage)
    if trained is None:
        sys.stderr.write(
            f"No model in context for stage {chosen.stage}: the endpoint and API stacks are left out. "
            f"Run `python -m ml.train --stage {chosen.stage}` to make one.\n"
        )
    elif not trained.deployable:
        sys.stderr.write(
            f"Model {trained.training_job} of stage {chosen.stage} is not released, so that the endpoint and API "
            f"stacks are left out: {trained.gate}.\n"
        )
    else:
        leased = lease_schedule.read(context, chosen, now)
        if leased.over:
            sys.stderr.write(f"{lease_schedule.refusal(leased, chosen.stage)}\n")
        endpoint = EndpointStack(app, chosen, trained, leased)
        endpoint.add_stack_dependency(storage)
        api = ApiStack(app, chosen, trained, leased, lambda_asset.build())
        api.add_stack_dependency(endpoint)
        ObservabilityStack(app, chosen, leased)
    nag.check(app)


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
