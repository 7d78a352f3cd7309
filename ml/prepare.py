"""`python -m ml.prepare`: from a source of chest radiographs to SageMaker channels in S3."""

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ml import atomic, cli, options, project
from ml.aws import stacks
from ml.aws.s3 import split_uri
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
from ml.dataset.radiographs import CLASSES, SURPLUS, Radiograph, Reject, Views
from ml.errors import UserError
from radiograph import ResizeMode

EXAMPLES = """
  python -m ml.prepare --source phantom
  python -m ml.prepare --source kaggle
  python -m ml.prepare --source ~/data/chest_xray --stage dev
  python -m ml.prepare --source s3://bucket/chest_xray
  python -m ml.prepare --source images.csv                        # path,label,patient_id[,split]
  python -m ml.prepare --source ~/data/dicom --labels labels.csv  # id,label
  python -m ml.prepare --source ~/data/nih/Data_Entry_2017.csv --positive Pneumonia --negative "No Finding"
"""
NAMED_SOURCES = {"phantom": "phantom", "kaggle": "chest-xray"}
"""The name of the data set of each source that is not a path."""
SHOWN_REJECTS = 20
MAX_COPIES = 20
app = cli.application()


@dataclass(frozen=True)
class Settings:
    """The settings that, with the images, determine the content of a data set."""

    seed: int
    validation_fraction: float
    test_fraction: float
    batch_size: int
    augment: int
    balance: bool
    resize_mode: ResizeMode
    format: str
    views: Views = "frontal"


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    return cli.run(app, "ml.prepare", argv)


def source_name(text: str) -> str:
    """Return a source that exists.

    Raises:
        UserError: it does not exist, or is not a source.
    """
    if text.startswith("s3://"):
        split_uri(text)
        return text
    path = Path(text).expanduser()
    is_media = path.name.upper() == "DICOMDIR" and path.is_file()
    if text not in NAMED_SOURCES and not path.is_dir() and not is_media and not sources.is_table(path):
        raise UserError(f"--source {text} is not an existing folder or table; allowed: {sources.SOURCES}.", 2)
    return text


def slug(text: str) -> str:
    """Return a data set's name as it is in S3 keys.

    Raises:
        UserError: it has no letter or digit.
    """
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if not name:
        raise UserError(f"--name {text!r} has no letter a to z and no digit; choose another name.", 2)
    return name


def finding(text: str) -> str:
    """Return a finding as a table may write it.

    Raises:
        UserError: it has no letter or digit.
    """
    if not sources.key_of(text):
        raise UserError(f"{text!r} is not a finding; name one of the table's, such as Pneumonia.", 2)
    return text


@app.command(epilog=cli.examples(EXAMPLES))
def prepare(  # noqa: PLR0913 - one parameter for each option
    *,
    source: Annotated[str, typer.Option(parser=source_name, metavar="SOURCE", help=f"{sources.SOURCES}.")],
    labels: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Table of labels (id,label) of a folder.")
    ] = None,
    positive: Annotated[
        list[str] | None,
        typer.Option(
            parser=finding, metavar="FINDING", show_default="Pneumonia", help="Finding of class PNEUMONIA; repeatable."
        ),
    ] = None,
    negative: Annotated[
        list[str] | None,
        typer.Option(
            parser=finding, metavar="FINDING", show_default="No Finding", help="Finding of class NORMAL; repeatable."
        ),
    ] = None,
    stage: cli.Stage,
    name: Annotated[
        str | None,
        typer.Option(parser=slug, metavar="NAME", show_default="the folder's name", help="Name of the data set."),
    ] = None,
    seed: options.Seed = 0,
    validation_fraction: Annotated[
        float, options.fraction_option("Fraction of the training images that becomes the validation set.")
    ] = 0.125,
    test_fraction: Annotated[
        float,
        options.fraction_option("Fraction of the images that becomes the test set, if the source has no test folder."),
    ] = 0.2,
    batch_size: Annotated[
        int, typer.Option(min=1, max=10_000, help="The size of the validation set is a multiple of it.")
    ] = 32,
    max_reject_fraction: Annotated[float, options.fraction_option("Stop if more of the files are unusable.")] = 0.05,
    augment: Annotated[int, typer.Option(min=0, max=MAX_COPIES, help="Augmented copies of each training image.")] = 3,
    balance: Annotated[
        bool, typer.Option("--balance", help="Repeat images of the smaller class in the training list.")
    ] = False,
    resize_mode: Annotated[
        ResizeMode, typer.Option(help="How non-square images are fitted to 224 x 224; the API does the same.")
    ] = "squash",
    data_format: Annotated[
        Literal["lst", "recordio"],
        typer.Option("--format", help="Training channels: image files with lists, or RecordIO files."),
    ] = "lst",
    views: Annotated[
        Views,
        typer.Option(
            help="Leave out images that declare a lateral view or another part of the body, or that certainly show "
            "something else; or no image."
        ),
    ] = "frontal",
    work: Annotated[
        Path | None,
        typer.Option(file_okay=False, show_default="build/datasets", help="Folder for intermediate files."),
    ] = None,
) -> None:
    """Standardise radiographs to 224 x 224, split them by patient, and upload them as SageMaker channels.

    Does not change the source. A second run uploads nothing.
    """
    settings = Settings(
        seed, validation_fraction, test_fraction, batch_size, augment, balance, resize_mode, data_format, views
    )
    folder = (work or project.root() / "build" / "datasets") / (name or slug(name_of(source)))
    bucket = stacks.outputs(stage, "Storage")["DataBucketName"]
    default = sources.Findings()
    findings = sources.Findings(
        tuple(positive or default.positive), tuple(negative or default.negative), bool(positive or negative)
    )
    offer = sources.open_source(source, folder, seed, labels, findings, views)
    upload_dataset(offer, settings, max_reject_fraction, folder, bucket)


def upload_dataset(
    offer: sources.Offer, settings: Settings, max_reject_fraction: float, folder: Path, bucket: str
) -> None:
    """Standardise, group, split, augment, list, report and upload the images of a source.

    Args:
        folder: for intermediate files; its name is that of the data set.
    """
    name, standardised = folder.name, folder / "standardised"
    images, unreadable = standardising.standardise_all(offer.images, standardised, settings.resize_mode, settings.views)
    rejects = [*offer.rejects, *unreadable]
    print_notes(images)
    print_rejects(rejects)
    atomic.write(folder / "files.csv", summary.files_table(images, rejects))
    check_rejects(len(images), rejects, max_reject_fraction, folder / "files.csv")
    grouped, duplicates = groups.group(images)
    splits = split.split(
        grouped, settings.validation_fraction, settings.test_fraction, settings.batch_size, settings.seed
    )
    reason = f"the validation set is a multiple of {settings.batch_size} images, and its patients have more"
    surplus = [Reject(image.source, SURPLUS, reason) for image in split.surplus(grouped, splits)]
    print_rejects(surplus)
    rejects += surplus
    atomic.write(folder / "files.csv", summary.files_table(images, rejects))
    variants.perturbed(splits["validation"], standardised)
    copies = variants.copies(splits["train"], settings.augment, settings.seed, standardised)
    channels = layout.lay_out(splits, copies, settings.balance, settings.seed, standardised)
    content = version.describe(name, splits, asdict(settings), channels.training_samples, offer.collection)
    file_counts = summary.count_files(offer, rejects, sum(map(len, splits.values())), len(duplicates))
    print_splits(content, file_counts)
    if settings.format == "recordio":
        channels = formats.add_records(channels, folder / "recordio")
    pages = report.build(content, splits, rejects, file_counts, standardised)
    pages["baseline.json"] = baseline.baseline(splits, standardised)
    for page, body in pages.items():
        atomic.write(folder / page, body)
    print(f"Report {folder / 'report.html'}; the files that were left out or have a note: {folder / 'files.csv'}")
    sent = upload.upload(bucket, content, channels, pages)
    target = f"{name}/{content['version']}"
    print(f"Data set {target} in s3://{bucket}/datasets/{target}/: {sent or 'no'} objects sent.")


def name_of(source: str) -> str:
    """Return the default name of a source's data set."""
    if source in NAMED_SOURCES:
        return NAMED_SOURCES[source]
    if source.startswith("s3://"):
        name = source.rstrip("/").rpartition("/")[2]
    else:
        path = Path(source).expanduser().resolve()
        name = path.name if path.is_dir() or sources.is_table(path) else path.parent.name
    return sources.SUFFIX.sub("", name)


def print_notes(images: Sequence[Radiograph]) -> None:
    """Print each note on the tags of the images, with one of the files and their number."""
    noted: dict[str, list[Path]] = {}
    for image in images:
        for note in image.notes:
            noted.setdefault(note, []).append(image.source)
    for note, paths in list(noted.items())[:SHOWN_REJECTS]:
        print(f"Note on {paths[0]} ({len(paths):,} files): {note}", file=sys.stderr)
    if len(noted) > SHOWN_REJECTS:
        print(f"... and {len(noted) - SHOWN_REJECTS} more notes.", file=sys.stderr)


def print_rejects(rejects: Sequence[Reject]) -> None:
    """Print the first of the files that were left out."""
    for reject in rejects[:SHOWN_REJECTS]:
        count = f" ({reject.files:,} files)" if reject.files > 1 else ""
        print(f"Left out {reject.path}{count}: {reject.reason}", file=sys.stderr)
    if len(rejects) > SHOWN_REJECTS:
        print(f"... and {len(rejects) - SHOWN_REJECTS} more.", file=sys.stderr)


def check_rejects(images: int, rejects: Sequence[Reject], limit: float, table: Path) -> None:
    """Check the number of unusable files beside `images` usable images; `table` lists them.

    Raises:
        UserError: their fraction exceeds `limit`. Files outside the source's layout do not count.
    """
    unusable = sum(reject.unusable for reject in rejects)
    if unusable > limit * (images + unusable):
        raise UserError(
            f"{unusable} of {images + unusable} files are not usable images, more than --max-reject-fraction {limit:g} "
            f"allows. See the reasons above, and all of them in {table}."
        )


def print_splits(content: dict[str, Any], file_counts: Mapping[str, int]) -> None:
    """Print the splits, the patients and images they share, and the number of files used and left out."""
    header = "".join(f"{name:>12}" for name in CLASSES) + f"{'patients':>10}{'unknown':>10}"
    print(f"{'split':<12}{'images':>8}{header}")
    for name, counts in content["counts"].items():
        numbers = "".join(f"{counts[label]:>12}" for label in CLASSES)
        print(f"{name:<12}{sum(counts.values()):>8}{numbers}"
              f"{content['patients'][name]:>10}{content['unknown_patients'][name]:>10}")  # fmt: skip
    print(summary.shared_sentence(content["shared"]))
    print(f"{summary.files_sentence(file_counts)} Training list: {content['training_samples']:,} lines.")


if __name__ == "__main__":
    sys.exit(main())
