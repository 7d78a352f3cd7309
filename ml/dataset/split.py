"""Stratified splits that keep every patient whole."""

import random
from collections.abc import Iterator, Mapping, Sequence

from ml.dataset.groups import Group, shared
from ml.dataset.radiographs import CLASSES, Radiograph
from ml.errors import UserError

ATTEMPTS = 20
"""Random orders of the groups to try, and more if there are few groups; the nearest to the wanted size counts."""
FEW = 4000
"""Groups that are drawn in all, at least."""

Splits = dict[str, list[Radiograph]]


def split(groups: Sequence[Group], validation_fraction: float, test_fraction: float, batch: int, seed: int) -> Splits:
    """Assign groups to train, validation and test.

    A source's own test split is kept; if it has none, about `test_fraction` of the images becomes one. The validation
    set is `validation_fraction` of the rest, rounded to a multiple of `batch`, because the built-in algorithm scores
    whole batches only. Its patients can have more images than that; the surplus is in no split. Both keep the class
    proportions as far as whole patients allow. The same groups and seed give the same splits.

    Raises:
        UserError: a patient or an image is in train and in test, or there are too few images or patients.
    """
    official = [group for group in groups if any(image.split == "test" for image in group.images)]
    keys = {group.key for group in official}
    rest = [group for group in groups if group.key not in keys]
    if mixed := [group.key for group in official if any(image.split != "test" for image in group.images)]:
        raise UserError(
            f"Patients {', '.join(mixed[:5])} have images in the test folder and outside it ({len(mixed)} in all); "
            "move them to one side, because a test on patients of the training set measures nothing."
        )
    check_patients(groups, rest, 2 if official else 3)
    if not official:
        official, rest = take(rest, round(test_fraction * size_of(rest)), seed + 1, leave=2, room=2 * batch)
    images = size_of(rest)
    size = max(1, round(validation_fraction * images / batch)) * batch
    if images - size < batch:
        raise UserError(
            f"{images} images are too few for a validation set of {size} and a training set of at least {batch}; "
            "add images, or lower --batch-size.",
        )
    validation, train = take(rest, size, seed, leave=1, room=batch, batch=batch)
    splits = {
        name: sorted(images, key=lambda image: (image.label, image.name))
        for name, images in (
            ("train", images_of(train)),
            ("validation", whole_batches(images_of(validation), quotas(rest, size), batch)),
            ("test", images_of(official)),
        )
    }
    overlap = shared(splits.values())
    if overlap.patients or overlap.pictures:
        raise UserError("A patient or an image is in two splits. This is a bug in the program; report it.")
    return splits


def check_patients(groups: Sequence[Group], rest: Sequence[Group], splits: int) -> None:
    """Check that each class has a patient for each of the splits that `rest` is divided into.

    Raises:
        UserError: all images are of one patient, or a class has too few patients.
    """
    if len(groups) == 1:
        raise UserError(
            f"All {len(groups[0].images)} images are of one patient, and a patient cannot be in two splits. If the id "
            "is a placeholder such as ANONYMIZED, give the patients in a .csv file (path,label,patient_id)."
        )
    for label, name in enumerate(CLASSES):
        patients = sum(group.count(label) > 0 for group in rest)
        if patients < splits:
            raise UserError(
                f"Class {name} has images of {patients} of the {len(rest)} patients to split, and each of {splits} "
                f"splits needs a patient of each class; add patients of class {name}."
            )


def surplus(groups: Sequence[Group], splits: Mapping[str, Sequence[Radiograph]]) -> list[Radiograph]:
    """Return the images that are in no split."""
    used = {image.name for images in splits.values() for image in images}
    return [image for image in images_of(groups) if image.name not in used]


def take(
    groups: Sequence[Group], size: int, seed: int, leave: int, room: int, batch: int = 0
) -> tuple[list[Group], list[Group]]:
    """Choose whole groups of about `size` images in all, in the class proportions; return them and the others.

    Args:
        leave: number of groups of each class that remain.
        room: number of images that remain if possible.
        batch: if not 0, each class has its share of `size` or more if possible, and both together a batch.

    Raises:
        UserError: the groups have too few images for a batch beside the others.
    """
    counts = {group.key: [group.count(label) for label in range(len(CLASSES))] for group in groups}
    quota, images = quotas(groups, size), size_of(groups)
    nearest: list[Group] = []
    smallest = None
    for chosen in draws(groups, counts, quota, leave, seed):
        taken = [sum(counts[group.key][label] for group in chosen) for label in range(len(CLASSES))]
        if sum(taken) < max(1, batch):
            continue
        excess = [number - share for number, share in zip(taken, quota, strict=True)]
        distance = (
            0 in taken,
            images - sum(taken) < room,
            batch > 0 and min(excess) < 0,
            sum(map(abs, excess)),
            abs(sum(excess)),
        )
        if smallest is None or distance < smallest:
            nearest, smallest = chosen, distance
        if not any(distance):
            break
    if not nearest:
        raise UserError(
            f"{len(groups)} patients with {images} images are too few for a validation set of {size} images "
            "of whole patients and a training set with both classes; add patients, or lower --batch-size."
        )
    keys = {group.key for group in nearest}
    return nearest, [group for group in groups if group.key not in keys]


def draws(
    groups: Sequence[Group], counts: Mapping[str, Sequence[int]], quota: Sequence[int], leave: int, seed: int
) -> Iterator[list[Group]]:
    """Yield choices of groups in random orders: up to the quota of each class, then beyond it.

    Every second order goes beyond the quotas at once, because small groups can use up what may be taken of a class.
    """
    for attempt in range(max(ATTEMPTS, FEW // len(groups))):
        order = list(groups)
        random.Random(f"{seed}/{attempt}").shuffle(order)  # noqa: S311 (a repeatable draw, not a secret)
        left = list(quota)
        spare = [sum(count[label] > 0 for count in counts.values()) - leave for label in range(len(CLASSES))]
        chosen: list[Group] = []
        for beyond in (False, True)[attempt % 2 :]:
            others: list[Group] = []
            for group in order:
                count = counts[group.key]
                fits = all(not number or number <= room for number, room in zip(count, left, strict=True))
                wanted = fits or (beyond and any(number and room > 0 for number, room in zip(count, left, strict=True)))
                if not wanted or any(number and rest <= 0 for number, rest in zip(count, spare, strict=True)):
                    others.append(group)
                    continue
                if not fits:
                    yield list(chosen)
                chosen.append(group)
                left = [room - number for number, room in zip(count, left, strict=True)]
                spare = [rest - (number > 0) for number, rest in zip(count, spare, strict=True)]
                if not fits:
                    yield list(chosen)
            yield list(chosen)
            order = others


def whole_batches(images: Sequence[Radiograph], quota: Sequence[int], batch: int) -> list[Radiograph]:
    """Return the first images of each class up to its quota, filled to a multiple of `batch` with the others."""
    by_class = [[image for image in images if image.label == label] for label in range(len(CLASSES))]
    first = [image for number, part in zip(quota, by_class, strict=True) for image in part[:number]]
    others = [image for number, part in zip(quota, by_class, strict=True) for image in part[number:]]
    return [*first, *others][: min(sum(quota), len(images) // batch * batch)]


def images_of(groups: Sequence[Group]) -> list[Radiograph]:
    """Return the images of groups."""
    return [image for group in groups for image in group.images]


def size_of(groups: Sequence[Group]) -> int:
    """Return the number of images of groups."""
    return sum(len(group.images) for group in groups)


def quotas(groups: Sequence[Group], size: int) -> list[int]:
    """Divide `size` between the two classes in proportion, with at least one image of each."""
    counts = [sum(group.count(label) for group in groups) for label in range(len(CLASSES))]
    second = max(1, min(size - 1, round(size * counts[1] / sum(counts))))
    return [max(1, size - second), second]
