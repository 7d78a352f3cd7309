"""The project's channels in a folder, as `ml.prepare` uploads them to S3."""

from __future__ import annotations

import json
from pathlib import Path

from ml.dataset import formats, groups, layout, recordio, sources, split, standardising, variants, version
from ml.dataset.variants import PERTURBED

SETTINGS = {"seed": 0, "validation_fraction": 0.125, "test_fraction": 0.2, "batch_size": 32}


def write(source: str, folder: Path) -> dict:
    """Write the channels of a source in both formats, without augmented copies; return the content of dataset.json."""
    description = folder / "dataset.json"
    if description.exists():
        return json.loads(description.read_text())
    offer = sources.open_source(source, folder, SETTINGS["seed"], None)
    standardised = folder / "standardised"
    images, _ = standardising.standardise_all(offer.images, standardised)
    splits = split.split(groups.group(images)[0], 0.125, 0.2, 32, 0)
    variants.perturbed(splits["validation"], standardised)
    channels = layout.lay_out(splits, {}, False, SETTINGS["seed"], standardised)
    for key, text in channels.texts.items():
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_bytes(text)
    for key, path in channels.files.items():
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).unlink(missing_ok=True)
        (folder / key).hardlink_to(path)
    formats.add_records(channels, folder / "recordio")
    content = version.describe("conformance", splits, SETTINGS, channels.training_samples, offer.collection)
    description.write_text(json.dumps(content))
    return content
