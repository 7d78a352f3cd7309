"""One pass over the training images, and the score of a set of images."""

import copy
import math
import threading
import time

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from localaws.image_classification.augment import augment
from localaws.image_classification.hyperparameters import Hyperparameters
from localaws.image_classification.images import Channel, Pixels
from localaws.image_classification.journal import info
from localaws.image_classification.networks import Ensemble
from localaws.image_classification.reading import reading_order

LOG_EVERY = 20
"""Batches between two progress lines, as the container prints them."""
LABEL_SMOOTHING = 0.04
"""So that the network is not pushed to certainty on a set that is easier than the world."""
MAX_GRADIENT = 2.0
"""Norm of a member's gradient above which it is scaled down."""
WARM_UP = 0.2
"""Share of all steps in which the learning rate rises, before a cosine takes it down to zero."""
AVERAGED_SHARE = 0.1
"""Share of all steps that the running average of the weights reaches back over; it is what is scored and stored."""


class Trainer:
    """A network, its optimizer, and the running average of its weights."""

    def __init__(self, network: Ensemble, given: Hyperparameters, samples: int, seed: int) -> None:
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.averaged = copy.deepcopy(network).eval()
        self.given = given
        self.batches = samples // given.mini_batch_size
        self.steps = self.batches * given.epochs
        self.seed = seed
        self.optimizer = optimizer(network, given)
        self.step = 0

    def train(self, channel: Channel, epoch: int, stop: threading.Event) -> float:
        """Run one epoch over whole batches; return the accuracy on them, or on those before `stop` was set."""
        images, labels = channel.images, channel.labels
        self.network.train()
        generator = torch.Generator().manual_seed(self.seed + epoch)
        rng = np.random.default_rng(self.seed + epoch)
        order = reading_order(channel.sizes, generator)[: self.batches * self.given.mini_batch_size]
        weights = class_weights(labels, self.given.num_classes)
        correct = seen = 0
        started, since = time.monotonic(), 0
        for number, chosen in enumerate(torch.split(order, self.given.mini_batch_size)):
            if stop.is_set():
                break
            batch = images[chosen.numpy()]
            inputs = augment(batch, generator, rng) if self.given.augmentation_type else plain(batch)
            logits = self.update(inputs, labels[chosen], weights, epoch)
            correct += int((logits.argmax(1) == labels[chosen]).sum())
            seen, since = seen + len(chosen), since + len(chosen)
            if number and number % LOG_EVERY == 0:
                speed = since / (time.monotonic() - started)
                info(f"Epoch[{epoch}] Batch [{number}]\tSpeed: {speed:.3f} samples/sec\taccuracy={correct / seen:.6f}")
                started, since = time.monotonic(), 0
        return correct / max(seen, 1)

    def update(self, inputs: Tensor, labels: Tensor, weights: Tensor, epoch: int) -> Tensor:
        """Take one optimizer step; return the mean of the logits it was made from."""
        for group, rate in zip(self.optimizer.param_groups, self.network.rates, strict=True):
            group["lr"] = self.given.learning_rate * rate * self.schedule(epoch)
        logits = self.network.each(inputs)
        losses = [F.cross_entropy(one, labels, weights, label_smoothing=LABEL_SMOOTHING) for one in logits]
        self.optimizer.zero_grad()
        torch.stack(losses).sum().backward()  # type: ignore[no-untyped-call]
        for member in self.network.members:
            nn.utils.clip_grad_norm_(member.parameters(), MAX_GRADIENT)
        self.optimizer.step()
        self.step += 1
        self.average()
        return torch.stack(logits).detach().mean(0)

    def schedule(self, epoch: int) -> float:
        """Return the factor of the learning rate: the given steps, or else a rise and a cosine."""
        if self.given.lr_scheduler_step:
            passed = sum(epoch >= boundary for boundary in self.given.lr_scheduler_step)
            return float(self.given.lr_scheduler_factor**passed)
        done = (self.step + 1) / max(self.steps, 1)
        if done < WARM_UP:
            return 0.04 + 0.96 * done / WARM_UP
        return 0.5 + 0.5 * math.cos(math.pi * min(1.0, (done - WARM_UP) / (1 - WARM_UP)))

    @torch.no_grad()
    def average(self) -> None:
        """Move the averaged weights towards the current ones, faster at the beginning."""
        horizon = min(AVERAGED_SHARE * self.steps, (10 + self.step) / 9)
        decay = 1 - 1 / max(horizon, 1)
        for mean, value in zip(self.averaged.state_dict().values(), self.network.state_dict().values(), strict=True):
            if mean.dtype.is_floating_point:
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)

    @torch.no_grad()
    def accuracy(self, channel: Channel) -> float:
        """Return the averaged network's accuracy."""
        correct = 0
        for start in range(0, len(channel.labels), 64):
            logits = self.averaged(plain(channel.images[start : start + 64]))
            correct += int((logits.argmax(1) == channel.labels[start : start + 64]).sum())
        return correct / len(channel.labels)


def plain(batch: Pixels) -> Tensor:
    """Return images as (n, 1, height, width) floats 0..255."""
    return torch.from_numpy(batch).float().unsqueeze(1)


def class_weights(labels: Tensor, classes: int) -> Tensor:
    """Return weights that give each class the same say, with mean 1 over the examples."""
    counts = torch.bincount(labels, minlength=classes).clamp(min=1)
    return len(labels) / (classes * counts.float())


def optimizer(network: Ensemble, given: Hyperparameters) -> torch.optim.Optimizer:
    """Return the optimizer that the hyperparameters name, with one group of weights a member."""
    rate, decay = given.learning_rate, given.weight_decay
    weights = [{"params": list(member.parameters())} for member in network.members]
    if given.optimizer == "adam":
        betas = (given.beta_1, given.beta_2)
        return torch.optim.AdamW(weights, lr=rate, betas=betas, eps=given.eps, weight_decay=decay)
    if given.optimizer == "rmsprop":
        return torch.optim.RMSprop(weights, lr=rate, alpha=given.gamma, eps=given.eps, weight_decay=decay)
    nesterov = given.optimizer == "nag"
    return torch.optim.SGD(weights, lr=rate, momentum=given.momentum, nesterov=nesterov, weight_decay=decay)
