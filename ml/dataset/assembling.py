"""From the records of standardised images to the data set: group, split, list, describe, report."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ml.dataset import baseline, groups, layout, report, split, summary, version
from ml.dataset.layout import Layout
from ml.dataset.radiographs import SURPLUS, Offer, Radiograph, Reject, Views
from ml.dataset.split import Splits
from radiograph import ResizeMode


@dataclass(frozen=True)
class DatasetSettings:
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


@dataclass(frozen=True)
class Assembled:
    """A data set whose variants may not exist yet.

    Attributes:
        content: dataset.json.
        layout: its files below the folder of the standardised images.
        rejects: of the source and of reading, and `surplus`, which are images beyond the last whole batch.
        file_counts: the counts of the source's files by `summary.count_files`.
    """

    splits: Splits
    content: dict[str, Any]
    layout: Layout
    rejects: list[Reject]
    surplus: list[Reject]
    file_counts: dict[str, int]


def assemble(
    name: str,
    offer: Offer,
    images: Sequence[Radiograph],
    unreadable: Sequence[Reject],
    settings: DatasetSettings,
    folder: Path,
) -> Assembled:
    """Group and split the standardised images of a source, and list them with their copies.

    Args:
        unreadable: the source's files that were rejected by reading them.
        folder: of the standardised images.

    Raises:
        UserError: the images cannot be grouped or split.
    """
    grouped, duplicates = groups.group(images)
    splits = split.split(
        grouped, settings.validation_fraction, settings.test_fraction, settings.batch_size, settings.seed
    )
    reason = f"the validation set is a multiple of {settings.batch_size} images, and its patients have more"
    surplus = [Reject(image.source, SURPLUS, reason) for image in split.surplus(grouped, splits)]
    rejects = [*offer.rejects, *unreadable, *surplus]
    channels = layout.lay_out(splits, settings.augment, settings.balance, settings.seed, folder)
    content = version.describe(name, splits, asdict(settings), channels.training_samples, offer.collection)
    file_counts = summary.count_files(offer, rejects, sum(map(len, splits.values())), len(duplicates))
    return Assembled(splits, content, channels, rejects, surplus, file_counts)


def pages(dataset: Assembled, folder: Path) -> dict[str, bytes]:
    """Return the files of the report and the baseline, by name.

    Args:
        folder: of the standardised images and their variants, at least those on the contact sheets.
    """
    written = report.build(dataset.content, dataset.splits, dataset.rejects, dataset.file_counts, folder)
    return written | {"baseline.json": baseline.baseline(dataset.splits, folder, dataset.content["settings"]["seed"])}
