"""`python -m ml.drift`: compare the images that the endpoint receives with the validation images."""

import datetime as dt
import json
import sys
import textwrap
from pathlib import Path
from typing import Annotated

import typer

from ml import atomic, cli, options, project
from ml.drift import compare, reference, sources
from ml.drift.compare import Comparison
from ml.errors import UserError
from ml.evaluation.store import NOTICE
from ml.scoring.scorer import INSTANCE_TYPE, confirmation, scorer_of

DEFAULT_DAYS = 7
MAX_DAYS = 30
"""Captured requests expire after as many days."""
EXAMPLES = """
  python -m ml.drift                                       requests of the last 7 days
  python -m ml.drift --days 1 --fail-on-drift              each day, by a scheduler
  python -m ml.drift --input ~/images --output drift.json  any images, without labels
"""
app = cli.application()


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    return cli.run(app, "ml.drift", argv)


@app.command(epilog=cli.examples(EXAMPLES))
def drift(  # noqa: PLR0913 - one parameter for each option
    *,
    stage: cli.Stage,
    days: Annotated[
        int | None, typer.Option(min=1, max=MAX_DAYS, show_default=str(DEFAULT_DAYS), help="Days of captured requests.")
    ] = None,
    source: options.Input = None,
    yes: options.Yes = False,
    instance_type: options.TransformInstanceType = INSTANCE_TYPE,
    output: Annotated[Path | None, options.output_option("JSON file for the results.", "FILE.json")] = None,
    seed: options.Seed = 0,
    fail_on_drift: Annotated[bool, typer.Option("--fail-on-drift", help="Exit with 1 if there is drift.")] = False,
) -> None:
    """Compare current images with those that the stage's model was validated on.

    Compares the model's probability, mean grey, contrast, sharpness and saturation by Kolmogorov-Smirnov tests.
    By default, current images are the requests that the endpoint captured (data_capture_percent above 0).
    """
    cli.refuse_together(days=days, input=source)
    if measure(stage, days or DEFAULT_DAYS, source, instance_type, yes, output, seed).drift and fail_on_drift:
        raise typer.Exit(1)


def measure(
    stage: str, days: int, source: str | None, instance_type: str, yes: bool, target: Path | None, seed: int
) -> Comparison:
    """Compare, print, and write the results to `target` if it is given.

    Raises:
        UserError: there are fewer than two images to compare.
    """
    entry = project.read_model(stage)
    validation = reference.read(entry)  # before a job is paid for
    if source is None:
        now, description = sources.captured_requests(stage, days, entry)
    else:
        confirm = confirmation(entry, instance_type, None, yes)
        now, description = sources.folder_or_prefix(source, scorer_of(stage, entry, instance_type), entry, confirm)
    if min(len(validation), len(now)) < 2:
        raise UserError(f"There are {len(validation)} validation images and {len(now)} now; give at least 2 of each.")
    comparison = compare.compare(validation, now, seed)
    print(f"{description}, against {len(validation)} validation images of {entry['dataset']}.")
    print(f"{compare.table(comparison)}\n{comparison.verdict()}\n{textwrap.fill(compare.CAVEATS, 118)}\n{NOTICE}")
    if target is not None:
        report = {
            "stage": stage,
            "training_job": entry["training_job"],
            "dataset": entry["dataset"],
            "images": description,
            "time": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "seed": seed,
            **comparison.as_json(),
        }
        atomic.write(target, json.dumps(report, indent=1) + "\n")
        print(f"Results written to {target}.")
    return comparison


if __name__ == "__main__":
    sys.exit(main())
