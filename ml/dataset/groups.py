"""Group the images of one patient, or of patients who share an image."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ml.dataset.radiographs import CLASSES, Radiograph
from ml.errors import UserError


@dataclass(frozen=True)
class Group:
    """Images that stay in one split: of one patient, of patients who share an identical image, or one image of an
    unknown patient.

    Attributes:
        key: of the patient, the first of several; "/" and the image's name if the patient is unknown.
    """

    key: str
    images: tuple[Radiograph, ...]

    def count(self, label: int) -> int:
        """Return the number of images of a class."""
        return sum(image.label == label for image in self.images)


def group(images: Sequence[Radiograph]) -> tuple[list[Group], list[Radiograph]]:
    """Group images by patient, uniting patients who share identical pixels; drop duplicates.

    An image of an unknown patient is a group of its own, unless it shares its pixels with others. Of identical images
    the first by (test before train, name) stays. A given test set keeps its duplicates, because its metrics must be
    comparable with published ones. Return the groups by key, and the dropped duplicates.

    Raises:
        UserError: identical pixels carry both labels.
    """
    parent = {key_of(image): key_of(image) for image in images}

    def find(key: str) -> str:
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    seen: dict[str, Radiograph] = {}
    unique: list[Radiograph] = []
    dropped: list[Radiograph] = []
    for image in sorted(images, key=lambda image: (image.split != "test", image.name)):
        first = seen.setdefault(image.pixels, image)
        if first is image:
            unique.append(image)
            continue
        if first.label != image.label:
            raise UserError(
                f"{first.source} ({CLASSES[first.label]}) and {image.source} ({CLASSES[image.label]}) are the same "
                "image with two labels. Remove the file with the wrong label."
            )
        low, high = sorted((find(key_of(first)), find(key_of(image))), key=known_first)
        parent[high] = low
        (unique if image.split == "test" else dropped).append(image)
    members: dict[str, list[Radiograph]] = {}
    for image in sorted(unique, key=lambda image: image.name):
        key = find(key_of(image))
        members.setdefault(key, []).append(replace(image, patient=None if unknown(key) else key))
    return [Group(key, tuple(group)) for key, group in sorted(members.items())], dropped


def key_of(image: Radiograph) -> str:
    """Return the key that groups an image; only keys of unknown patients begin with a slash."""
    return f"/{image.name}" if image.patient is None else image.patient


def unknown(key: str) -> bool:
    """Return whether a key stands for an image of an unknown patient."""
    return key.startswith("/")


def known_first(key: str) -> tuple[bool, str]:
    """Return a sort key that puts known patients first; they get the images that they share with unknown ones."""
    return unknown(key), key


@dataclass(frozen=True)
class Shared:
    """Patients and pictures that occur in more than one split.

    Attributes:
        patients: number of patients; only the `known` of all `images` could be compared.
        pictures: number of pixel hashes; all images are compared.
    """

    patients: int
    pictures: int
    known: int
    images: int


def shared(splits: Iterable[Sequence[Radiograph]]) -> Shared:
    """Count the patients and the pixel hashes that occur in more than one split."""
    parts = list(splits)
    images = [image for part in parts for image in part]
    patients = Counter(key for part in parts for key in {image.patient for image in part} - {None})
    pixels = Counter(key for part in parts for key in {image.pixels for image in part})
    return Shared(
        sum(n > 1 for n in patients.values()),
        sum(n > 1 for n in pixels.values()),
        sum(image.patient is not None for image in images),
        len(images),
    )
