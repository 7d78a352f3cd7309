"""The sequence of a preparation on SageMaker. Each step does only what an earlier run has not done."""

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ml.aws import clients
from ml.aws.resources import Resources
from ml.aws.s3 import Bucket
from ml.dataset import layout, standardising, summary
from ml.dataset.assembling import DatasetSettings
from ml.dataset.radiographs import Offer, Radiograph, Reject
from ml.errors import UserError
from ml.processing import bundle, jobs, records
from ml.processing.container import SURPLUS_FILE, chunks
from ml.processing.jobs import JobDefinition, JobInput, Machines
from ml.processing.records import Item

PREFIX = "processing"
"""Prefix of the bucket for what the stages exchange."""
SPARE_GB = 10
ASSEMBLED = ("dataset.json", SURPLUS_FILE, "baseline.json", "report.json", "report.html", "train_lst/train.lst")
"""The output of the job that assembles, except for the second list."""
FILE_BYTES = 12_000
"""Assumed size of a standardised image or a variant, at most."""


@dataclass(frozen=True)
class Run:
    """One preparation.

    Attributes:
        key: hash of the offer, the settings and the code; it is in the names of the jobs.
        offer: local copy of the offer's file.
        command: what takes --attach and --stop.
    """

    resources: Resources
    name: str
    key: str
    offer: Path
    command: str
    machines: Machines
    table: Mapping[str, Any]

    @property
    def prefix(self) -> str:
        """Prefix of the bucket for the run's files."""
        return f"{PREFIX}/{self.name}/{self.key}"

    def uri(self, path: str) -> str:
        """Return the URI of a path below the run's prefix."""
        return f"s3://{self.resources.bucket}/{self.prefix}/{path}"

    def bucket(self) -> Bucket:
        """Return the stage's bucket."""
        return Bucket(self.resources.bucket)


@dataclass(frozen=True)
class Shards:
    """What the standardising jobs have done.

    Attributes:
        packs: the names of the files in each complete pack.
        noted: images with notes.
    """

    packs: dict[str, list[str]]
    images: int
    noted: list[Radiograph]
    rejects: list[Reject]


def write_run(
    offer: Offer, settings: DatasetSettings, name: str, limit: float, folder: Path
) -> tuple[Path, bundle.Bundle, str]:
    """Write the offer's file; return it with the bundle and the run's key."""
    path = folder / "offer.jsonl"
    folder.mkdir(parents=True, exist_ok=True)
    header = {"name": name, "settings": asdict(settings), "max_reject_fraction": limit}
    records.write_offer(path, header, offer, standardising.unique_names(offer.images))
    code = bundle.build()
    return path, code, hashlib.sha256(path.read_bytes() + code.digest.encode()).hexdigest()[:12]


def upload_run(run: Run, code: bundle.Bundle) -> None:
    """Store the code and the offer; the offer marks the run as complete."""
    code.upload(run.resources.bucket)
    links = {"code": code.code_prefix, "wheels": code.wheels_prefix, "machines": asdict(run.machines)}
    run.bucket().put(f"{run.prefix}/run.json", json.dumps(links).encode(), "application/json")
    run.bucket().send(f"{run.prefix}/offer.jsonl", run.offer, "application/json")


def advance(run: Run) -> tuple[dict[str, Any], dict[str, bytes], dict[str, bytes]]:
    """Do every step that is missing; return dataset.json, the lists and the report's files.

    Raises:
        UserError: a job did not complete, or the images cannot become a data set.
    """
    if job := jobs.running(run.key):
        jobs.follow(job, run.command, run.table)
    header, offer = records.read_header(run.offer)
    shards = standardised(run, DatasetSettings(**header["settings"]))
    rejects = [*offer.rejects, *shards.rejects]
    table = run.offer.with_name("files.csv")
    summary.print_reading(rejects, shards.noted, shards.images, header["max_reject_fraction"], table)
    content, texts, pages, surplus = assembled(run)
    summary.print_rejects(surplus)
    summary.write_table(table, shards.noted, [*rejects, *surplus])
    summary.print_splits(content, json.loads(pages["report.json"])["files"])
    complete(run, content, shards.packs)
    return content, texts, pages


def standardised(run: Run, settings: DatasetSettings) -> Shards:
    """Standardise what no complete pack holds; return what all packs hold.

    Raises:
        UserError: a job did not complete.
    """
    shards = read_shards(run)
    missing = missing_items(run, shards)
    if by_hand := [item for item in missing if not downloadable(item)]:
        standardise_here(run, by_hand, settings)
    if fetched := [item for item in missing if downloadable(item)]:
        start(run, standardise_job(run, fetched))
        shards = read_shards(run)
        if left := missing_items(run, shards):
            raise UserError(
                f"{len(left)} objects have no record, such as {left[0].object}; run the same command again."
            )
    return read_shards(run) if by_hand else shards


def standardise_job(run: Run, items: Sequence[Item]) -> JobDefinition:
    """Return the job that standardises objects, with its manifest in the bucket."""
    total = sum(1 for _ in records.read_items(run.offer))
    source_bucket = items[0].object.parts[1]
    manifest = [{"prefix": f"s3://{source_bucket}/"}, *(item.object.key for item in items)]
    uri = put_manifest(run, "source", manifest)
    count = shard_count(run.machines.count, len(items), total)
    size = sum(item.object.size or 0 for item in items) // count
    inputs = [JobInput("offer", run.uri("offer.jsonl")), JobInput("source", uri, sharded=True)]
    return JobDefinition(
        "standardise", inputs, run.uri("shards"), with_count(run, count), True, gigabytes(size, len(items))
    )


def shard_count(wanted: int, missing: int, total: int) -> int:
    """Return the number of instances for the missing part of a stage that `wanted` instances do as a whole."""
    return max(1, min(missing, -(-wanted * missing // total)))


def with_count(run: Run, count: int) -> Machines:
    """Return the run's machines with another number of instances."""
    return Machines(count, run.machines.instance_type)


def gigabytes(size: int, images: int) -> int:
    """Return the disk for the input of an instance and its standardised images."""
    return SPARE_GB + round((1.5 * size + 2 * FILE_BYTES * images) / 1e9)


def put_manifest(run: Run, name: str, manifest: list[Any]) -> str:
    """Store a manifest under a hash of its content; return its URI."""
    body = json.dumps(manifest).encode()
    path = f"manifests/{name}-{hashlib.sha256(body).hexdigest()[:12]}.json"
    run.bucket().put(f"{run.prefix}/{path}", body, "application/json")
    return run.uri(path)


def downloadable(item: Item) -> bool:
    """Return whether SageMaker can download an object; one that it cannot read fails the whole job."""
    size = item.object.size or 0
    return 0 < size <= standardising.MAX_FILE_BYTES and ".." not in item.object.parts and item.readable


def standardise_here(run: Run, items: Sequence[Item], settings: DatasetSettings) -> None:
    """Standardise objects on this machine, one pack for each chunk; most are rejected."""
    with tempfile.TemporaryDirectory() as folder:
        for chunk in chunks(iter(items)):
            work = Path(folder) / "work"
            records.standardise(chunk, Path(folder) / "out", work, settings.resize_mode, settings.views)
        for path in sorted((Path(folder) / "out").glob("*/*.*")):
            if path.is_file():
                kind = "application/x-tar" if path.suffix == ".tar" else "application/json"
                run.bucket().send(f"{run.prefix}/shards/{path.parent.name}/{path.name}", path, kind)


def read_shards(run: Run) -> Shards:
    """Read the records of all complete packs; only images with notes stay in memory."""
    bucket, shards = run.bucket(), Shards({}, 0, [], [])
    prefix = f"{run.prefix}/shards/"
    present = bucket.sizes(prefix)
    images = 0
    for key in present:
        pack_id = Path(key).stem
        if key != f"{prefix}records/{pack_id}.jsonl" or f"{prefix}packs/{pack_id}.tar" not in present:
            continue
        pack = records.read_pack(bucket.read(key).decode().splitlines())
        shards.packs[pack_id] = pack.names
        shards.noted.extend(image for image in pack.images if image.notes)
        shards.rejects.extend(pack.rejects)
        images += len(pack.images)
    return Shards(shards.packs, images, shards.noted, shards.rejects)


def missing_items(run: Run, shards: Shards) -> list[Item]:
    """Return the items of the offer that no pack holds."""
    done = {name for names in shards.packs.values() for name in names}
    return [item for item in records.read_items(run.offer) if item.name not in done]


def assembled(run: Run) -> tuple[dict[str, Any], dict[str, bytes], dict[str, bytes], list[Reject]]:
    """Group, split, list and report unless it is done.

    Returns:
        dataset.json, the lists, the report's files, and the images beyond the last whole batch.
    """
    bucket, prefix = run.bucket(), f"{run.prefix}/assembled/"
    if not {f"{prefix}{name}" for name in ASSEMBLED} <= bucket.sizes(prefix).keys():
        sizes = bucket.sizes(f"{run.prefix}/shards/")
        inputs = [JobInput("offer", run.uri("offer.jsonl"))]
        inputs += [JobInput(name, run.uri(f"shards/{name}/")) for name in ("packs", "records")]
        volume = gigabytes(2 * sum(sizes.values()), 0)
        start(run, JobDefinition("assemble", inputs, run.uri("assembled"), with_count(run, 1), False, volume))
    files = {key.removeprefix(prefix): bucket.read(key) for key in bucket.sizes(prefix)}
    content: dict[str, Any] = json.loads(files.pop("dataset.json"))
    surplus = [records.reject_of(json.loads(line)) for line in files.pop(SURPLUS_FILE).splitlines()]
    texts = select(files, lambda name: name.endswith(".lst"))
    return content, texts, select(files, lambda name: "/" not in name), surplus


def select(files: Mapping[str, bytes], condition: Callable[[str], bool]) -> dict[str, bytes]:
    """Return the files whose names meet a condition."""
    return {name: body for name, body in files.items() if condition(name)}


def complete(run: Run, content: Mapping[str, Any], packs: Mapping[str, Sequence[str]]) -> None:
    """Write the files of the version that are missing.

    Raises:
        UserError: a job did not complete.
    """
    pack_of = {name: pack for pack, names in packs.items() for name in names}
    version = f"datasets/{content['name']}/{content['version']}"
    if missing := missing_packs(run, content, pack_of, version):
        uri = put_manifest(run, "packs", [{"prefix": run.uri("shards/packs/")}, *(f"{pack}.tar" for pack in missing)])
        inputs = [
            JobInput("packs", uri, sharded=True),
            JobInput("records", run.uri("shards/records/")),
            JobInput("assembled", run.uri("assembled/dataset.json")),
        ]
        count = shard_count(run.machines.count, len(missing), len(packs))
        volume = gigabytes(0, len(missing) * records.PACK_IMAGES * (3 + content["settings"]["augment"]) // count)
        target = f"s3://{run.resources.bucket}/{version}"
        start(run, JobDefinition("variants", inputs, target, with_count(run, count), True, volume))
        if missing_packs(run, content, pack_of, version):
            raise UserError(f"{target} is incomplete; run the same command again.")


def missing_packs(run: Run, content: Mapping[str, Any], pack_of: Mapping[str, str], version: str) -> list[str]:
    """Return the packs of which a file is missing in a version; remove incomplete files."""
    bucket = run.bucket()
    present = bucket.sizes(f"{version}/")
    missing = {pack_of[name] for name, key in layout.keys_of(content) if f"{version}/{key}" not in present}
    for key in present:
        if f"/{records.PARTIAL}/" in key:
            bucket.delete(key)
    return sorted(missing)


def start(run: Run, job: JobDefinition) -> None:
    """Create a job and follow it.

    Raises:
        UserError: it did not complete.
    """
    links = json.loads(run.bucket().read(f"{run.prefix}/run.json"))
    code = [JobInput(name, f"s3://{run.resources.bucket}/{links[name]}") for name in ("code", "wheels")]
    job = JobDefinition(job.stage, [*code, *job.inputs], job.target, job.machines, job.continuous, job.volume_gb)
    name = jobs.name_of(run.key, job.stage)
    clients.client("sagemaker").create_processing_job(
        **jobs.request(name, job, run.prefix, run.resources, clients.region())
    )
    jobs.follow(name, run.command, run.table)
