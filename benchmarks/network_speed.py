"""How many images one vCPU trains and scores a second with the project's own network.

CPU time is counted, not elapsed time: other processes on the machine hardly matter. Run it as
`python -m benchmarks.network_speed`.
"""

from __future__ import annotations

import time

import torch
from torch.nn import functional as F

from network import networks
from network.recipe import RECIPES

BATCH, ROUNDS, STEPS = 32, 3, 6


def main() -> None:
    """Print images a CPU second of each recipe for training in batches and for scoring one at a time."""
    torch.set_num_threads(1)
    for recipe in RECIPES:
        measure(recipe)


def measure(recipe: str) -> None:
    """Print the speeds of a recipe."""
    network = networks.build(2, True, recipe)
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    images, labels = torch.randint(0, 256, (BATCH, 1, 224, 224)).float(), torch.randint(0, 2, (BATCH,))

    def train() -> None:
        optimizer.zero_grad()
        torch.stack([F.cross_entropy(output, labels) for output in network.each(images)]).sum().backward()
        optimizer.step()

    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(STEPS):
            train()
        print(f"{recipe}, training: {STEPS * BATCH / (time.process_time() - started):.1f} images a second")
    network.eval()
    with torch.no_grad():
        for _ in range(ROUNDS):
            started = time.process_time()
            for number in range(BATCH):
                network(images[number : number + 1])
            print(f"{recipe}, scoring: {BATCH / (time.process_time() - started):.1f} images a second")


if __name__ == "__main__":
    main()
