"""Small training sets in a folder in place of /opt/ml."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from ml.dataset import recordio

SIDE = 32
HYPERPARAMETERS = {
    "num_classes": "2",
    "num_training_samples": "16",
    "num_layers": "18",
    "image_shape": f"3,{SIDE},{SIDE}",
    "mini_batch_size": "8",
    "epochs": "2",
    "optimizer": "adam",
    "learning_rate": "0.01",
}


def image(label: int, seed: int, side: int = SIDE) -> Image.Image:
    """Return noise with a bright disc in the upper (label 0) or the lower half (label 1)."""
    rows, columns = np.mgrid[:side, :side] / side
    disc = (rows - (0.25 + 0.5 * label)) ** 2 + (columns - 0.5) ** 2 < 0.04
    noise = np.random.default_rng(seed).normal(70, 15, (side, side))
    return Image.fromarray((noise + 110 * disc).clip(0, 255).astype(np.uint8)).convert("RGB")


def write_root(root: Path, images: int = 16, side: int = SIDE, **hyperparameters: str) -> Path:
    """Write channels, lists and configuration for `images` images in each of train and validation."""
    for number, channel in enumerate(("train", "validation")):
        folder, lists = root / "input/data" / channel, root / "input/data" / f"{channel}_lst"
        folder.mkdir(parents=True)
        lists.mkdir()
        lines = []
        for index in range(images):
            image(index % 2, 1000 * number + index, side).save(folder / f"{index}.jpg", quality=95)
            lines.append(f"{index}\t{index % 2}\t{index}.jpg\n")
        (lists / f"{channel}.lst").write_text("".join(lines))
    for name in ("model", "output", "input/config"):
        (root / name).mkdir(parents=True)
    configure(root, num_training_samples=str(images), **hyperparameters)
    return root


def configure(root: Path, **hyperparameters: str) -> None:
    """Write hyperparameters.json."""
    path = root / "input/config/hyperparameters.json"
    path.write_text(json.dumps(HYPERPARAMETERS | hyperparameters))


def as_records(root: Path) -> Path:
    """Turn the image channels into RecordIO ones."""
    configuration = {}
    for channel in ("train", "validation"):
        folder = root / "input/data" / channel
        lines = (root / f"input/data/{channel}_lst/{channel}.lst").read_text().splitlines()
        images = [(int(line.split("\t")[1]), folder / line.split("\t")[2]) for line in lines]
        recordio.write(images, folder / f"{channel}.rec")
        configuration[channel] = {"ContentType": "application/x-recordio", "RecordWrapperType": "None"}
    (root / "input/config/inputdataconfig.json").write_text(json.dumps(configuration))
    return root
