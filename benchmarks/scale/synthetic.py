"""The packs and records that the standardising jobs of a large collection would leave behind."""

from __future__ import annotations

import hashlib
import io
import json
import random
import tarfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from ml.dataset.assembling import DatasetSettings
from ml.dataset.radiographs import CLASSES, Encoding, Offer, Radiograph
from ml.dataset.sources.objects import located
from ml.processing import records
from radiograph import phantom

SETTINGS = DatasetSettings(0, 0.125, 0.2, 32, 3, False, "squash", "lst")
IMAGES_OF_A_PATIENT = 4
"""On average; NIH ChestX-ray14, CheXpert and MIMIC-CXR have 3.4 to 5.8."""
PICTURES = 64
"""Different pictures: they cost memory when they are read, whatever they show."""


def pictures() -> list[list[bytes]]:
    """Return standardised pictures as files, by label."""
    by_label = []
    for label in range(len(CLASSES)):
        files = []
        for seed in range(PICTURES // len(CLASSES)):
            buffer = io.BytesIO()
            phantom.draw(seed, bool(label)).convert("L").resize((224, 224)).save(buffer, "JPEG", quality=95)
            files.append(buffer.getvalue())
        by_label.append(files)
    return by_label


def images(count: int) -> Iterator[Radiograph]:
    """Yield the records of a collection with names as long as those of MIMIC-CXR."""
    draw = random.Random(0)  # noqa: S311 (a repeatable collection, not a secret)
    for number in range(count):
        patient = f"p{10_000_000 + draw.randrange(1 + count // IMAGES_OF_A_PATIENT)}"
        key = hashlib.sha256(str(number).encode()).hexdigest()
        name = "-".join(key[start : start + 8] for start in range(0, 40, 8))
        yield Radiograph(
            located(f"s3://mimic-cxr-jpg-2.1.0/files/{patient[:3]}/{patient}/s{50_000_000 + number}/{name}.jpg"),
            int(draw.random() < 0.3),
            None,
            f"{name}.jpg",
            "",
            patient,
            key,
            7000 + draw.randrange(2000),
            Encoding(
                1_500_000 + draw.randrange(500_000), 2544 + draw.randrange(500), 3056, "L", 200 + draw.randrange(9)
            ),
        )


def write_run(root: Path, count: int) -> None:
    """Write what the job that assembles gets: the offer, packs and records below `root`."""
    for name in ("offer", "packs", "records", "out"):
        (root / name).mkdir(parents=True)
    header = {"name": "synthetic", "settings": asdict(SETTINGS), "max_reject_fraction": 0.05}
    records.write_offer(root / "offer/offer.jsonl", header, Offer([], found=count), [])
    files = pictures()
    pack: list[Radiograph] = []
    for image in images(count):
        pack.append(image)
        if len(pack) == records.PACK_IMAGES:
            write_pack(root, pack, files)
            pack = []
    if pack:
        write_pack(root, pack, files)


def write_pack(root: Path, pack: list[Radiograph], files: list[list[bytes]]) -> None:
    """Write one pack and its records."""
    name = pack[0].name.removesuffix(".jpg")
    with tarfile.open(root / f"packs/{name}.tar", "w") as archive:
        for image in pack:
            body = files[image.label][image.stored % len(files[image.label])]
            entry = tarfile.TarInfo(f"{CLASSES[image.label]}/{image.name}")
            entry.size = len(body)
            archive.addfile(entry, io.BytesIO(body))
    lines = ({"name": image.name, "image": records.fields_of(image, "source")} for image in pack)
    (root / f"records/{name}.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
