"""What a training job's log lines say, epoch by epoch.

CloudWatch shows the container's tabs as "#011". Epochs count from 0 in the log. The kept model is the one of the best
validation accuracy, which need not be the last epoch.
"""

import re
from dataclasses import dataclass, field

BATCH = re.compile(
    r"Epoch\[(\d+)\] Batch \[(\d+)\](?:#011|\s)Speed: ([0-9.]+) samples/sec(?:(?:#011|\s)accuracy=([0-9.]+))?"
)
TRAIN = re.compile(r"Epoch\[(\d+)\] Train-accuracy=([0-9.]+)")
COST = re.compile(r"Epoch\[(\d+)\] Time cost=([0-9.]+)")
VALIDATION = re.compile(r"Epoch\[(\d+)\] Validation-accuracy=([0-9.]+)")
BEST = re.compile(r"Storing the best model with validation accuracy: ([0-9.]+)")


@dataclass
class Epoch:
    """One finished epoch; accuracies are shares, seconds those of the training pass."""

    number: int
    train_accuracy: float | None = None
    seconds: float | None = None
    validation_accuracy: float | None = None


@dataclass
class JobLog:
    """Reads the lines of all attempts in order and remembers the epochs.

    An attempt that starts after a spot interruption goes on with the epochs or repeats some: an epoch counts once, with
    what was said of it last.

    Attributes:
        total: epochs asked for.
        best: best validation accuracy of all attempts.
        now: where the epoch that runs has got to, in words; empty between epochs.
    """

    total: int
    epochs: dict[int, Epoch] = field(default_factory=dict)
    best: float | None = None
    speed: float | None = None
    now: str = ""

    def read(self, line: str) -> str | None:
        """Take one line; return what to show for it: a progress line at the end of an epoch, or nothing."""
        if match := BATCH.search(line):
            self.speed = float(match[3])
            accuracy = f", accuracy {float(match[4]):.4f}" if match[4] else ""
            self.now = f"epoch {int(match[1]) + 1}/{self.total}, batch {match[2]}, {self.speed:.0f} images/s{accuracy}"
        elif match := TRAIN.search(line):
            self.now = ""
            self._epoch(match[1]).train_accuracy = float(match[2])
        elif match := COST.search(line):
            self._epoch(match[1]).seconds = float(match[2])
        elif match := BEST.search(line):
            self.best = max(self.best or 0.0, float(match[1]))
        elif match := VALIDATION.search(line):
            epoch = self._epoch(match[1])
            epoch.validation_accuracy = float(match[2])
            return self._summary(epoch)
        return None

    def _epoch(self, number: str) -> Epoch:
        return self.epochs.setdefault(int(number), Epoch(int(number)))

    def _summary(self, epoch: Epoch) -> str:
        parts = [f"epoch {epoch.number + 1}/{self.total}"]
        if epoch.train_accuracy is not None:
            parts.append(f"train accuracy {epoch.train_accuracy:.4f}")
        parts.append(f"validation accuracy {epoch.validation_accuracy:.4f}")
        if self.speed:
            parts.append(f"{self.speed:.0f} images/s")
        times = [one.seconds for one in self.epochs.values() if one.seconds]
        left = self.total - epoch.number - 1
        if times and left:
            parts.append(f"about {sum(times) / len(times) * left:.0f} s left")
        return ", ".join(parts)
