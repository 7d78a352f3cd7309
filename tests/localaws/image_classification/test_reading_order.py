"""The order in which a job reads its training list, by chunks as in MXNet."""

import os
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from localaws.image_classification import train
from localaws.image_classification.reading_order import CHUNK_BYTES, chunk_bounds, reading_order
from network.epoch import Trainer
from tests.localaws.image_classification.builders import as_records, write_root

BATCH = 8


def batches(labels: Sequence[int], size: int, chunk_bytes: int) -> list[set[int]]:
    """Return the classes in each batch of an epoch over images of `size` bytes."""
    order = reading_order([size] * len(labels), torch.Generator().manual_seed(0), chunk_bytes)
    read = [labels[position] for position in order]
    return [set(read[start : start + BATCH]) for start in range(0, len(read), BATCH)]


def test_a_list_sorted_by_class_gives_batches_of_one_class_and_a_shuffled_one_mixed_batches() -> None:
    ordered = [0] * 320 + [1] * 320
    shuffled = random.Random(0).sample(ordered, len(ordered))  # noqa: S311 (a repeatable order, not a secret)
    of_one_class = [sum(len(batch) == 1 for batch in batches(labels, 100, 6_400)) for labels in (ordered, shuffled)]
    assert of_one_class[0] >= 72, "of 80 batches; at most one chunk of 8 batches holds both classes"
    assert of_one_class[1] <= 4


def test_each_chunk_is_mixed_and_chunks_stay_in_the_order_of_the_file() -> None:
    order = reading_order([100] * 64, torch.Generator().manual_seed(0), 1_600).tolist()
    for start in range(0, 64, 16):
        chunk = order[start : start + 16]
        assert sorted(chunk) == list(range(start, start + 16))
        assert chunk != sorted(chunk)


def test_a_chunk_holds_as_many_whole_images_as_fit_and_at_least_one() -> None:
    assert list(chunk_bounds([3, 3, 4, 1, 20, 5, 5, 1], 10)) == [(0, 3), (3, 4), (4, 5), (5, 7), (7, 8)]


@pytest.mark.parametrize("form", ["images", "records"])
def test_a_job_reads_chunks_of_8_mb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    """The first half of the list is of class 0; an epoch starts with the images of its first 8 MB only."""
    images = 48
    root = write_root(tmp_path / "root", images=images, epochs="1", mini_batch_size=str(BATCH))
    folder, path = root / "input/data/train", root / "input/data/train_lst/train.lst"
    lines = sorted(path.read_text().splitlines(), key=lambda line: line.split("\t")[1])
    path.write_text("".join(f"{line}\n" for line in lines))
    for image in folder.iterdir():
        os.truncate(image, CHUNK_BYTES // 16 - 64)  # a JPEG ends at its end marker; zeros may follow
    if form == "records":
        as_records(root)
    seen: list[set[int]] = []
    update = Trainer.update

    def spy(trainer: Trainer, inputs: torch.Tensor, labels: torch.Tensor, *rest: Any) -> torch.Tensor:
        seen.append(set(labels.tolist()))
        return update(trainer, inputs, labels, *rest)

    monkeypatch.setattr(Trainer, "update", spy)
    assert train.run(root) == 0
    assert seen[:2] == [{0}, {0}]
    assert seen[-2:] == [{1}, {1}]
    assert len(seen) == images // BATCH
