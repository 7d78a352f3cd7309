"""What a preparation takes, by its number of images: the tables of docs/scale.md.

Prepares the images of FOLDER with 1 and 2 shards on this machine, measures the memory of the job that assembles with
synthetic records, counts the requests, and plans larger collections. Run it as `python -m benchmarks.scale FOLDER`.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.scale import stages, synthetic
from benchmarks.scale.stages import STAGES, Stage
from ml.processing import estimate
from ml.training import prices

PLANS = ((1000, 1), (100_000, 4), (1_000_000, 16))
"""Images, and instances of the sharded stages."""
INSTANCE_TYPE = "ml.m5.2xlarge"


def seconds_table(taken: dict[int, dict[str, Stage]], images: int) -> list[str]:
    """Return the seconds of each stage with each number of shards."""
    lines = [
        "| stage | "
        + "".join(f"{shards} shard{'s' if shards > 1 else ''}, s | " for shards in taken)
        + "processor, ms an image |",
        "| --- " * (len(taken) + 2) + "|",
    ]
    for stage in STAGES:
        walls = " | ".join(f"{parts[stage].seconds:.1f}" for parts in taken.values())
        lines.append(f"| {stage} | {walls} | {1000 * taken[1][stage].processor_seconds / images:.0f} |")
    return lines


def memory_table(counts: Sequence[int], work: Path) -> list[str]:
    """Return the peak memory of the job that assembles, for numbers of records."""
    lines = ["| records | peak memory, MB | processor, s |", "| --- | --- | --- |"]
    for count in counts:
        root = work / str(count)
        synthetic.write_run(root, count)
        stage = stages.run("assemble", [root])
        lines.append(f"| {count:,} | {stage.peak_bytes / 1e6:.0f} | {stage.processor_seconds:.0f} |")
        shutil.rmtree(root)
    return lines


def request_table(taken: dict[str, Stage], images: int) -> list[str]:
    """Return the files that the jobs read and write: SageMaker makes one request for each."""
    lines = ["| stage | GET an image | PUT an image |", "| --- | --- | --- |", "| listing, on this machine | 1 | 0 |"]
    for stage in STAGES:
        part = taken[stage]
        lines.append(f"| {stage} | {part.inputs / images:.2f} | {part.outputs / images:.2f} |")
    return lines


def plan_table() -> list[str]:
    """Return time and money for numbers of images."""
    table = prices.read(None)
    lines = [
        f"| images | instances ({INSTANCE_TYPE}) | hours | instances, USD | requests | requests, USD |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for images, count in PLANS:
        plan = estimate.plan(table, INSTANCE_TYPE, count, images, synthetic.SETTINGS.augment)
        lines.append(
            f"| {images:,} | {count} | {plan.duration / 3600:.1f} | {plan.instances:.2f} | "
            f"{plan.gets + plan.puts:,} | {plan.requests:.2f} |"
        )
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder of different JPEG images, in NORMAL and PNEUMONIA")
    parser.add_argument("--records", type=int, nargs="*", default=[10_000, 100_000], help="default %(default)s")
    options = parser.parse_args()
    sources = sorted(path for path in options.folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg"))
    if not sources:
        parser.error(f"{options.folder} holds no JPEG image.")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        taken = {shards: stages.measure(sources, len(sources), shards, work / "stages") for shards in (1, 2)}
        parts = (
            seconds_table(taken, len(sources)),
            memory_table(options.records, work),
            request_table(taken[1], len(sources)),
            plan_table(),
        )
    print("\n\n".join("\n".join(lines) for lines in parts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
