"""`python -m ml.cost`: what the current settings cost, before anything is deployed."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml import project
from ml.cli import run_command
from ml.errors import UserError
from ml.scoring.scorer import INSTANCE_TYPE
from ml.training import prices
from ml.training.request import Compute

HOURS_A_MONTH = 730
"""AWS's own month: 365 days of 24 hours over 12."""
EXAMPLES = """examples:
  python -m ml.cost --stage prod
  python -m ml.cost -c hosting=serverless -c serverless_memory_mb=4096 --requests 10000
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = parse(argv)
    return run_command(lambda: show(options))


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line; wrong usage ends with exit code 2."""
    parser = argparse.ArgumentParser(
        prog="python -m ml.cost",
        description="Print what the endpoint of a stage's settings costs an hour and a month, and what one training "
        "run and one evaluation cost. Nothing is asked of AWS; prices come from a dated table.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--stage", help="deployment stage (default: the one in cdk.json)")
    parser.add_argument("-c", "--context", action="append", default=[], metavar="NAME=VALUE", help="as of `cdk deploy`")
    parser.add_argument("--requests", type=int, default=1000, help="a month, for serverless (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=1.0, help="of one inference, for serverless (default 1)")
    parser.add_argument("--images", type=int, default=18264, help="lines of the training list (default %(default)s)")
    parser.add_argument(
        "--evaluation-images",
        type=int,
        default=1904,
        metavar="N",
        help="images of validation, perturbed validation and test (default %(default)s)",
    )
    parser.add_argument("--epochs", type=int, default=4, help="default %(default)s")
    parser.add_argument("--instance-type", default=Compute().instance_type, help="of training (default %(default)s)")
    parser.add_argument(
        "--prices", type=Path, metavar="FILE", help="another price table (default ml/training/prices.json)"
    )
    options = parser.parse_args(argv)
    if min(options.requests, options.images, options.evaluation_images, options.epochs) < 1 or options.seconds <= 0:
        parser.error("--requests, --images, --evaluation-images, --epochs and --seconds must be above 0.")
    return options


def show(options: argparse.Namespace) -> None:
    """Print endpoint, training and evaluation."""
    table = prices.read(options.prices)
    Compute(options.instance_type).check()
    settings = project.settings(project.stage(options.stage), options.context)
    hour, month, words = endpoint(table, settings, options.requests, options.seconds)
    money = table["currency"]
    print(
        f"Prices of {table['region']}, on demand, read {table['read']}; check yours. Your region: {settings['region']}."
    )
    print(f"Endpoint: {words}: {hour:.4f} {money} an hour, {month:.2f} {money} a month, as long as it exists.")
    one = prices.training(table, options.instance_type, 101, options.images, options.epochs)
    print(f"One training run: {one} on {options.instance_type} ({one.basis}); less on spot.")
    evaluation = prices.transform(table, INSTANCE_TYPE, options.evaluation_images)
    print(
        f"One evaluation of {options.evaluation_images:,} images: {evaluation} on {INSTANCE_TYPE} ({evaluation.basis})."
    )
    print("Bucket, Lambda function, API and logs cost cents at this scale. `cdk destroy` ends all of it.")


def endpoint(
    table: Mapping[str, Any], settings: Mapping[str, Any], requests: int, seconds: float
) -> tuple[float, float, str]:
    """Return the endpoint's cost an hour and a month, and what it is in words.

    Raises:
        UserError: the table has no price for the instance type, or the hosting is unknown.
    """
    if settings["hosting"] == "serverless":
        gigabytes = int(settings["serverless_memory_mb"]) / 1024
        month = requests * seconds * gigabytes * table["serverless_gb_second"]
        words = f"serverless with {gigabytes:g} GB, {requests:,} requests a month of {seconds:g} s each"
        return month / HOURS_A_MONTH, month, words
    if settings["hosting"] != "realtime":
        raise UserError(f"hosting is {settings['hosting']!r}; it must be realtime or serverless.", 2)
    kind, count = str(settings["instance_type"]), int(settings["instance_count"])
    hourly = table["hosting_hour"].get(kind)
    if hourly is None:
        known = ", ".join(table["hosting_hour"])
        raise UserError(f"The price table has no price for hosting {kind}, only for {known}; give --prices with one.")
    return count * hourly, count * hourly * HOURS_A_MONTH, f"{count} x {kind}"


if __name__ == "__main__":
    sys.exit(main())
