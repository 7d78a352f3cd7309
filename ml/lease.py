"""`python -m ml.lease`: show, extend or end the lease of a stage's endpoint."""

import sys
from typing import Annotated, Literal

import typer

from ml import cli, options, project
from ml.aws import clients
from ml.errors import UserError
from ml.leasing import schedule
from ml.leasing.entry import (
    EndpointLease,
    as_context,
    deployed_endpoint,
    endpoint_exists,
    nothing_to_lease,
    now,
    read_lease,
)
from ml.leasing.extend import MAX_HOURS, extend
from ml.leasing.status import status
from ml.training import plan

EXAMPLES = """
  python -m ml.lease status
  python -m ml.lease extend --hours 4
  python -m ml.lease end --yes
"""
app = cli.application()


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    return cli.run(app, "ml.lease", argv)


@app.command(epilog=cli.examples(EXAMPLES))
def lease(
    action: Annotated[Literal["status", "extend", "end"], typer.Argument(help="What to do.")],
    stage: cli.Stage,
    hours: Annotated[
        int | None,
        typer.Option(min=1, max=MAX_HOURS, show_default="lease_hours in cdk.json", help="For extend: hours from now."),
    ] = None,
    yes: options.Yes = False,
) -> None:
    """Show, extend or end the lease of a stage's endpoint. The endpoint is deleted when its lease ends."""
    # `cdk deploy -c hosting=realtime` may need a lease although cdk.json has another hosting.
    refusal = "" if action == "extend" else nothing_to_lease(stage)
    if refusal and action == "end":
        raise UserError(refusal)
    if refusal:
        print(refusal)
        return
    match action:
        case "status":
            print(status(stage))
        case "extend":
            print(extend(stage, hours or project.settings(stage).get("lease_hours", 0)))
        case "end":
            end(stage, yes)


def end(stage: str, yes: bool) -> None:
    """Delete the endpoint now.

    Raises:
        UserError: there is no endpoint, or the answer is no.
    """
    name = deployed_endpoint(stage)
    if name is None or not endpoint_exists(name):
        raise UserError(f"Stage {stage} has no endpoint; there is nothing to end.")
    if not yes:
        plan.confirm(f"Delete endpoint {name} now? The API answers 502 until it is deployed again. [y/N] ", "deleted")
    clients.client("sagemaker").delete_endpoint(EndpointName=name)
    if schedule.read(stage) is not None:
        schedule.disable(stage)
    previous = read_lease(stage)
    project.write(f"lease:{stage}", as_context(EndpointLease(now(), previous.number if previous else 1)))
    print(
        f"Endpoint {name} is being deleted. To bring it back, run `python -m ml.lease extend --stage {stage}`, then "
        f"`cdk deploy --all -c stage={stage}`."
    )


if __name__ == "__main__":
    sys.exit(main())
