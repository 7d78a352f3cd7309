"""`python -m ml.drift`: whether what the model is asked about still looks like what it was validated on."""

import argparse
import datetime as dt
import json
import sys
import textwrap
from pathlib import Path

from ml import atomic, project
from ml.aws import stacks
from ml.cli import run_command
from ml.drift import compare, sources
from ml.drift.compare import Comparison
from ml.errors import UserError
from ml.evaluation.store import NOTICE
from ml.scoring.scorer import INSTANCE_TYPE, confirmation, scorer_of

MOST_DAYS = 30
"""Captured requests expire after as many."""
EXAMPLES = """examples:
  python -m ml.drift                                     what the endpoint was sent in the last 7 days
  python -m ml.drift --days 1 --fail-on-drift            each day, by a scheduler
  python -m ml.drift --input ~/images --output drift.json any images, without labels
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code: 0, drift or not, 1 for a failure or, with --fail-on-drift, for drift."""
    options = parse(argv)
    found: list[Comparison] = []
    code = run_command(lambda: found.append(drift(options)))
    return code or int(options.fail_on_drift and found[0].drift)


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line; wrong usage ends with exit code 2."""
    parser = argparse.ArgumentParser(
        prog="python -m ml.drift",
        description="Compare the images that the stage's model is asked about with those it was validated on: the "
        "model's probability, mean grey, contrast, sharpness and saturation, by Kolmogorov-Smirnov tests. By "
        "default these are the requests that the endpoint captured (data_capture_percent above 0).",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--stage", help="deployment stage (default: the one in cdk.json)")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--days", type=int, default=7, help=f"of captured requests, 1 to {MOST_DAYS} (default 7)")
    which.add_argument("--input", metavar="S3_OR_FOLDER", help="a folder of images, or an s3:// prefix, instead")
    parser.add_argument("--instance-type", default=INSTANCE_TYPE, help="that scores --input (default %(default)s)")
    parser.add_argument("--yes", action="store_true", help="do not ask before a job is created")
    parser.add_argument("--output", type=Path, metavar="FILE.json", help="where the figures go, too")
    parser.add_argument(
        "--seed", type=int, default=0, help="of the choice of one image a patient (default %(default)s)"
    )
    parser.add_argument("--fail-on-drift", action="store_true", help="end with 1 when there is drift")
    options = parser.parse_args(argv)
    if not 1 <= options.days <= MOST_DAYS:
        parser.error(f"--days {options.days} is not allowed; give 1 to {MOST_DAYS}.")
    if options.seed < 0:
        parser.error(f"--seed {options.seed} is not allowed; give 0 or more.")
    return options


def drift(options: argparse.Namespace) -> Comparison:
    """Compare, print and, where asked for, write.

    Raises:
        UserError: there is nothing to compare, or the output's folder does not exist.
    """
    target: Path | None = options.output
    if target is not None and not target.resolve().parent.is_dir():
        raise UserError(f"--output {target}: the folder {target.resolve().parent} does not exist; make it first.", 2)
    stage = project.stage(options.stage)
    entry, stack = project.read_model(stage), stacks.outputs(stage, "Storage")
    if options.input is None:
        now, words = sources.captured_requests(stage, options.days, entry)
        reference = sources.validation(stack["DataBucketName"], entry)
    else:
        reference = sources.validation(stack["DataBucketName"], entry)  # before a job is paid for
        confirm = confirmation(options.instance_type, None, options.yes)
        scorer = scorer_of(stage, entry, options.instance_type)
        now, words = sources.folder_or_prefix(options.input, scorer, entry, confirm)
    if min(len(reference), len(now)) < 2:
        raise UserError(f"There are {len(reference)} validation images and {len(now)} now; give at least 2 of each.")
    found = compare.compare(reference, now, options.seed)
    print(f"{words}, against {len(reference)} validation images of {entry['dataset']}.")
    print(f"{compare.table(found)}\n{found.verdict()}\n{textwrap.fill(compare.CAVEATS, 118)}\n{NOTICE}")
    if target is not None:
        facts = {
            "stage": stage,
            "training_job": entry["training_job"],
            "dataset": entry["dataset"],
            "images": words,
            "time": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "seed": options.seed,
            **found.as_json(),
        }
        atomic.write(target, json.dumps(facts, indent=1) + "\n")
        print(f"Figures written to {target}.")
    return found


if __name__ == "__main__":
    sys.exit(main())
