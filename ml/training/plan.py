"""The plan of a job: its description, its limits, and the question whether to create it."""

import math
import sys
from collections.abc import Mapping
from typing import Any

from ml.algorithms import BUILT_IN
from ml.aws.instance_types import has_local_disks
from ml.errors import UserError
from ml.training import script_mode
from ml.training.prices import JobEstimate
from ml.training.request import MAX_RUNTIME_LIMIT
from network.recipe import CLOUD

STEPS = "lr_scheduler_step"
RUNTIME_MARGIN = 1.3
"""A job is created when this many times its estimated seconds fit into --max-runtime."""


def describe(request: Mapping[str, Any], samples: int, validation: int, estimate: JobEstimate) -> str:
    """Return the description of a training request."""
    compute, stop = request["ResourceConfig"], request["StoppingCondition"]
    sent = script_mode.decoded(request["HyperParameters"])
    spot = request["EnableManagedSpotTraining"]
    dataset = next(tag["Value"] for tag in request["Tags"] if tag["Key"] == "dataset")
    decay = f" (times {sent['lr_scheduler_factor']} after epoch {steps})" if (steps := sent.get(STEPS)) else ""
    local = has_local_disks(compute["InstanceType"])
    disk = "the whole of its own disk" if local else f"{compute['VolumeSizeInGB']} GB"
    lines = [
        f"Training job {request['TrainingJobName']} on {dataset}: {samples} training images, {validation} validation "
        f"images, {sent['epochs']} epochs.",
        f"Network: {network(sent)}, {sent['optimizer']}, learning rate {sent['learning_rate']}{decay}, batches of "
        f"{sent['mini_batch_size']}.",
        f"Machine: 1 x {compute['InstanceType']} with {disk}, "
        + (f"spot, at most {stop['MaxWaitTimeInSeconds']} s with waiting, " if spot else "on demand, ")
        + f"at most {stop['MaxRuntimeInSeconds']} s of training.",
        f"Estimate: {estimate}{', less on spot' if spot else ''} ({estimate.basis}).",
    ]
    if script_mode.algorithm_of(request["HyperParameters"]) == BUILT_IN:
        lines += batch_warnings(validation, sent["mini_batch_size"])
    return "\n".join(lines)


def network(sent: Mapping[str, str]) -> str:
    """Return the network that the hyperparameters describe; only the built-in algorithm's has a choice of depths."""
    pretrained = sent["use_pretrained_model"] == "1"
    if "num_layers" in sent:
        return f"ResNet-{sent['num_layers']}, from {'ImageNet' if pretrained else 'random'} weights"
    fine_tuned = "two EfficientNet-Lite0" if sent["recipe"] == CLOUD else "EfficientNet-Lite0"
    members = f"{fine_tuned} from ImageNet weights and " if pretrained else ""
    return f"{members}a small ResNet from random weights, recipe {sent['recipe']}"


def batch_warnings(validation: int, batch: str) -> list[str]:
    """Return a warning if the batches do not divide the validation images: their last batch would be filled up."""
    if validation % int(batch) == 0:
        return []
    return [
        f"Warning: the {validation} validation images are not a multiple of the batch size {batch}. The job's "
        f"validation accuracy counts some twice; `python -m ml.prepare --batch-size {batch}` avoids that."
    ]


def check_runtime(estimate: JobEstimate, max_runtime: int) -> None:
    """Check that a job is expected to end within its time limit; an unknown time passes.

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


def check_budget(estimate: JobEstimate, jobs: int, limit: float | None) -> None:
    """Check that a search fits its budget.

    Raises:
        UserError: it does not fit, or its price is unknown.
    """
    if limit is None:
        return
    if estimate.cost is None:
        raise UserError(
            f"--max-cost {limit:g} cannot be kept: {estimate.basis}; give --prices with a table that has this price.", 2
        )
    if estimate.cost * jobs > limit:
        fitting = int(limit / estimate.cost)
        raise UserError(
            f"{jobs} training jobs are estimated at {estimate.cost * jobs:.2f} {estimate.currency}, above "
            f"--max-cost {limit:g}; --jobs {fitting} would fit."
            if fitting
            else f"One training job alone is estimated at {estimate.cost:.2f} "
            f"{estimate.currency}, above --max-cost {limit:g}; raise it, or lower --epochs.",
            code=2,
        )


def confirm(question: str = "Create it? [y/N] ", done: str = "created") -> None:
    """Ask whether to continue; `done` completes "Nothing was ..." if the answer is no.

    Raises:
        UserError: the answer is no, or there is no terminal.
    """
    if not sys.stdin.isatty():
        raise UserError(f"Nothing was {done}: there is no terminal to ask on; add --yes to continue without asking.", 2)
    answer = input(question)
    if answer.strip().lower() not in ("y", "yes"):
        raise UserError(f"Nothing was {done}.")
