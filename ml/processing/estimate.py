"""Estimate time, requests and price of the processing jobs of a preparation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ml.processing.records import PACK_IMAGES
from ml.training import prices

START = 240.0
"""Assumed seconds of a job before its code runs; they are counted as billed."""
STANDARDISED = 40.0
"""Images a second that one processor standardises from JPEG files of 0.3 MB (benchmarks/scale)."""
ASSEMBLED = 650.0
"""Images a second of the job that assembles, on one processor (benchmarks/scale)."""
VARIED = 65.0
"""Copies and perturbed images a second that one processor writes (benchmarks/scale)."""
TRAIN, VALIDATION = 0.7, 0.1
"""Fractions of the images in these splits, by the default options."""


@dataclass(frozen=True)
class Plan:
    """What the jobs take.

    Attributes:
        duration: seconds from the first job to the end of the last one, without the transfer of the images.
        billed: seconds of all instances.
        instances: their price; None if the table has none.
        gets, puts: S3 requests; a listing counts as a put, as it does in the price.
        requests: their price; None if the table has none.
    """

    duration: float
    billed: float
    instances: float | None
    gets: int
    puts: int
    requests: float | None
    basis: str

    @property
    def cost(self) -> float | None:
        """The price of instances and requests."""
        return None if self.instances is None or self.requests is None else self.instances + self.requests


def plan(table: Mapping[str, Any], instance_type: str, count: int, images: int, copies: int) -> Plan:
    """Plan the jobs.

    Args:
        count: number of instances of the two sharded stages.
        copies: augmented copies of each training image.
    """
    processors = prices.vcpus(instance_type)
    variants = images * (VALIDATION + TRAIN * copies)
    sharded = images / (STANDARDISED * processors) + variants / (VARIED * processors)
    single = images / ASSEMBLED
    billed = START * (2 * count + 1) + sharded + single
    packs = -(-images // PACK_IMAGES)
    # Each image: its first bytes on this machine, and the whole in a job. Each pack and its records: both later stages.
    gets = 2 * images + packs * (3 + count)
    puts = images + round(variants) + 2 * packs + images // 1000
    hourly = table["processing_hour"].get(instance_type)
    get, put = table.get("s3_thousand_gets"), table.get("s3_thousand_puts")
    requests = None if get is None or put is None else (gets * get + puts * put) / 1000
    basis = (
        f"{START:.0f} s for each instance to start (assumed); {STANDARDISED:.0f} images and {VARIED:.0f} variants a "
        f"second and vCPU, {ASSEMBLED:.0f} images a second to assemble (measured without the transfer of the images); "
        f"prices of {table['region']}, read {table['read']}"
    )
    money = None if hourly is None else prices.cost(billed, hourly)
    return Plan(3 * START + sharded / count + single, billed, money, gets, puts, requests, basis)


def sentence(plan: Plan, currency: str) -> str:
    """Return a plan as text."""
    money = "an unknown price" if plan.cost is None else f"about {plan.cost:.2f} {currency}"
    return (
        f"{plan.duration / 60:.0f} minutes, {plan.billed / 60:.0f} billed minutes and {plan.gets + plan.puts:,} S3 "
        f"requests, {money} ({plan.basis})"
    )
