"""Training speed of localaws, alone and while other processes are busy, by how OpenMP's threads wait.

Six arms in turn, as often as `--rounds` says: an otherwise idle machine and one with busy loops, each with OpenMP's own
way, in which waiting threads spin; with OMP_WAIT_POLICY=PASSIVE, in which they sleep at once; and with what localaws
gives its containers, in which they spin for a moment and then sleep. Each arm takes optimizer steps of the demo's
networks for `--seconds`, with the niceness of a training job, in a process of its own. Exit code 1 when localaws's way
makes training on the busy machine less than twice as fast as spinning, or costs more than a tenth of the speed on the
idle one. Run it as `python -m benchmarks.busy_training`.
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

from localaws.sagemaker.container.process import OPENMP_WAIT
from localaws.sagemaker.jobs.training import NICENESS

ROOT = Path(__file__).resolve().parents[1]
WAYS: dict[str, dict[str, str]] = {"spinning": {}, "sleeping": {"OMP_WAIT_POLICY": "PASSIVE"}, "localaws": OPENMP_WAIT}
BATCH = 32
BUSY_GAIN, IDLE_SHARE = 2.0, 0.9

_STEPS = """
import sys, time
import torch
from network import networks
from network.epoch import Trainer
from network.hyperparameters import Hyperparameters
from network.recipe import Recipe

batch, seconds = int(sys.argv[1]), float(sys.argv[2])
given = Hyperparameters(num_classes=2, mini_batch_size=batch)
trainer = Trainer(networks.build(2, fine_tuned=True), given, Recipe(), 1000000, None)
trainer.network.train()
images, labels = torch.rand(batch, 1, 224, 224) * 255, torch.arange(batch) % 2
trainer.update(images, labels, torch.ones(2), 0)
started, steps = time.monotonic(), 0
while time.monotonic() - started < seconds:
    trainer.update(images, labels, torch.ones(2), 0)
    steps += 1
print(steps * batch / (time.monotonic() - started))
"""


def speed(way: dict[str, str], seconds: float) -> float:
    """Images a second of optimizer steps in a process whose OpenMP threads wait in this way."""
    env = {name: value for name, value in os.environ.items() if name not in OPENMP_WAIT} | way
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
    speeds: dict[tuple[int, str], list[float]] = {}
    for _ in range(options.rounds):
        for loops in (0, options.loops):
            with busy_loops(loops):
                for name, way in WAYS.items():
                    speeds.setdefault((loops, name), []).append(speed(way, options.seconds))
    print(f"Images a second, median of {options.rounds} rounds of {options.seconds:g} s, {os.cpu_count()} processors")
    print(f"{'busy loops':<12}" + "".join(f"{name:>10}" for name in WAYS) + f"{'localaws / spinning':>21}")
    ratios = []
    for loops in (0, options.loops):
        medians = [statistics.median(speeds[loops, name]) for name in WAYS]
        ratios.append(medians[-1] / medians[0])
        print(f"{loops:<12}" + "".join(f"{median:>10.1f}" for median in medians) + f"{ratios[-1]:>21.2f}")
    return 0 if ratios[0] >= IDLE_SHARE and ratios[1] >= BUSY_GAIN else 1


if __name__ == "__main__":
    sys.exit(main())
