"""The stages of the preparation in a container: `python -m ml.processing.container /opt/ml/processing STAGE`.

standardise: the objects of this instance in source/ become packs and records in out/.
assemble: all packs and records become out/dataset.json, the lists and the report.
variants: the packs of this instance become the files of the data set in out/.
"""

import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from ml.dataset import assembling, layout, variants
from ml.dataset.assembling import DatasetSettings
from ml.dataset.radiographs import Radiograph
from ml.dataset.report.sheets import spread
from ml.dataset.split import Splits
from ml.dataset.variants import PERTURBED
from ml.errors import UserError
from ml.processing import records
from ml.processing.records import PACK_IMAGES, PARTIAL, Item

SURPLUS_FILE = "surplus.jsonl"


def standardise(root: Path) -> None:
    """Write a pack for each chunk of this instance's objects."""
    header, _ = records.read_header(root / "offer" / "offer.jsonl")
    settings = DatasetSettings(**header["settings"])
    total = sum(path.is_file() for path in (root / "source").rglob("*"))
    done = 0
    show(root, 0, total)
    for chunk in chunks(local_items(root)):
        records.standardise(chunk, root / "out", root / "work", settings.resize_mode, settings.views)
        done += len(chunk)
        show(root, done, total)


def local_items(root: Path) -> Iterator[Item]:
    """Yield the items whose objects this instance got, with the paths of the files."""
    for item in records.read_items(root / "offer" / "offer.jsonl"):
        path = root / "source" / item.object.key
        if path.is_file():
            yield item._replace(file=replace(item.file, path=path))


def chunks(items: Iterator[Item]) -> Iterator[list[Item]]:
    """Yield lists of PACK_IMAGES items."""
    while chunk := list(islice(items, PACK_IMAGES)):
        yield chunk


def assemble(root: Path) -> None:
    """Write dataset.json, the lists, the report and the images beyond the last whole batch."""
    header, offer = records.read_header(root / "offer" / "offer.jsonl")
    settings, work, out = DatasetSettings(**header["settings"]), root / "work", root / "out"
    images: list[Radiograph] = []
    rejects = []
    for path in sorted((root / "records").glob("*.jsonl")):
        with path.open(encoding="utf-8") as file:
            pack = records.read_pack(file)
        records.unpack(root / "packs" / f"{path.stem}.tar", work)
        images += pack.images
        rejects += pack.rejects
    dataset = assembling.assemble(header["name"], offer, images, rejects, settings, work)
    variants.perturbed(spread(dataset.splits["validation"]), work)
    variants.copies(spread(dataset.splits["train"]), min(1, settings.augment), settings.seed, work)
    files = {**dataset.layout.texts, **assembling.pages(dataset, work)}
    files["dataset.json"] = json.dumps(dataset.content).encode()
    files[SURPLUS_FILE] = "".join(
        f"{json.dumps(records.fields_of(each, 'path'))}\n" for each in dataset.surplus
    ).encode()
    for name, body in files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(body)


def write_variants(root: Path) -> None:
    """Write the images of this instance's packs, their copies and their perturbed versions."""
    content = json.loads((root / "assembled" / "dataset.json").read_bytes())
    split_of = {Path(entry["file"]).name: split for entry in content["images"]
                if (split := entry["file"].partition("/")[0]) != PERTURBED}  # fmt: skip
    packs = sorted((root / "packs").glob("*.tar"))
    show(root, 0, len(packs))
    for done, path in enumerate(packs, 1):
        with (root / "records" / f"{path.stem}.jsonl").open(encoding="utf-8") as file:
            images = records.read_pack(file).images
        splits: Splits = {split: [] for split in ("train", "validation", "test")}
        for image in images:
            if image.name in split_of:
                splits[split_of[image.name]].append(image)
        records.unpack(path, root / "work")
        write_files(splits, content["settings"], root / "work", root / "out")
        shutil.rmtree(root / "work")
        show(root, done, len(packs))


def write_files(splits: Splits, settings: dict[str, int], work: Path, out: Path) -> None:
    """Move the images of a pack and their variants to their keys below `out`."""
    variants.perturbed(splits["validation"], work)
    variants.copies(splits["train"], settings["augment"], settings["seed"], work)
    (out / PARTIAL).mkdir(parents=True, exist_ok=True)
    for key, path in layout.DatasetFiles(splits, settings["augment"], work).items():
        (out / key).parent.mkdir(parents=True, exist_ok=True)
        partial = out / PARTIAL / path.name
        shutil.copyfile(path, partial)
        os.replace(partial, out / key)  # noqa: PTH105


def show(root: Path, done: int, total: int) -> None:
    """Print how much this instance has done, for `ml.prepare`, which adds up the instances."""
    host = json.loads((root.parent / "config" / "resourceconfig.json").read_bytes())["current_host"]
    print(f"progress {host} {done} {total}", flush=True)


STAGES = {"standardise": standardise, "assemble": assemble, "variants": write_variants}


def main(arguments: Sequence[str]) -> int:
    """Run a stage; the sentence of an expected error becomes the job's ExitMessage."""
    root, stage = Path(arguments[0]), arguments[1]
    try:
        STAGES[stage](root)
    except UserError as error:
        (root.parent / "output" / "message").write_text(str(error), encoding="utf-8")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
