"""The CDK app: read the settings and the model from context, compose the stacks."""

import sys

import aws_cdk as cdk

from infra import lambda_asset, model, nag, settings
from infra.api import ApiStack
from infra.endpoint import EndpointStack
from infra.errors import SettingsError
from infra.storage import StorageStack


def main() -> None:
    """Synthesise every stack of one stage."""
    app = cdk.App()
    context = app.node.get_all_context()
    chosen = settings.read(context)
    trained = model.read(context, chosen.stage)
    storage = StorageStack(app, chosen)
    if trained is None:
        sys.stderr.write(
            f"No model in context for stage {chosen.stage}: the endpoint and API stacks are left out. "
            f"Run `python -m ml.train --stage {chosen.stage}` to make one.\n"
        )
    else:
        endpoint = EndpointStack(app, chosen, trained)
        endpoint.add_stack_dependency(storage)
        api = ApiStack(app, chosen, trained, lambda_asset.build())
        api.add_stack_dependency(endpoint)
    nag.check(app)
    app.synth()


if __name__ == "__main__":
    try:
        main()
    except SettingsError as error:
        sys.exit(f"Error: {error}")
