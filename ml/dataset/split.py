"""Patient-grouped, stratified splits of an exact size."""

import random
from collections.abc import Sequence

from ml.dataset.groups import Group, shared
from ml.dataset.radiographs import CLASSES, Radiograph
from ml.errors import UserError

ATTEMPTS = 50
"""Orders to try until whole groups fill a split exactly."""

Splits = dict[str, list[Radiograph]]


def split(groups: Sequence[Group], validation_fraction: float, test_fraction: float, batch: int, seed: int) -> Splits:
    """Assign groups to train, validation and test.

    A source's own test split is kept; if it has none, `test_fraction` of the images becomes one. The validation set is
    `validation_fraction` of the rest, rounded to a multiple of `batch`, because the built-in algorithm scores whole
    batches only. Both keep the class proportions. The same groups and seed give the same splits.

    Raises:
        UserError: a patient or an image is in train and in test, or there are too few images for these sizes.
    """
    official = [group for group in groups if any(image.split == "test" for image in group.images)]
    keys = {group.key for group in official}
    rest = [group for group in groups if group.key not in keys]
    if mixed := [group.key for group in official if any(image.split != "test" for image in group.images)]:
        raise UserError(
            f"Patients {', '.join(mixed[:5])} have images in the test folder and outside it ({len(mixed)} in all); "
            "move them to one side, because a test on patients of the training set measures nothing."
        )
    if not official:
        size = round(test_fraction * sum(len(group.images) for group in rest))
        official, rest = take(rest, size, seed + 1)
    images = sum(len(group.images) for group in rest)
    size = max(1, round(validation_fraction * images / batch)) * batch
    if images - size < batch:
        raise UserError(
            f"{images} images are too few for a validation set of {size} and a training set of at least {batch}; "
            "add images, or lower --batch-size.",
        )
    validation, train = take(rest, size, seed)
    splits = {
        name: sorted((image for group in part for image in group.images), key=lambda image: (image.label, image.name))
        for name, part in (("train", train), ("validation", validation), ("test", official))
    }
    overlap = shared(splits.values())
    if overlap.patients or overlap.pictures:
        raise UserError("A patient or an image is in two splits. This is a bug in the program; report it.")
    return splits


def take(groups: Sequence[Group], size: int, seed: int) -> tuple[list[Group], list[Group]]:
    """Choose whole groups of `size` images in all, in the class proportions; return them and the others.

    Raises:
        UserError: no choice of whole groups has exactly that size.
    """
    quota = quotas(groups, size)
    for attempt in range(ATTEMPTS):
        order = list(groups)
        random.Random(f"{seed}/{attempt}").shuffle(order)  # noqa: S311 (a repeatable draw, not a secret)
        left = list(quota)
        chosen = set()
        for group in order:
            counts = [group.count(label) for label in range(len(CLASSES))]
            if all(count <= room for count, room in zip(counts, left, strict=True)):
                left = [room - count for count, room in zip(counts, left, strict=True)]
                chosen.add(group.key)
        if not any(left):
            return [group for group in groups if group.key in chosen], [
                group for group in groups if group.key not in chosen
            ]
    raise UserError(
        f"No set of whole patients has exactly {size} images ({quota[0]} NORMAL, {quota[1]} PNEUMONIA); "
        "choose another --test-fraction, --validation-fraction or --batch-size."
    )


def quotas(groups: Sequence[Group], size: int) -> list[int]:
    """Divide `size` between the classes in proportion, largest remainder first."""
    counts = [sum(group.count(label) for group in groups) for label in range(len(CLASSES))]
    exact = [size * count / sum(counts) for count in counts]
    result = [int(number) for number in exact]
    by_remainder = sorted(range(len(CLASSES)), key=lambda label: result[label] - exact[label])
    for label in by_remainder[: size - sum(result)]:
        result[label] += 1
    return result
