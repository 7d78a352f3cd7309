"""The baseline of a large data set: fitted on a part that the seed chooses, scored on all other images."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.dataset import baseline
from ml.dataset.layout import path_of
from ml.dataset.radiographs import CLASSES, Encoding, Radiograph
from ml.dataset.split import Splits


@pytest.fixture
def splits(tmp_path: Path) -> Splits:
    draw = np.random.default_rng(0)
    parts: Splits = {"train": [], "validation": [], "test": []}
    for number in range(60):
        label, name = number % 2, f"i{number:02d}.jpg"
        (tmp_path / CLASSES[label]).mkdir(exist_ok=True)
        pixels = draw.integers(60 + 40 * label, 200, (224, 224), np.uint8)
        Image.fromarray(pixels).save(tmp_path / CLASSES[label] / name)
        image = Radiograph(Path(name), label, None, name, "", None, name, 900, Encoding(1000, 90, 80, "L", 330))
        parts["train" if number < 40 else "validation" if number < 50 else "test"].append(image)
    return parts


def test_a_larger_training_set_is_sampled_by_the_seed_and_every_other_image_is_scored(
    splits: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = baseline.baseline(splits, tmp_path, 0)
    assert whole == baseline.baseline(splits, tmp_path, 1)
    monkeypatch.setattr(baseline, "FITTED", 20)
    monkeypatch.setattr(baseline, "SCORED", 3)
    first, again, other = (baseline.baseline(splits, tmp_path, seed) for seed in (0, 0, 1))
    assert first == again
    assert len({whole, first, other}) == 3
    files = [f"{split}/{path_of(image)}" for split in ("validation", "test") for image in splits[split]]
    assert sorted(json.loads(first)["scores"]) == sorted(files)
