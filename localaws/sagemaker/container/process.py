"""Child processes whose output is read line by line. None outlives the server."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

SUPERVISOR = Path(__file__).with_name("supervise.py")
IMPORT_ROOT = Path(__file__).resolve().parents[3]
"""The folder from which `python -m localaws` can be run."""

LONGEST_LINE = 64 * 1024
"""Bytes. A longer line is split, because an event of CloudWatch Logs has at most 256 KB."""


class Child:
    """A running command. `on_line` receives its output, one decoded line at a time."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        on_line: Callable[[str], None],
        niceness: int = 0,
    ) -> None:
        """Start the command.

        Raises:
            OSError: the file does not exist, or no memory or process is left.
        """
        reading, self.lifeline = os.pipe()
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(SUPERVISOR), str(reading), str(niceness), *command],
                cwd=IMPORT_ROOT,
                env=container_environment() | dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(reading,),
                start_new_session=True,
            )
        except OSError:
            os.close(self.lifeline)
            raise
        finally:
            os.close(reading)
        self.closing = threading.Lock()
        self.reader = threading.Thread(target=self._read, args=(on_line,), daemon=True)
        self.reader.start()

    def _read(self, on_line: Callable[[str], None]) -> None:
        output = self.process.stdout
        while output is not None and (line := output.readline(LONGEST_LINE)):
            on_line(line.decode("utf-8", "replace").rstrip("\r\n"))

    @property
    def running(self) -> bool:
        """Return whether the command still runs."""
        return self.process.poll() is None

    def wait(self, seconds: float | None) -> int | None:
        """Wait for the end and return the exit code (128 + n after signal n); return None after `seconds`."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        self.reader.join(5)
        self._end_lifeline()
        return code if code >= 0 else 128 - code

    def terminate(self) -> None:
        """Ask the command to stop (SIGTERM)."""
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the command and everything it started, and wait for their end."""
        self._end_lifeline()
        if self.wait(3) is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.wait(3)

    def _end_lifeline(self) -> None:
        with self.closing:
            if self.lifeline >= 0:
                os.close(self.lifeline)
                self.lifeline = -1


OPENMP_WAIT = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "10000"}
"""How OpenMP's threads wait. GNU's runtime uses the second variable: a thread spins for that many iterations, a few
microseconds, before it sleeps. Without spinning, training is a quarter slower on an idle machine
(benchmarks/busy_training.py)."""


def container_environment() -> dict[str, str]:
    """Return this process's environment without AWS settings: a container uses no AWS and gets no secrets.

    Unless the environment sets another policy, waiting OpenMP threads spin for a moment and then sleep. By default they
    spin for longer in PyTorch. On a busy machine, that takes the processor from the thread they wait for.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    wait = {} if OPENMP_WAIT.keys() & inherited.keys() else OPENMP_WAIT
    return wait | inherited | {"PYTHONUNBUFFERED": "1"}
