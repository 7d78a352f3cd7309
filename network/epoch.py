"""The training of a network: one epoch over the images, and the accuracy and loss on a channel."""

import copy
import math
import threading
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from network.hyperparameters import Hyperparameters
from network.images import Channel, Pixels
from network.log import log
from network.networks import Ensemble
from network.recipe import Recipe

SEED = 20250913
"""Fixed: the built-in algorithm has no hyperparameter for it."""
LOG_EVERY = 20
"""Batches between two progress lines, as in the built-in algorithm."""
WARM_UP = 0.2
"""Fraction of all steps in which the learning rate rises. After them it falls to zero along a cosine."""


class Trainer:
    """A network, its optimizer, and the running average of its weights.

    `order` returns the positions of all training examples in the order of an epoch, which the generator mixes.
    """

    def __init__(
        self,
        network: Ensemble,
        given: Hyperparameters,
        recipe: Recipe,
        samples: int,
        order: Callable[[torch.Generator], Tensor],
    ) -> None:
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.averaged = copy.deepcopy(network).eval()
        self.given = given
        self.recipe = recipe
        self.batches = samples // given.mini_batch_size
        self.steps = self.batches * given.epochs
        self.order = order
        self.optimizer = optimizer(network, given, recipe)
        self.step = 0

    def train(self, channel: Channel, epoch: int, stop: threading.Event) -> float:
        """Run one epoch over whole batches; return the accuracy on them, or on those before `stop` was set."""
        images, labels = channel.images, channel.labels
        self.network.train()
        order = self.order(torch.Generator().manual_seed(SEED + epoch))[: self.batches * self.given.mini_batch_size]
        weights = class_weights(labels, self.given.num_classes) if self.recipe.balanced else None
        correct = seen = 0
        started, since = time.monotonic(), 0
        for number, chosen in enumerate(torch.split(order, self.given.mini_batch_size)):
            if stop.is_set():
                break
            logits = self.update(to_tensor(images[chosen.numpy()]), labels[chosen], weights, epoch)
            correct += int((logits.argmax(1) == labels[chosen]).sum())
            seen, since = seen + len(chosen), since + len(chosen)
            if number and number % LOG_EVERY == 0:
                speed = since / (time.monotonic() - started)
                log(f"Epoch[{epoch}] Batch [{number}]\tSpeed: {speed:.3f} samples/sec\taccuracy={correct / seen:.6f}")
                started, since = time.monotonic(), 0
        return correct / max(seen, 1)

    def update(self, inputs: Tensor, labels: Tensor, weights: Tensor | None, epoch: int) -> Tensor:
        """Take one optimizer step and return the mean of the members' logits before it."""
        for group, rate in zip(self.optimizer.param_groups, self.network.rates, strict=True):
            group["lr"] = self.given.learning_rate * rate * self.schedule(epoch)
        logits = self.network.each(inputs)
        smoothing = self.recipe.label_smoothing
        losses = [F.cross_entropy(output, labels, weights, label_smoothing=smoothing) for output in logits]
        self.optimizer.zero_grad()
        torch.stack(losses).sum().backward()  # type: ignore[no-untyped-call]
        if self.recipe.max_gradient is not None:
            for member in self.network.members:
                nn.utils.clip_grad_norm_(member.parameters(), self.recipe.max_gradient)
        self.optimizer.step()
        self.step += 1
        self.average()
        return torch.stack(logits).detach().mean(0)

    def schedule(self, epoch: int) -> float:
        """Return the factor of the learning rate: the given steps, or a warm-up and a cosine."""
        if self.recipe.steps is not None:
            return float(self.recipe.factor ** sum(epoch >= boundary for boundary in self.recipe.steps))
        done = (self.step + 1) / max(self.steps, 1)
        if done < WARM_UP:
            return 0.04 + 0.96 * done / WARM_UP
        return 0.5 + 0.5 * math.cos(math.pi * min(1.0, (done - WARM_UP) / (1 - WARM_UP)))

    @torch.no_grad()
    def average(self) -> None:
        """Move the averaged weights towards the current ones, faster at the beginning."""
        horizon = min(self.recipe.averaged_fraction * self.steps, (10 + self.step) / 9)
        decay = 1 - 1 / max(horizon, 1)
        for mean, value in zip(self.averaged.state_dict().values(), self.network.state_dict().values(), strict=True):
            if mean.dtype.is_floating_point:
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)

    @torch.no_grad()
    def validate(self, channel: Channel) -> tuple[float, float]:
        """Return the averaged network's accuracy and its mean cross-entropy."""
        correct, loss = 0, 0.0
        for start in range(0, len(channel.labels), 64):
            labels = channel.labels[start : start + 64]
            logits = self.averaged(to_tensor(channel.images[start : start + 64]))
            correct += int((logits.argmax(1) == labels).sum())
            loss += float(F.cross_entropy(logits, labels, reduction="sum"))
        return correct / len(channel.labels), loss / len(channel.labels)


def to_tensor(batch: Pixels) -> Tensor:
    """Return images as (n, 1, height, width) floats 0..255."""
    return torch.from_numpy(batch).float().unsqueeze(1)


def class_weights(labels: Tensor, classes: int) -> Tensor:
    """Return weights that give each class the same influence, with mean 1 over the examples."""
    counts = torch.bincount(labels, minlength=classes).clamp(min=1)
    return len(labels) / (classes * counts.float())


def optimizer(network: Ensemble, given: Hyperparameters, recipe: Recipe) -> torch.optim.Optimizer:
    """Return the optimizer of the hyperparameters, with one group of weights per member."""
    rate = given.learning_rate
    decay = given.weight_decay if recipe.decays_adaptive or given.optimizer in ("sgd", "nag") else 0.0
    weights = [{"params": list(member.parameters())} for member in network.members]
    if given.optimizer == "adam":
        betas = (given.beta_1, given.beta_2)
        return torch.optim.AdamW(weights, lr=rate, betas=betas, eps=given.eps, weight_decay=decay)
    if given.optimizer == "rmsprop":
        return torch.optim.RMSprop(weights, lr=rate, alpha=given.gamma, eps=given.eps, weight_decay=decay)
    nesterov = given.optimizer == "nag"
    return torch.optim.SGD(weights, lr=rate, momentum=given.momentum, nesterov=nesterov, weight_decay=decay)
