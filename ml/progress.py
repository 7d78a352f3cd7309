"""Progress for terminals and log files."""

import sys
import time


class Progress:
    """The progress of a known amount of work, with the remaining time.

    A terminal shows one line that is overwritten. A log file gets a line every `every` seconds and at the end.

    Args:
        done: number done before; not part of the speed.
    """

    def __init__(self, title: str, total: int, unit: str = "images", every: float = 5.0, done: int = 0) -> None:
        self.title, self.total, self.unit, self.every = title, total, unit, every
        self.done = self.before = done
        self.started = self.moving = self.shown = time.monotonic()
        self.terminal = sys.stderr.isatty()

    def advance(self, count: int = 1) -> None:
        """Add `count` to what is done; 0 before the first item marks a start-up, which is not part of the speed."""
        now = time.monotonic()
        if self.done == self.before and not count:
            self.moving = now
        self.done += count
        if now - self.shown >= (0.2 if self.terminal else self.every):
            self.shown = now
            self._show(now)

    def _show(self, now: float) -> None:
        line = f"{self.title}: {self.done:,} of {self.total:,} {self.unit}"
        if self.done > self.before:
            remaining = (now - self.moving) / (self.done - self.before) * (self.total - self.done)
            line += f", {remaining:.0f} s left"
        print(
            f"\r{line}\033[K" if self.terminal else line, end="" if self.terminal else "\n", file=sys.stderr, flush=True
        )

    def finish(self) -> None:
        """Show the result instead of the progress."""
        seconds = time.monotonic() - self.started
        start = "\r\033[K" if self.terminal else ""
        print(f"{start}{self.title}: {self.done:,} {self.unit} in {seconds:.1f} s", file=sys.stderr, flush=True)
