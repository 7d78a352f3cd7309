"""The stages of the preparation as processes on this machine, over folders in place of the instances of jobs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from benchmarks.scale.synthetic import SETTINGS
from ml.dataset import standardising
from ml.dataset.radiographs import Offer, SourceFile
from ml.dataset.sources.objects import located
from ml.processing import records

ROOT = Path(__file__).resolve().parents[2]
STAGES = ("standardise", "assemble", "variants")
MEASURED = """
import resource, sys
from ml.processing import container
code = container.main(sys.argv[1:])
unit = 1 if sys.platform == "darwin" else 1024
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)
sys.exit(code)
"""


class Stage(NamedTuple):
    """What a stage took: seconds, processor seconds, peak memory of its largest main process, and files of its jobs.

    SageMaker reads each input file with one GET and writes each output file with one PUT.
    """

    seconds: float
    processor_seconds: float
    peak_bytes: int
    inputs: int
    outputs: int


def run(stage: str, roots: Sequence[Path]) -> Stage:
    """Run a stage on all of its instances at once, each in a folder of its own in place of /opt/ml/processing."""
    inputs = sum(count_files(root, but="out") for root in roots)
    began, before = time.perf_counter(), os.times()
    command = [sys.executable, "-c", MEASURED]
    processes = [
        subprocess.Popen([*command, str(root), stage], stdout=subprocess.PIPE, text=True, cwd=ROOT) for root in roots
    ]
    printed = [process.communicate()[0] for process in processes]
    seconds, after = time.perf_counter() - began, os.times()
    if any(process.returncode for process in processes):
        raise SystemExit(f"Stage {stage} failed; see the lines above.")
    peak = max(int(text.split()[-1]) for text in printed)
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return Stage(seconds, used, peak, inputs, sum(count_files(root / "out") for root in roots))


def count_files(root: Path, but: str | None = None) -> int:
    """Return the number of files below a folder, without those of one part of it."""
    parts = [part for part in root.iterdir() if part.name != but] if root.is_dir() else []
    return sum(path.is_file() for part in parts for path in (part, *part.rglob("*")))


def instance(root: Path) -> Path:
    """Make the folders of one instance; return the one in place of /opt/ml/processing."""
    for name in ("config", "output", "processing/out"):
        (root / name).mkdir(parents=True)
    (root / "config/resourceconfig.json").write_text(json.dumps({"current_host": root.name}))
    return root / "processing"


def give(files: Sequence[Path], target: Path) -> None:
    """Link files into a folder of an instance."""
    target.mkdir(parents=True, exist_ok=True)
    for path in files:
        os.link(path, target / path.name)


def outputs(roots: Sequence[Path], pattern: str) -> list[Path]:
    """Return the complete output files of instances."""
    return sorted(path for root in roots for path in (root / "out").glob(pattern))


def write_offer(path: Path, sources: Sequence[Path], images: int) -> dict[str, Path]:
    """Write an offer of `images` objects, whose content is that of the sources in turn; return the file of each key."""
    files = {f"images/{number:07}-{sources[number % len(sources)].name}": sources[number % len(sources)]
             for number in range(images)}  # fmt: skip
    offered = [
        SourceFile(
            located(f"s3://source/{key}", key, file.stat().st_size, "etag"), int("NORMAL" not in str(file)), None
        )
        for key, file in files.items()
    ]
    offer = Offer(offered, found=images)
    header = {"name": "scale", "settings": asdict(SETTINGS), "max_reject_fraction": 0.05}
    records.write_offer(path, header, offer, standardising.unique_names(offer.images))
    return files


def measure(sources: Sequence[Path], images: int, shards: int, work: Path) -> dict[str, Stage]:
    """Prepare a data set of `images` files with a number of instances; return what each stage took."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    offer = work / "offer.jsonl"
    files = write_offer(offer, sources, images)
    first = [instance(work / f"standardise/algo-{number + 1}") for number in range(shards)]
    for number, root in enumerate(first):
        give([offer], root / "offer")
        for key in list(files)[number::shards]:
            (root / "source" / key).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(files[key], root / "source" / key)
    taken = {"standardise": run("standardise", first)}
    assembler = instance(work / "assemble/algo-1")
    give([offer], assembler / "offer")
    give(outputs(first, "packs/*.tar"), assembler / "packs")
    give(outputs(first, "records/*.jsonl"), assembler / "records")
    taken["assemble"] = run("assemble", [assembler])
    last = [instance(work / f"variants/algo-{number + 1}") for number in range(shards)]
    for number, root in enumerate(last):
        give(outputs(first, "packs/*.tar")[number::shards], root / "packs")
        give(outputs(first, "records/*.jsonl"), root / "records")
        give([assembler / "out/dataset.json"], root / "assembled")
    return taken | {"variants": run("variants", last)}
