"""Contact sheets: a few images of each class and split, at even distances in the list."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from ml.dataset import variants
from ml.dataset.layout import path_of
from ml.dataset.radiographs import CLASSES, Radiograph
from ml.dataset.split import Splits

THUMB, COLUMNS = 112, 8


def contact_sheets(splits: Splits, folder: Path) -> dict[str, str]:
    """Return JPEG sheets as data URIs by title."""
    sheets = {}
    for label, name in enumerate(CLASSES):
        for split in ("train", "test"):
            sample = spread([image for image in splits[split] if image.label == label])
            sheets[f"{name}, {split}"] = sheet([folder / path_of(image) for image in sample])
    validation = spread(splits["validation"])
    sheets["Validation, clean"] = sheet([folder / path_of(image) for image in validation])
    sheets["Validation, perturbed"] = sheet([folder / "perturbed" / path_of(image) for image in validation])
    training = spread(splits["train"])
    copies = [folder / "augmented" / CLASSES[image.label] / variants.copy_names(image.name, 1)[0] for image in training]
    if all(path.is_file() for path in copies):
        sheets["Training, originals"] = sheet([folder / path_of(image) for image in training])
        sheets["Training, augmented copies"] = sheet(copies)
    return sheets


def spread(images: Sequence[Radiograph]) -> list[Radiograph]:
    """Return up to COLUMNS images at even distances."""
    step = max(1, len(images) // COLUMNS)
    return list(images[::step][:COLUMNS])


def sheet(paths: Sequence[Path]) -> str:
    """Return images side by side as a data URI."""
    picture = Image.new("L", (THUMB * max(1, len(paths)), THUMB))
    for column, path in enumerate(paths):
        with Image.open(path) as image:
            picture.paste(image.convert("L").resize((THUMB, THUMB), Image.Resampling.LANCZOS), (THUMB * column, 0))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
