"""`python -m ml.prepare`: from a folder of chest radiographs to SageMaker channels in S3."""

import argparse
import re
import sys
from pathlib import Path
from typing import Any

from ml import aws, project
from ml.dataset import groups, sources, split, standardising, upload, version
from ml.dataset.film import CLASSES, Found, Reject
from ml.errors import UserError, guarded

EXAMPLES = """examples:
  python -m ml.prepare --source phantom
  python -m ml.prepare --source ~/data/chest_xray --stage dev
"""
SHOWN_REJECTS = 20


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = parse(argv)
    return guarded(lambda: prepare(options))


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line; wrong usage ends with exit code 2."""
    parser = argparse.ArgumentParser(
        prog="python -m ml.prepare",
        description="Standardise radiographs to 224 x 224, split them by patient and upload them as SageMaker "
        "channels. The source is never changed, and a second run uploads nothing.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--source", required=True, help="a folder of radiographs, or `phantom` for synthetic ones")
    parser.add_argument("--stage", help="deployment stage (default: the one in cdk.json)")
    parser.add_argument("--name", help="name of the data set (default: the folder's name)")
    parser.add_argument("--seed", type=int, default=0, help="of the splits, and of the phantoms (default 0)")
    parser.add_argument("--validation-share", type=share, default=0.125, help="of the training films (default 0.125)")
    parser.add_argument("--test-share", type=share, default=0.2, help="where the source has no test folder (0.2)")
    parser.add_argument("--batch-size", type=int, default=32, help="validation size is a multiple of it (default 32)")
    parser.add_argument("--max-reject-share", type=share, default=0.05, help="stop above this share (default 0.05)")
    parser.add_argument("--work", type=Path, help="folder for intermediate files (default build/datasets)")
    options = parser.parse_args(argv)
    if options.batch_size < 1:
        parser.error(f"--batch-size {options.batch_size} is not allowed; it must be at least 1.")
    return options


def share(text: str) -> float:
    """Parse a share between 0 and 1, ends excluded."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share; give a number above 0 and below 1.")
    return value


def prepare(options: argparse.Namespace) -> None:
    """Find, standardise, group, split, list and upload."""
    bucket = aws.stack_outputs(project.stage(options.stage), "Storage")["DataBucketName"]
    work = options.work or project.root() / "build" / "datasets"
    name = slug(options.name or ("phantom" if options.source == "phantom" else Path(options.source).resolve().name))
    if options.source == "phantom":
        found = sources.phantom(work / "phantom" / f"seed-{options.seed}", options.seed)
    else:
        found = sources.scan(Path(options.source))
    folder = work / name / "standardised"
    films, rejects = standardising.standardise_all(found, folder)
    report_rejects(found, rejects, options.max_reject_share)
    grouped, copies = groups.group(films)
    splits = split.split(grouped, options.validation_share, options.test_share, options.batch_size, options.seed)
    settings = {"policy": "squash", "seed": options.seed, "validation_share": options.validation_share}
    content = version.describe(name, splits, settings)
    unknown = sum(film.patient.startswith("file-") for film in films)
    report(content, splits, len(copies), unknown)
    sent = upload.upload(bucket, content, splits, folder)
    print(f"Data set {name}/{content['version']} in s3://{bucket}/datasets/{name}/{content['version']}/: "
          f"{sent or 'no'} objects sent.")  # fmt: skip


def slug(text: str) -> str:
    """Return a data set's name as it stands in S3 keys.

    Raises:
        UserError: nothing is left of it.
    """
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if not name:
        raise UserError(f"--name {text!r} holds no letter or digit; choose another name.", code=2)
    return name


def report_rejects(found: list[Found], rejects: list[Reject], limit: float) -> None:
    """List what was left out.

    Raises:
        UserError: the share of rejects exceeds `limit`.
    """
    for reject in rejects[:SHOWN_REJECTS]:
        print(f"Left out {reject.path}: {reject.reason}", file=sys.stderr)
    if len(rejects) > SHOWN_REJECTS:
        print(f"... and {len(rejects) - SHOWN_REJECTS} more.", file=sys.stderr)
    if len(rejects) > limit * len(found):
        raise UserError(
            f"{len(rejects)} of {len(found)} files are no usable films, more than --max-reject-share {limit:g} allows. "
            "Look at the reasons above."
        )


def report(content: dict[str, Any], splits: split.Splits, copies: int, unknown: int) -> None:
    """Print the splits, and the proof that they share nobody."""
    print(f"{'split':<12}{'films':>8}" + "".join(f"{name:>12}" for name in CLASSES) + f"{'patients':>10}")
    for name, counts in content["counts"].items():
        numbers = "".join(f"{counts[label]:>12}" for label in CLASSES)
        print(f"{name:<12}{sum(counts.values()):>8}{numbers}{content['patients'][name]:>10}")
    patients, pixels = groups.overlaps(splits.values())
    print(f"Shared between splits: {patients} patients, {pixels} pictures. Redundant copies dropped: {copies}.")
    if unknown:
        print(f"{unknown} file names tell no patient; each of these files counts as its own patient.", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
