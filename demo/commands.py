"""The demo's commands, run one after another, and the time of each step."""

import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


class StepFailedError(Exception):
    """A step of the demo failed. The command has printed its own message."""


@dataclass
class Runner:
    """Runs commands in one folder and environment and records each step's seconds.

    Attributes:
        root: the working folder of every command, the project's root.
        env: the whole environment of every command.
        total: number of steps, printed as "[n/total]".
    """

    root: Path
    env: Mapping[str, str]
    total: int
    seconds: list[tuple[str, float]] = field(default_factory=list)

    def step(self, title: str, commands: Sequence[Sequence[str]], note: str = "") -> None:
        """Print `title` and run `commands` in order.

        Raises:
            StepFailedError: a command could not be started or ended with an exit code other than 0.
        """
        started = self.announce(title, note)
        for command in commands:
            self.run(title, command)
        self.finish(title, started)

    def run(self, title: str, command: Sequence[str]) -> None:
        """Run a command of the step `title` and show its output.

        Raises:
            StepFailedError: the command could not be started or ended with an exit code other than 0.
        """
        print(f"$ {shlex.join(command)}", flush=True)
        try:
            code = subprocess.run(command, cwd=self.root, env=dict(self.env), check=False).returncode
        except OSError as error:
            raise StepFailedError(f"{title}: {command[0]} could not be started: {error}.") from error
        if code != 0:
            raise StepFailedError(f"{title} failed: `{shlex.join(command)}` ended with exit code {code}.")

    def announce(self, title: str, note: str = "") -> float:
        """Print the step's heading and note; return the start time for `finish`."""
        print(f"\n[{len(self.seconds) + 1}/{self.total}] {title}", flush=True)
        if note:
            print(note, flush=True)
        return time.monotonic()

    def finish(self, title: str, started: float) -> None:
        """Record the seconds of the step."""
        self.seconds.append((title, time.monotonic() - started))


def stop(process: subprocess.Popen[bytes], grace: float = 15.0) -> None:
    """End a child process with SIGTERM, and with SIGKILL after `grace` seconds."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(timeout=grace)
    except subprocess.TimeoutExpired:
        print(f"Process {process.pid} did not stop within {grace:.0f} s and is killed.", file=sys.stderr)
        process.kill()
        process.wait()
