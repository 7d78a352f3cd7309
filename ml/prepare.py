"""`python -m ml.prepare`: from any source of chest radiographs to SageMaker channels in S3."""

import argparse
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml import atomic, project
from ml.aws import stacks
from ml.cli import run_command
from ml.dataset import (
    baseline,
    formats,
    groups,
    layout,
    report,
    sources,
    split,
    standardising,
    summary,
    upload,
    variants,
    version,
)
from ml.dataset.radiographs import CLASSES, Reject
from ml.errors import UserError
from radiograph import RESIZE_MODES

EXAMPLES = """examples:
  python -m ml.prepare --source phantom
  python -m ml.prepare --source kaggle
  python -m ml.prepare --source ~/data/chest_xray --stage dev
  python -m ml.prepare --source images.csv                        # path,label,patient_id[,split]
  python -m ml.prepare --source ~/data/dicom --labels labels.csv  # id,label
"""
SHOWN_REJECTS = 20
MAX_COPIES = 20


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = parse(argv)
    return run_command(lambda: prepare(options))


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line; wrong usage ends with exit code 2."""
    parser = argparse.ArgumentParser(
        prog="python -m ml.prepare",
        description="Standardise radiographs to 224 x 224, split them by patient and upload them as SageMaker "
        "channels. The source is never changed, and a second run uploads nothing.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--source", required=True, help=sources.SOURCES)
    parser.add_argument("--labels", type=Path, help="table of labels (id,label) of a DICOM folder")
    parser.add_argument("--stage", help="deployment stage (default: the one in cdk.json)")
    parser.add_argument("--name", help="name of the data set (default: the folder's name)")
    parser.add_argument("--seed", type=int, default=0, help="of splits, copies, lists and phantoms (default 0)")
    parser.add_argument(
        "--validation-fraction", type=fraction, default=0.125, help="of the training images (default 0.125)"
    )
    parser.add_argument("--test-fraction", type=fraction, default=0.2, help="where the source has no test folder (0.2)")
    parser.add_argument("--batch-size", type=int, default=32, help="validation size is a multiple of it (default 32)")
    parser.add_argument(
        "--max-reject-fraction", type=fraction, default=0.05, help="stop above this share (default 0.05)"
    )
    parser.add_argument(
        "--augment", type=copies, default=3, metavar="N", help="varied copies of each training image (3)"
    )
    parser.add_argument("--balance", action="store_true", help="repeat the smaller class in the training list")
    parser.add_argument(
        "--resize-mode",
        choices=RESIZE_MODES,
        default="squash",
        help="how an image gets square; the API does the same (squash)",
    )
    parser.add_argument(
        "--format",
        choices=formats.FORMATS,
        default="lst",
        help="of the training channels: image files with lists, or RecordIO files (lst)",
    )
    parser.add_argument("--work", type=Path, help="folder for intermediate files (default build/datasets)")
    options = parser.parse_args(argv)
    if options.batch_size < 1:
        parser.error(f"--batch-size {options.batch_size} is not allowed; it must be at least 1.")
    return options


def fraction(text: str) -> float:
    """Parse a fraction between 0 and 1, ends excluded."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no fraction; give a number above 0 and below 1.")
    return value


def copies(text: str) -> int:
    """Parse the number of augmented copies."""
    if not text.isdigit() or int(text) > MAX_COPIES:
        raise argparse.ArgumentTypeError(f"{text!r} is not allowed; give a whole number from 0 to {MAX_COPIES}.")
    return int(text)


def prepare(options: argparse.Namespace) -> None:
    """Find, standardise, group, split, vary, list, report and upload."""
    bucket = stacks.outputs(project.stage(options.stage), "Storage")["DataBucketName"]
    root = options.work or project.root() / "build" / "datasets"
    name = slug(options.name or name_of(options.source))
    offer = sources.open_source(options.source, root / name, options.seed, options.labels)
    folder = root / name / "standardised"
    images, broken = standardising.standardise_all(offer.images, folder, options.resize_mode)
    rejects = [*offer.rejects, *broken]
    report_rejects(len(images), rejects, options.max_reject_fraction)
    grouped, duplicates = groups.group(images)
    splits = split.split(grouped, options.validation_fraction, options.test_fraction, options.batch_size, options.seed)
    variants.perturbed(splits["validation"], folder)
    names = variants.copies(splits["train"], options.augment, options.seed, folder)
    placed = layout.lay_out(splits, names, options.balance, options.seed, folder)
    content = version.describe(name, splits, settings(options), placed.training_samples, offer.collection)
    file_counts = summary.count_files(offer, rejects, sum(map(len, splits.values())), len(duplicates))
    print_splits(content, file_counts)
    if options.format == "recordio":
        placed = formats.add_records(placed, root / name / "recordio")
    pages = report.build(content, splits, rejects, file_counts, folder)
    pages["baseline.json"] = baseline.baseline(splits, folder)
    keep(pages, root / name)
    sent = upload.upload(bucket, content, placed, pages)
    print(f"Data set {name}/{content['version']} in s3://{bucket}/datasets/{name}/{content['version']}/: "
          f"{sent or 'no'} objects sent.")  # fmt: skip


def settings(options: argparse.Namespace) -> dict[str, Any]:
    """Return what decides the content besides the images."""
    names = (
        "seed",
        "validation_fraction",
        "test_fraction",
        "batch_size",
        "augment",
        "balance",
        "resize_mode",
        "format",
    )
    return {name: getattr(options, name) for name in names}


def name_of(source: str) -> str:
    """Return a data set's name where none is given."""
    if source in ("phantom", "kaggle"):
        return {"phantom": "phantom", "kaggle": "chest-xray"}[source]
    path = Path(source).expanduser().resolve()
    return path.parent.name if path.name == "DICOMDIR" else path.stem if path.is_file() else path.name


def keep(pages: Mapping[str, bytes], folder: Path) -> None:
    """Write the report's files beside the prepared images."""
    for name, body in pages.items():
        atomic.write(folder / name, body)
    print(f"Report {folder / 'report.html'}")


def slug(text: str) -> str:
    """Return a data set's name as it stands in S3 keys.

    Raises:
        UserError: nothing is left of it.
    """
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if not name:
        raise UserError(f"--name {text!r} holds no letter or digit; choose another name.", code=2)
    return name


def report_rejects(images: int, rejects: list[Reject], limit: float) -> None:
    """List what was left out beside `images` usable images.

    Raises:
        UserError: the fraction of unusable files exceeds `limit`; files outside the source's layout do not count.
    """
    for reject in rejects[:SHOWN_REJECTS]:
        many = f" ({reject.files:,} files)" if reject.files > 1 else ""
        print(f"Left out {reject.path}{many}: {reject.reason}", file=sys.stderr)
    if len(rejects) > SHOWN_REJECTS:
        print(f"... and {len(rejects) - SHOWN_REJECTS} more.", file=sys.stderr)
    unusable = sum(reject.unusable for reject in rejects)
    if unusable > limit * (images + unusable):
        raise UserError(
            f"{unusable} of {images + unusable} files are no usable images, more than --max-reject-fraction {limit:g} "
            "allows. Look at the reasons above."
        )


def print_splits(content: dict[str, Any], file_counts: Mapping[str, int]) -> None:
    """Print the splits, what they share, and what became of every file."""
    heads = "".join(f"{name:>12}" for name in CLASSES) + f"{'patients':>10}{'unknown':>10}"
    print(f"{'split':<12}{'images':>8}{heads}")
    for name, counts in content["counts"].items():
        numbers = "".join(f"{counts[label]:>12}" for label in CLASSES)
        print(f"{name:<12}{sum(counts.values()):>8}{numbers}"
              f"{content['patients'][name]:>10}{content['unknown_patients'][name]:>10}")  # fmt: skip
    print(summary.shared_sentence(content["shared"]))
    print(f"{summary.files_sentence(file_counts)} Training list: {content['training_samples']:,} lines.")


if __name__ == "__main__":
    sys.exit(main())
