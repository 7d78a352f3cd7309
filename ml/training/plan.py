"""What is about to be created, in plain words; whether it fits its limits; and the question whether to create it."""

import math
import sys
from collections.abc import Mapping
from typing import Any

from ml.errors import UserError
from ml.training.prices import Estimate
from ml.training.request import MAX_RUNTIME_LIMIT

RUNTIME_MARGIN = 1.3
"""A job is created when this many times its estimated seconds fit into --max-runtime."""


def describe(request: Mapping[str, Any], samples: int, validation: int, estimate: Estimate) -> str:
    """Return the request as a person would say it."""
    compute, stop = request["ResourceConfig"], request["StoppingCondition"]
    sent = request["HyperParameters"]
    spot = request["EnableManagedSpotTraining"]
    dataset = next(tag["Value"] for tag in request["Tags"] if tag["Key"] == "dataset")
    lines = [
        f"Training job {request['TrainingJobName']} on {dataset}: {samples} training images, {validation} validation "
        f"images, {sent['epochs']} epochs.",
        f"Network: ResNet-{sent['num_layers']}, "
        + ("from ImageNet weights" if sent["use_pretrained_model"] == "1" else "from random weights")
        + f", {sent['optimizer']}, learning rate {sent['learning_rate']}, batches of {sent['mini_batch_size']}.",
        f"Machine: 1 x {compute['InstanceType']} with {compute['VolumeSizeInGB']} GB, "
        + (f"spot, at most {stop['MaxWaitTimeInSeconds']} s with waiting, " if spot else "on demand, ")
        + f"at most {stop['MaxRuntimeInSeconds']} s of training.",
        f"Estimate: {estimate}{', less on spot' if spot else ''} ({estimate.basis}).",
    ]
    return "\n".join(lines)


def check_runtime(estimate: Estimate, max_runtime: int) -> None:
    """Return when a job is expected to end within its time limit, or when nothing is known of its time.

    Raises:
        UserError: SageMaker would stop it before its last epoch.
    """
    if estimate.seconds is None:
        return
    needed = math.ceil(estimate.seconds * RUNTIME_MARGIN)
    if needed > max_runtime:
        longer = f"--max-runtime {needed}" if needed <= MAX_RUNTIME_LIMIT else "a faster --instance-type"
        raise UserError(
            f"The job is estimated at {estimate.seconds:.0f} s ({estimate.basis}), {needed} s with a margin of "
            f"{RUNTIME_MARGIN - 1:.0%}. That exceeds --max-runtime {max_runtime}, at which SageMaker stops it. Give "
            f"{longer}, or fewer --epochs.",
            code=2,
        )


def check_budget(one: Estimate, jobs: int, limit: float | None) -> None:
    """Return when a search fits its budget.

    Raises:
        UserError: it does not, or nothing is known of its price.
    """
    if limit is None:
        return
    if one.cost is None:
        raise UserError(f"--max-cost {limit:g} cannot be kept: {one.basis}; give --prices with one.", 2)
    if one.cost * jobs > limit:
        fitting = int(limit / one.cost)
        raise UserError(
            f"{jobs} training jobs are estimated at {one.cost * jobs:.2f} {one.currency}, above --max-cost {limit:g}; "
            f"--jobs {fitting} would fit."
            if fitting
            else f"One training job alone is estimated at {one.cost:.2f} "
            f"{one.currency}, above --max-cost {limit:g}; raise it, or lower --epochs.",
            code=2,
        )


def confirm(question: str = "Create it? [y/N] ", done: str = "created") -> None:
    """Ask whether to go on; `done` is what did not happen without a yes.

    Raises:
        UserError: the answer is no, or there is nobody to ask.
    """
    if not sys.stdin.isatty():
        raise UserError(f"Nothing was {done}: there is no terminal to ask on; add --yes to go on without asking.", 2)
    answer = input(question)
    if answer.strip().lower() not in ("y", "yes"):
        raise UserError(f"Nothing was {done}.")
