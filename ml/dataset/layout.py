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


def lay_out(splits: Splits, copies: Mapping[str, Sequence[str]], balance: bool, seed: int, folder: Path) -> Layout:
    """Return the layout of standardised splits and their variants in `folder`.

    With `balance` the training list repeats images of the smaller class and their copies until the classes are equal;
    no file is stored twice. Both lists are shuffled by `seed`: the built-in algorithm reads a list in its order and
    mixes only the few megabytes it has just read. A list sorted by class would train on one class at a time.
    """
    listed = variants.balanced(splits["train"]) if balance else splits["train"]
    channels = {
        "train": [example for image in listed for example in examples(image, copies.get(image.name, ()))],
        PERTURBED: [(image.label, path_of(image)) for image in splits["validation"]],
    }
    channels = {name: shuffled(lines, name, seed) for name, lines in channels.items()}
    texts = {f"{name}_lst/{name}.lst": list_text(lines).encode() for name, lines in channels.items()}
    return Layout(files_of(splits, copies, folder), texts, channels)


def files_of(splits: Splits, copies: Mapping[str, Sequence[str]], folder: Path) -> dict[str, Path]:
    """Return the file in `folder` of each image of the splits and of each variant, by its key."""
    files: dict[str, Path] = {}
    for split, images in splits.items():
        for image in images:
            files[f"{split}/{path_of(image)}"] = folder / path_of(image)
    for image in splits["validation"]:
        files[f"{PERTURBED}/{path_of(image)}"] = folder / "perturbed" / path_of(image)
    for image in splits["train"]:
        for name in copies.get(image.name, ()):
            path = f"{CLASSES[image.label]}/{name}"
            files[f"train/{path}"] = folder / "augmented" / path
    return files


def keys_of(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the name of an image and the key of its file, or of one of its copies, for each file of dataset.json."""
    for image in content["images"]:
        split, _, path = image["file"].partition("/")
        yield Path(path).name, image["file"]
        for copy in range(1, content["settings"]["augment"] + 1) if split == "train" else ():
            yield Path(path).name, f"{image['file'].removesuffix('.jpg')}_copy{copy}.jpg"


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


def examples(image: Radiograph, copies: Sequence[str]) -> list[Example]:
    """Return a training image and its copies as lines of the list."""
    folder = CLASSES[image.label]
    return [(image.label, f"{folder}/{name}") for name in (image.name, *copies)]
