"""The stages of the preparation over folders in place of the instances of jobs."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from ml.dataset import assembling, sources, standardising, variants
from ml.dataset.assembling import DatasetSettings
from ml.dataset.radiographs import Offer
from ml.dataset.sources.objects import located
from ml.processing import container, records

SETTINGS = DatasetSettings(0, 0.125, 0.2, 8, 2, False, "squash", "lst")
NAME = "images"


def one_machine(folder: Path, work: Path) -> dict[str, bytes]:
    """Return the files of the data set that one machine makes from a folder, by their keys."""
    offer = sources.open_source(str(folder), work, 0)
    standardised = work / "standardised"
    images, rejects = standardising.standardise_all(offer.images, standardised)
    dataset = assembling.assemble(NAME, offer, images, rejects, SETTINGS, standardised)
    variants.perturbed(dataset.splits["validation"], standardised)
    variants.copies(dataset.splits["train"], SETTINGS.augment, SETTINGS.seed, standardised)
    files = {key: path.read_bytes() for key, path in dataset.layout.files.items()}
    return files | {
        **dataset.layout.texts,
        **assembling.pages(dataset, standardised),
        "dataset.json": json.dumps(dataset.content).encode(),
    }


def offer_in_s3(folder: Path, work: Path) -> Offer:
    """Return the offer of a folder as if its files were the objects of a bucket."""
    offer = sources.open_source(str(folder), work, 0)
    images = []
    for image in offer.images:
        key = image.path.relative_to(folder).as_posix()
        item = located(f"s3://hospital/{key}", key, image.path.stat().st_size, "etag")
        images.append(replace(image, path=item))
    return replace(offer, images=images)


def instance(root: Path, host: str) -> Path:
    """Make the folders of one instance; return the one in place of /opt/ml/processing."""
    for name in ("config", "output", "processing/out"):
        (root / host / name).mkdir(parents=True)
    (root / host / "config/resourceconfig.json").write_text(json.dumps({"current_host": host}))
    return root / host / "processing"


def give(files: Sequence[Path], target: Path) -> None:
    """Copy files into a folder of an instance."""
    target.mkdir(parents=True, exist_ok=True)
    for path in files:
        shutil.copyfile(path, target / path.name)


def standardise(folder: Path, offer: Path, work: Path, count: int) -> list[Path]:
    """Run the first stage on `count` instances; return their folders."""
    paths = [item.object.key for item in records.read_items(offer)]
    roots = []
    for number in range(count):
        root = instance(work, f"algo-{number + 1}")
        give([offer], root / "offer")
        for key in sorted(paths)[number::count]:
            (root / "source" / key).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / key, root / "source" / key)
        container.standardise(root)
        roots.append(root)
    return roots


def outputs(roots: Sequence[Path], pattern: str) -> list[Path]:
    """Return the complete output files of instances."""
    return sorted(path for root in roots for path in (root / "out").glob(pattern))


def sharded(folder: Path, work: Path, count: int) -> dict[str, bytes]:
    """Return the files of the data set that `count` instances make from a folder, by their keys."""
    work.mkdir()
    offer = work / "offer.jsonl"
    source = offer_in_s3(folder, work)
    header = {"name": NAME, "settings": asdict(SETTINGS), "max_reject_fraction": 0.05}
    records.write_offer(offer, header, source, standardising.unique_names(source.images))
    shards = standardise(folder, offer, work / "standardise", count)
    assembler = instance(work / "assemble", "algo-1")
    give([offer], assembler / "offer")
    give(outputs(shards, "packs/*.tar"), assembler / "packs")
    give(outputs(shards, "records/*.jsonl"), assembler / "records")
    container.assemble(assembler)
    files = {path.relative_to(assembler / "out").as_posix(): path.read_bytes()
             for path in (assembler / "out").rglob("*") if path.is_file()}  # fmt: skip
    del files[container.SURPLUS_FILE]
    for number in range(count):
        root = instance(work / "variants", f"algo-{number + 1}")
        give(outputs(shards, "packs/*.tar")[number::count], root / "packs")
        give(outputs(shards, "records/*.jsonl"), root / "records")
        give([assembler / "out/dataset.json"], root / "assembled")
        container.write_variants(root)
        files |= {
            path.relative_to(root / "out").as_posix(): path.read_bytes() for path in (root / "out").rglob("*.jpg")
        }
    return files
