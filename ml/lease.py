"""`python -m ml.lease`: when the endpoint deletes itself, and how to put that off or bring it forward."""

import argparse
import sys

from ml import project
from ml.aws import clients
from ml.cli import run_command
from ml.errors import UserError
from ml.leasing import schedule
from ml.leasing.entry import Lease, as_context, deployed_endpoint, endpoint_lives, now, read
from ml.leasing.extend import MOST_HOURS, extend
from ml.leasing.status import status
from ml.training import plan

EXAMPLES = """examples:
  python -m ml.lease status
  python -m ml.lease extend --hours 4
  python -m ml.lease end --yes
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = parse(argv)
    return run_command(lambda: run(options))


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line; wrong usage ends with exit code 2."""
    parser = argparse.ArgumentParser(
        prog="python -m ml.lease",
        description="Show, extend or end the lease of a stage's endpoint, which deletes itself when its lease ends.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("action", choices=["status", "extend", "end"])
    parser.add_argument("--stage", help="deployment stage (default: the one in cdk.json)")
    parser.add_argument("--hours", type=int, help="from now, for extend (default: lease_hours in cdk.json)")
    parser.add_argument("--yes", action="store_true", help="end without asking")
    options = parser.parse_args(argv)
    if options.hours is not None and not 1 <= options.hours <= MOST_HOURS:
        parser.error(f"--hours {options.hours} is not allowed; give 1 to {MOST_HOURS}.")
    return options


def run(options: argparse.Namespace) -> None:
    """Do what was asked."""
    stage = project.stage(options.stage)
    if options.action == "status":
        print(status(stage))
    elif options.action == "extend":
        print(extend(stage, options.hours or project.settings(stage).get("lease_hours", 0)))
    else:
        end(stage, options.yes)


def end(stage: str, sure: bool) -> None:
    """Delete the endpoint now.

    Raises:
        UserError: there is none, or nobody said yes.
    """
    name = deployed_endpoint(stage)
    if name is None or not endpoint_lives(name):
        raise UserError(f"Stage {stage} has no endpoint; there is nothing to end.")
    if not sure:
        plan.confirm(f"Delete endpoint {name} now? The API answers 502 until it is deployed again. [y/N] ", "deleted")
    clients.client("sagemaker").delete_endpoint(EndpointName=name)
    if schedule.read(stage) is not None:
        schedule.switch_off(stage)
    old = read(stage)
    project.write(f"lease:{stage}", as_context(Lease(now(), old.number if old else 1)))
    print(
        f"Endpoint {name} is being deleted. `python -m ml.lease extend --stage {stage}` and `cdk deploy` bring it back."
    )


if __name__ == "__main__":
    sys.exit(main())
