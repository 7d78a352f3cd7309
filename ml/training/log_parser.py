"""Read a training job's log lines, epoch by epoch.

CloudWatch shows the container's tabs as "#011". Epochs count from 0 in the log. The stored model is that of the last
line "Storing the best model": the built-in algorithm stores the epoch with the highest validation accuracy, the
project's own network the one with the lowest validation loss.
"""

import re
from dataclasses import dataclass, field

BATCH = re.compile(
    r"Epoch\[(\d+)\] Batch \[(\d+)\](?:#011|\s)Speed: ([0-9.]+) samples/sec(?:(?:#011|\s)accuracy=([0-9.]+))?"
)
TRAIN = re.compile(r"Epoch\[(\d+)\] Train-accuracy=([0-9.]+)")
COST = re.compile(r"Epoch\[(\d+)\] Time cost=([0-9.]+)")
VALIDATION = re.compile(r"Epoch\[(\d+)\] Validation-accuracy=([0-9.]+)")
STORED = re.compile(r"Storing the best model with validation accuracy: ([0-9.]+)")


@dataclass
class Epoch:
    """One finished epoch; accuracies are from 0 to 1, seconds are those of the training pass."""

    number: int
    train_accuracy: float | None = None
    seconds: float | None = None
    validation_accuracy: float | None = None


@dataclass
class JobLog:
    """The epochs of all attempts of a job, from its lines in order.

    An attempt after a spot interruption continues with the next epoch or repeats some. Of a repeated epoch the last
    values count.

    Attributes:
        total: number of epochs that the job was started with.
        stored: validation accuracy of the stored model.
        now: progress of the running epoch as text; empty between epochs.
    """

    total: int
    epochs: dict[int, Epoch] = field(default_factory=dict)
    stored: float | None = None
    speed: float | None = None
    now: str = ""

    def read(self, line: str) -> str | None:
        """Read one line; return the text to show at the end of an epoch, otherwise None."""
        if match := BATCH.search(line):
            self.speed = float(match[3])
            accuracy = f", accuracy {float(match[4]):.4f}" if match[4] else ""
            self.now = f"epoch {int(match[1]) + 1}/{self.total}, batch {match[2]}, {self.speed:.0f} images/s{accuracy}"
        elif match := TRAIN.search(line):
            self.now = ""
            self._epoch(match[1]).train_accuracy = float(match[2])
        elif match := COST.search(line):
            self._epoch(match[1]).seconds = float(match[2])
        elif match := STORED.search(line):
            self.stored = float(match[1])
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
        times = [each.seconds for each in self.epochs.values() if each.seconds]
        left = self.total - epoch.number - 1
        if times and left:
            parts.append(f"about {sum(times) / len(times) * left:.0f} s left")
        return ", ".join(parts)
