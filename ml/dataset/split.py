"""Stratified splits that keep every patient whole."""

import random
from collections.abc import Iterator, Mapping, Sequence

from ml.dataset.groups import Group, shared
from ml.dataset.radiographs import CLASSES, Radiograph
from ml.errors import UserError

ATTEMPTS = 20
"""Random orders of the groups to try; the nearest to the wanted size counts."""

Splits = dict[str, list[Radiograph]]


def split(groups: Sequence[Group], validation_fraction: float, test_fraction: float, batch: int, seed: int) -> Splits:
    """Assign groups to train, validation and test.

    A source's own test split is kept; if it has none, about `test_fraction` of the images becomes one. The validation
    set is `validation_fraction` of the rest, rounded to a multiple of `batch`, because the built-in algorithm scores
    whole batches only. Its patients can have more images than that; the surplus is in no split. Both keep the class
    proportions. The same groups and seed give the same splits.

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
    if len(groups) == 1:
        raise UserError(
            f"All {len(groups[0].images)} images are of one patient, and a patient cannot be in two splits. If the id "
            "is a placeholder such as ANONYMIZED, give the patients in a .csv file (path,label,patient_id)."
        )
    if not official:
        official, rest = take(rest, max(1, round(test_fraction * size_of(rest))), seed + 1)
    images = size_of(rest)
    size = max(1, round(validation_fraction * images / batch)) * batch
    if images - size < batch:
        raise UserError(
            f"{images} images are too few for a validation set of {size} and a training set of at least {batch}; "
            "add images, or lower --batch-size.",
        )
    validation, train = take(rest, size, seed, at_least=True)
    splits = {
        name: sorted(images, key=lambda image: (image.label, image.name))
        for name, images in (
            ("train", images_of(train)),
            ("validation", first(images_of(validation), quotas(rest, size))),
            ("test", images_of(official)),
        )
    }
    overlap = shared(splits.values())
    if overlap.patients or overlap.pictures:
        raise UserError("A patient or an image is in two splits. This is a bug in the program; report it.")
    return splits


def surplus(groups: Sequence[Group], splits: Mapping[str, Sequence[Radiograph]]) -> list[Radiograph]:
    """Return the images that are in no split."""
    used = {image.name for images in splits.values() for image in images}
    return [image for image in images_of(groups) if image.name not in used]


def take(groups: Sequence[Group], size: int, seed: int, at_least: bool = False) -> tuple[list[Group], list[Group]]:
    """Choose whole groups of about `size` images in all, in the class proportions; return them and the others.

    Args:
        at_least: whether each class must have its share of `size` or more.

    Raises:
        UserError: nothing would remain of a class.
    """
    quota = quotas(groups, size)
    counts = {group.key: [group.count(label) for label in range(len(CLASSES))] for group in groups}
    totals = [sum(numbers) for numbers in zip(*counts.values(), strict=True)]
    nearest: list[Group] = []
    smallest = None
    for chosen in draws(groups, counts, quota, seed):
        taken = [sum(counts[group.key][label] for group in chosen) for label in range(len(CLASSES))]
        excess = [number - share for number, share in zip(taken, quota, strict=True)]
        if any(number == total > 0 for number, total in zip(taken, totals, strict=True)):
            continue  # nothing of a class would remain
        if at_least and min(excess) < 0:
            continue
        distance = (0 in taken, sum(map(abs, excess)), abs(sum(excess)))
        if smallest is None or distance < smallest:
            nearest, smallest = chosen, distance
        if not distance[1]:
            break
    if not nearest:
        raise UserError(
            f"{len(groups)} patients with {sum(totals)} images are too few to choose {size} images of whole patients "
            f"({quota[0]} {CLASSES[0]}, {quota[1]} {CLASSES[1]}) and leave images of both classes; add patients, or "
            "lower --test-fraction, --validation-fraction or --batch-size."
        )
    keys = {group.key for group in nearest}
    return nearest, [group for group in groups if group.key not in keys]


def draws(
    groups: Sequence[Group], counts: Mapping[str, Sequence[int]], quota: Sequence[int], seed: int
) -> Iterator[list[Group]]:
    """Yield choices of groups in random orders: up to the quota of each class, then beyond it."""
    for attempt in range(ATTEMPTS):
        order = list(groups)
        random.Random(f"{seed}/{attempt}").shuffle(order)  # noqa: S311 (a repeatable draw, not a secret)
        left = list(quota)
        chosen: list[Group] = []
        others: list[Group] = []
        for group in order:
            fits = all(count <= room for count, room in zip(counts[group.key], left, strict=True))
            (chosen if fits else others).append(group)
            if fits:
                left = [room - count for count, room in zip(counts[group.key], left, strict=True)]
        yield list(chosen)
        for group in others:
            if any(count and room > 0 for count, room in zip(counts[group.key], left, strict=True)):
                chosen.append(group)
                left = [room - count for count, room in zip(counts[group.key], left, strict=True)]
                yield list(chosen)


def first(images: Sequence[Radiograph], quota: Sequence[int]) -> list[Radiograph]:
    """Return the first images of each class, as many as its quota."""
    return [
        image
        for label, number in enumerate(quota)
        for image in [image for image in images if image.label == label][:number]
    ]


def images_of(groups: Sequence[Group]) -> list[Radiograph]:
    """Return the images of groups."""
    return [image for group in groups for image in group.images]


def size_of(groups: Sequence[Group]) -> int:
    """Return the number of images of groups."""
    return sum(len(group.images) for group in groups)


def quotas(groups: Sequence[Group], size: int) -> list[int]:
    """Divide `size` between the classes in proportion, largest remainder first."""
    counts = [sum(group.count(label) for group in groups) for label in range(len(CLASSES))]
    exact = [size * count / sum(counts) for count in counts]
    result = [int(number) for number in exact]
    by_remainder = sorted(range(len(CLASSES)), key=lambda label: result[label] - exact[label])
    for label in by_remainder[: size - sum(result)]:
        result[label] += 1
    return result
