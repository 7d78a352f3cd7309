"""`python -m ml.prepare`: from a source of chest radiographs to SageMaker channels in S3."""

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ml import atomic, cli, options, project
from ml.aws import clients, resources, s3
from ml.aws.s3 import split_uri
from ml.dataset import assembling, formats, layout, sources, standardising, summary, upload, variants
from ml.dataset.assembling import DatasetSettings
from ml.dataset.radiographs import Views
from ml.errors import UserError
from ml.processing import estimate, jobs, sequence
from ml.processing.jobs import Machines
from ml.processing.sequence import Run
from ml.training import plan, prices
from radiograph import ResizeMode

EXAMPLES = """
  python -m ml.prepare --source phantom
  python -m ml.prepare --source kaggle
  python -m ml.prepare --source ~/data/chest_xray --stage dev
  python -m ml.prepare --source s3://bucket/chest_xray
  python -m ml.prepare --source s3://bucket/chest_xray --on sagemaker --instances 4
  python -m ml.prepare --source images.csv                        # path,label,patient_id[,split]
  python -m ml.prepare --source ~/data/dicom --labels labels.csv  # id,label
  python -m ml.prepare --source ~/data/nih/Data_Entry_2017.csv --positive Pneumonia --negative "No Finding"
"""
NAMED_SOURCES = {"phantom": "phantom", "kaggle": "chest-xray"}
"""The name of the data set of each source that is not a path."""
MAX_COPIES = 20
app = cli.application()


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
    source: Annotated[
        str | None, typer.Option(parser=source_name, metavar="SOURCE", help=f"{sources.SOURCES}.")
    ] = None,
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
    on: Annotated[
        Literal["here", "sagemaker"], typer.Option(help="Where to read the images of a source in S3.")
    ] = "here",
    instances: Annotated[int, typer.Option(min=1, max=100, help="Number of instances with --on sagemaker.")] = 1,
    instance_type: Annotated[
        str,
        typer.Option(
            parser=options.sized_instance_type, metavar="TYPE", help="Type of the instances with --on sagemaker."
        ),
    ] = "ml.m5.2xlarge",
    attach: Annotated[
        str | None, options.job_option("Follow a running job of --on sagemaker, and do the steps after it.")
    ] = None,
    stop: Annotated[str | None, options.job_option("Stop a running job of --on sagemaker.")] = None,
    yes: options.Yes = False,
    price_table: options.Prices = None,
) -> None:
    """Standardise radiographs to 224 x 224, split them by patient, and upload them as SageMaker channels.

    Does not change the source. A second run uploads nothing.
    """
    cli.refuse_together(source=source, attach=attach, stop=stop)
    command = f"python -m ml.prepare --stage {stage}"
    if stop:
        clients.client("sagemaker").stop_processing_job(ProcessingJobName=stop)
        print(f"Processing job {stop} is being stopped. `{command} --attach {stop}` does what is missing.")
        return
    if attach:
        attach_run(stage, attach, command, work, price_table)
        return
    if source is None:
        raise UserError(f"--source is missing; give {sources.SOURCES}, or --attach or --stop with a job.", 2)
    settings = DatasetSettings(
        seed, validation_fraction, test_fraction, batch_size, augment, balance, resize_mode, data_format, views
    )
    folder = (work or project.root() / "build" / "datasets") / (name or slug(name_of(source)))
    available = resources.of_stage(stage)
    default = sources.Findings()
    findings = sources.Findings(
        tuple(positive or default.positive), tuple(negative or default.negative), bool(positive or negative)
    )
    if on == "sagemaker":
        check_remote(source, data_format)
    offer = sources.open_source(source, folder, seed, labels, findings, views)
    if on == "here":
        upload_dataset(offer, settings, max_reject_fraction, folder, available.bucket)
        return
    table, machines = prices.read(price_table), Machines(instances, instance_type)
    planned = estimate.plan(table, instance_type, instances, len(offer.images), augment)
    text = estimate.sentence(planned, table["currency"])
    print(f"Preparation of {len(offer.images):,} images on {instances} x {instance_type}: {text}.")
    if not yes:
        plan.confirm()
    path, code, key = sequence.write_run(offer, settings, folder.name, max_reject_fraction, folder)
    run = Run(processing_resources(stage), folder.name, key, path, command, machines, table)
    sequence.upload_run(run, code)
    finish_run(run)


def processing_resources(stage: str) -> resources.Resources:
    """Return the resources of a stage, with the role of processing jobs.

    Raises:
        UserError: the storage stack is not deployed, or is of an earlier version.
    """
    available = resources.of_stage(stage)
    if available.processing_role is None:
        name = f"Pneumonia-{stage}-Storage"
        raise UserError(
            f"Stack {name} has no role for processing jobs; run `cdk deploy {name} -c stage={stage}` again."
        )
    return replace(available, role=available.processing_role)


def check_remote(source: str, data_format: str) -> None:
    """Check that the jobs can prepare a source.

    Raises:
        UserError: it is not in S3, or the format needs all images on one machine.
    """
    if not source.startswith("s3://"):
        raise UserError(
            f"--on sagemaker reads a source in S3, and --source {source} is not; give s3://BUCKET/PREFIX.", 2
        )
    if data_format != "lst":
        raise UserError(f"--on sagemaker writes --format lst only, not {data_format}; leave out --format.", 2)


def attach_run(stage: str, job: str, command: str, work: Path | None, price_table: Path | None) -> None:
    """Follow a job, and do the steps after it.

    Raises:
        UserError: there is no such job, or ml.prepare did not start it.
    """
    prefix = jobs.describe(job).get("Environment", {}).get(jobs.RUN)
    if prefix is None:
        raise UserError(f"Processing job {job} was not started by ml.prepare; name one that was.", 2)
    available = processing_resources(stage)
    _, name, key = prefix.split("/")
    folder = (work or project.root() / "build" / "datasets") / name
    objects = s3.Bucket(available.bucket)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "offer.jsonl").write_bytes(objects.read(f"{prefix}/offer.jsonl"))
    machines = Machines(**json.loads(objects.read(f"{prefix}/run.json"))["machines"])
    finish_run(Run(available, name, key, folder / "offer.jsonl", command, machines, prices.read(price_table)))


def finish_run(run: Run) -> None:
    """Do the missing steps of a preparation on SageMaker, and complete the version."""
    content, texts, pages = sequence.advance(run)
    finish(content, layout.Layout({}, texts, {}), pages, run.offer.parent, run.resources.bucket)


def upload_dataset(
    offer: sources.Offer, settings: DatasetSettings, max_reject_fraction: float, folder: Path, bucket: str
) -> None:
    """Standardise, group, split, augment, list, report and upload the images of a source.

    Args:
        folder: for intermediate files; its name is that of the data set.
    """
    name, standardised = folder.name, folder / "standardised"
    images, unreadable = standardising.standardise_all(offer.images, standardised, settings.resize_mode, settings.views)
    table = folder / "files.csv"
    summary.print_reading([*offer.rejects, *unreadable], images, len(images), max_reject_fraction, table)
    dataset = assembling.assemble(name, offer, images, unreadable, settings, standardised)
    summary.print_rejects(dataset.surplus)
    summary.write_table(table, images, dataset.rejects)
    summary.print_splits(dataset.content, dataset.file_counts)
    variants.perturbed(dataset.splits["validation"], standardised)
    variants.copies(dataset.splits["train"], settings.augment, settings.seed, standardised)
    pages = assembling.pages(dataset, standardised)
    channels = dataset.layout
    if settings.format == "recordio":
        channels = formats.add_records(channels, folder / "recordio")
    finish(dataset.content, channels, pages, folder, bucket)


def finish(
    content: Mapping[str, Any], channels: layout.Layout, pages: Mapping[str, bytes], folder: Path, bucket: str
) -> None:
    """Write the report beside the intermediate files, and upload what is missing of a version."""
    for page, body in pages.items():
        atomic.write(folder / page, body)
    print(f"Report {folder / 'report.html'}; the files that were left out or have a note: {folder / 'files.csv'}")
    sent = upload.upload(bucket, content, channels, pages)
    target = f"{content['name']}/{content['version']}"
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


if __name__ == "__main__":
    sys.exit(main())
