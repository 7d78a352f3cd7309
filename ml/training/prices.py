"""Estimate time and price of jobs from a dated price table that can be replaced."""

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.algorithms import BUILT_IN
from ml.errors import UserError
from network.recipe import CLOUD, LAPTOP

TABLE = Path(__file__).with_name("prices.json")
BILLED_START = 200.0
"""Seconds from download to the first epoch, and after the last, that are billed (one measured run)."""
EPOCH_OVERHEAD = 2.0
"""Seconds of validation and storing after each epoch (the same run)."""
RELATIVE_WORK = {18: 1.8, 34: 3.6, 50: 3.8, 101: 7.6, 152: 11.3, 200: 15.0}
"""GFLOPs of each ResNet at 224 x 224 (He et al., 2016); speed is assumed to be inversely proportional to them."""
MEASURED_LAYERS = 101
TRANSFORM_START = 360.0
"""Seconds until a transform job's container answers; 5 to 8 minutes in public logs."""
WORKER_SPEED = 0.39
"""Images a second of one worker of the container: 624 in 230 s with 7 workers on ml.m4.2xlarge (one public run)."""

NETWORK_SPEED = {LAPTOP: 14.0, CLOUD: 11.0}
"""Images a second that one vCPU trains with a recipe of the own network (benchmarks/network_speed.py)."""
NETWORK_SCORING = {LAPTOP: 30.0, CLOUD: 20.0}
"""Images a second that one vCPU scores with a recipe of the own network (the same script)."""
PARALLEL = 0.5
"""Assumed fraction of the vCPUs' added speeds that training or scoring on all of them reaches."""

TABLES = ("training_hour", "hosting_hour", "transform_hour", "processing_hour", "images_per_second")
"""Required parts of a price table, by instance type or family."""


@dataclass(frozen=True)
class JobEstimate:
    """Billed seconds and cost of a job at the on-demand price; None if the table has no speed, or no price.

    Attributes:
        basis: the origin of the numbers.
    """

    seconds: float | None
    cost: float | None
    currency: str
    basis: str

    def __str__(self) -> str:
        money = "an unknown price" if self.cost is None else f"about {self.cost:.2f} {self.currency}"
        minutes = "an unknown time" if self.seconds is None else f"{self.seconds / 60:.0f} billed minutes"
        return f"{minutes}, {money}"


def read(path: Path | None) -> dict[str, Any]:
    """Return a price table, the project's own by default.

    Raises:
        UserError: the file is not a price table.
    """
    source = path or TABLE
    try:
        table = json.loads(source.read_text(encoding="utf-8"))
        complete = all(isinstance(table[name], dict) for name in TABLES)
        known = complete and table["read"] and table["currency"] and table["region"]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"--prices {source} is not a price table ({error!r}); copy {TABLE} and change it.", 2
        ) from error
    if not known:
        raise UserError(f"--prices {source} lacks its date, region, currency or prices; copy {TABLE} and change it.", 2)
    return dict(table)


def training(table: dict[str, Any], instance_type: str, network: int | str, samples: int, epochs: int) -> JobEstimate:
    """Estimate a training job: 200 s + epochs x (samples / speed + 2 s).

    An instance without a measured speed counts as the slowest measured one of its family, or else of all.

    Args:
        network: depth of the built-in algorithm's ResNet, or recipe of the project's own network.
    """
    if isinstance(network, str):
        return network_training(table, instance_type, network, samples, epochs)
    speeds = table["images_per_second"]
    if not speeds:
        basis = f"the price table read {table['read']} has no images_per_second; --max-runtime cannot be checked"
        return JobEstimate(None, None, table["currency"], basis)
    family = {name: speed for name, speed in speeds.items() if instance_type.split(".")[1] in name.split(".")}
    comparable = {instance_type: speeds[instance_type]} if instance_type in speeds else family or speeds
    source, measured = min(comparable.items(), key=lambda item: item[1])
    speed = measured * RELATIVE_WORK[MEASURED_LAYERS] / RELATIVE_WORK[network]
    seconds = BILLED_START + epochs * (samples / speed + EPOCH_OVERHEAD)
    hourly = table["training_hour"].get(instance_type)
    exact = source == instance_type and network == MEASURED_LAYERS
    origin = "measured" if exact else f"inferred from ResNet-{MEASURED_LAYERS} on {source}"
    return estimate(table, seconds, hourly, f"{speed:.0f} images/s ({origin})")


def network_training(table: dict[str, Any], instance_type: str, recipe: str, samples: int, epochs: int) -> JobEstimate:
    """Estimate a training job of the project's own network, like `training`."""
    speed = NETWORK_SPEED[recipe] * PARALLEL * vcpus(instance_type)
    seconds = BILLED_START + epochs * (samples / speed + EPOCH_OVERHEAD)
    basis = f"{speed:.0f} images/s (inferred from {NETWORK_SPEED[recipe]:g} of one vCPU)"
    return estimate(table, seconds, table["training_hour"].get(instance_type), basis)


def transform(
    table: dict[str, Any],
    instance_type: str,
    images: int,
    algorithm: str = BUILT_IN,
    recipe: str = CLOUD,
    instances: int = 1,
) -> JobEstimate:
    """Estimate a batch transform job: 360 s for each instance + images / (speed x workers).

    For the project's own network, the speed is that of one vCPU times PARALLEL.

    It is not documented whether the start is billed. It counts here: the estimate is rather too high. So it is without
    the recipe, because the cloud recipe is the slower one.
    """
    count = workers(instance_type, algorithm)
    each, origin = (
        (WORKER_SPEED, "one public run on ml.m4.2xlarge")
        if algorithm == BUILT_IN
        else (NETWORK_SCORING[recipe] * PARALLEL, f"{NETWORK_SCORING[recipe]:g} of one vCPU")
    )
    seconds = TRANSFORM_START * instances + images / (each * count)
    basis = (
        f"{TRANSFORM_START / 60:.0f} minutes to start, then {each * count:.1f} images/s with {count} "
        f"worker{'s' if count > 1 else ''}{' on each instance' if instances > 1 else ''}, inferred from {origin}"
    )
    return estimate(table, seconds, table["transform_hour"].get(instance_type), basis)


def workers(instance_type: str, algorithm: str = BUILT_IN) -> int:
    """Return how many images the algorithm's container scores at a time.

    The built-in algorithm has one worker fewer than vCPUs, TorchServe one for each.

    Raises:
        UserError: it is not an instance type.
    """
    return vcpus(instance_type) - (1 if algorithm == BUILT_IN else 0)


def vcpus(instance_type: str) -> int:
    """Return the number of vCPUs of an instance type.

    Raises:
        UserError: it is not an instance type.
    """
    match = re.fullmatch(r"ml\.[a-z0-9-]+\.(?:medium|large|([0-9]*)xlarge)", instance_type)
    if match is None:
        raise UserError(f"--instance-type {instance_type} is not an instance type; give one such as ml.m5.4xlarge.", 2)
    return 2 if match[1] is None else 4 * int(match[1] or 1)


def estimate(table: dict[str, Any], seconds: float, hourly: float | None, basis: str) -> JobEstimate:
    """Return the estimate for a number of seconds; `hourly` is None if the table has no price."""
    price = "no price in the table" if hourly is None else f"{hourly} {table['currency']} an hour"
    return JobEstimate(
        seconds,
        None if hourly is None else cost(seconds, hourly),
        table["currency"],
        f"{basis}, {price} on demand in {table['region']}, read {table['read']}",
    )


def cost(seconds: float, hourly: float) -> float:
    """Return the price of billed seconds, rounded up to whole seconds."""
    return math.ceil(seconds) * hourly / 3600
