"""Training speed of localaws while other processes are busy, with and without OMP_WAIT_POLICY=PASSIVE.

Four arms in turn, as often as `--rounds` says: an otherwise idle machine and one with busy loops, each with the policy
that localaws gives its containers and with OpenMP's own, under which waiting threads spin. Each arm takes optimizer
steps of the demo's networks for `--seconds`, with the niceness of a training job, in a process of its own. Exit code 1
when the policy makes training on the busy machine less than twice as fast, or costs more than a tenth of the speed on
the idle one. Run it as `python -m benchmarks.busy_training`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from localaws.sagemaker.training import NICENESS

ROOT = Path(__file__).resolve().parents[1]
POLICIES = (None, "PASSIVE")
BATCH = 32
BUSY_GAIN, IDLE_SHARE = 2.0, 0.9

_STEPS = """
import sys, time
import torch
from localaws.image_classification import networks
from localaws.image_classification.epoch import Trainer
from localaws.image_classification.hyperparameters import parse

batch, seconds = int(sys.argv[1]), float(sys.argv[2])
names = {"num_classes": "2", "num_training_samples": "1000000", "mini_batch_size": str(batch), "optimizer": "adam"}
trainer = Trainer(networks.build(2, pretrained=True), parse(names | {"learning_rate": "0.001"}), 1000000, 0)
trainer.network.train()
images, labels = torch.rand(batch, 1, 224, 224) * 255, torch.arange(batch) % 2
trainer.update(images, labels, torch.ones(2), 0)
started, steps = time.monotonic(), 0
while time.monotonic() - started < seconds:
    trainer.update(images, labels, torch.ones(2), 0)
    steps += 1
print(steps * batch / (time.monotonic() - started))
"""


def speed(policy: str | None, seconds: float) -> float:
    """Images a second of optimizer steps in a process with this wait policy."""
    env = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    if policy is not None:
        env["OMP_WAIT_POLICY"] = policy
    command = ["nice", "-n", str(NICENESS), sys.executable, "-c", _STEPS, str(BATCH), str(seconds)]
    done = subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout)


@contextmanager
def busy_loops(count: int) -> Iterator[None]:
    """Keep processors busy with `count` processes."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10, help="of optimizer steps in an arm (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="of the four arms (default %(default)s)")
    parser.add_argument("--loops", type=int, default=3, help="busy processes (default %(default)s)")
    options = parser.parse_args()
    if options.seconds <= 0 or options.rounds < 1 or options.loops < 1:
        parser.error("--seconds must be above 0, --rounds and --loops at least 1.")
    speeds: dict[tuple[int, str | None], list[float]] = {}
    for _ in range(options.rounds):
        for loops in (0, options.loops):
            with busy_loops(loops):
                for policy in POLICIES:
                    speeds.setdefault((loops, policy), []).append(speed(policy, options.seconds))
    ratios = []
    print(f"Images a second, median of {options.rounds} rounds of {options.seconds:g} s, {os.cpu_count()} processors")
    print(f"{'busy loops':<12}{'spinning':>10}{'PASSIVE':>10}{'ratio':>8}")
    for loops in (0, options.loops):
        spinning, passive = (statistics.median(speeds[loops, policy]) for policy in POLICIES)
        ratios.append(passive / spinning)
        print(f"{loops:<12}{spinning:>10.1f}{passive:>10.1f}{ratios[-1]:>8.2f}")
    return 0 if ratios[0] >= IDLE_SHARE and ratios[1] >= BUSY_GAIN else 1


if __name__ == "__main__":
    sys.exit(main())
