"""The S3 key of each file of a data set, and the lists of training and perturbed validation images."""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.dataset import variants
from ml.dataset.radiographs import CLASSES, Radiograph
from ml.dataset.split import Splits
from ml.dataset.variants import PERTURBED

Example = tuple[int, str]
"""Label, and path relative to the channel's prefix."""


class DatasetFiles(Mapping[str, Path]):
    """The local file of each key of the splits and their variants. Paths are made when they are needed.

    A collection of 400,000 images has 1.4 million files.
    """

    def __init__(self, splits: Splits, augment: int, folder: Path) -> None:
        """`folder` has the standardised images; `augment` is the number of copies of a training image."""
        self.splits, self.augment, self.folder = splits, augment, folder

    def __iter__(self) -> Iterator[str]:
        for split, images in self.splits.items():
            for image in images:
                yield f"{split}/{path_of(image)}"
        for image in self.splits["validation"]:
            yield f"{PERTURBED}/{path_of(image)}"
        for image in self.splits["train"]:
            for _, path in examples(image, self.augment)[1:]:
                yield f"train/{path}"

    def __len__(self) -> int:
        train, validation = len(self.splits["train"]), len(self.splits["validation"])
        return sum(map(len, self.splits.values())) + validation + train * self.augment

    def __getitem__(self, key: str) -> Path:
        channel, _, path = key.partition("/")
        if channel == PERTURBED:
            return self.folder / "perturbed" / path
        return self.folder / "augmented" / path if variants.is_copy(path) else self.folder / path


@dataclass(frozen=True)
class Layout:
    """Everything below a version's prefix except dataset.json and the report.

    Attributes:
        files: local file by key, such as train/NORMAL/im-0115-0001.jpg.
        texts: `.lst` files by key.
        channels: label, and path below the channel's prefix, of each line of the lists of train and
            validation_perturbed.
    """

    files: Mapping[str, Path]
    texts: Mapping[str, bytes]
    channels: Mapping[str, Sequence[Example]]

    @property
    def training_samples(self) -> int:
        """Number of lines of the training list: the value of num_training_samples."""
        return len(self.channels["train"])


def lay_out(splits: Splits, augment: int, balance: bool, seed: int, folder: Path) -> Layout:
    """Return the layout of standardised splits in `folder`, with `augment` copies of each training image.

    With `balance` the training list repeats images of the smaller class and their copies until the classes are equal;
    no file is stored twice. Both lists are shuffled by `seed`: the built-in algorithm reads a list in its order and
    mixes only the few megabytes it has just read. A list sorted by class would train on one class at a time.
    """
    listed = variants.balanced(splits["train"]) if balance else splits["train"]
    channels = {
        "train": [example for image in listed for example in examples(image, augment)],
        PERTURBED: [(image.label, path_of(image)) for image in splits["validation"]],
    }
    channels = {name: shuffled(lines, name, seed) for name, lines in channels.items()}
    texts = {f"{name}_lst/{name}.lst": list_text(lines).encode() for name, lines in channels.items()}
    return Layout(DatasetFiles(splits, augment, folder), texts, channels)


def keys_of(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the name of an image and the key of its file, or of one of its copies, for each file of dataset.json."""
    for image in content["images"]:
        split, _, path = image["file"].partition("/")
        yield Path(path).name, image["file"]
        for copy in variants.copy_names(image["file"], content["settings"]["augment"]) if split == "train" else ():
            yield Path(path).name, copy


def shuffled(examples: Iterable[Example], channel: str, seed: int) -> list[Example]:
    """Return a channel's examples in the order of its list, which the seed decides."""
    order = list(examples)
    random.Random(f"{seed}/{channel}").shuffle(order)  # noqa: S311 (a repeatable order, not a secret)
    return order


def list_text(examples: Iterable[Example]) -> str:
    """Return a `.lst` file: index, label, path, tab-separated, no header (Image Classification, developer guide)."""
    return "".join(f"{index}\t{label}\t{path}\n" for index, (label, path) in enumerate(examples))


def path_of(image: Radiograph) -> str:
    """Return an image's path below a split's prefix."""
    return f"{CLASSES[image.label]}/{image.name}"


def examples(image: Radiograph, augment: int) -> list[Example]:
    """Return a training image and its copies as lines of the list."""
    folder = CLASSES[image.label]
    return [(image.label, f"{folder}/{name}") for name in (image.name, *variants.copy_names(image.name, augment))]
