"""Child processes that are watched line by line and never outlive the server."""

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
"""Where `python -m localaws...` finds the package, whatever the server's working directory is."""

LONGEST_LINE = 64 * 1024
"""Bytes; a longer line is cut into several, within CloudWatch Logs' 256 KB an event."""


class Child:
    """A running command; its output goes to `on_line`, one decoded line at a time, tabs kept as they are."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        on_line: Callable[[str], None],
        niceness: int = 0,
    ) -> None:
        """Start it.

        Raises:
            OSError: the command or this machine cannot (no such file, no memory, no process left).
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
        """Whether the command has not ended."""
        return self.process.poll() is None

    def wait(self, seconds: float | None) -> int | None:
        """Return the exit code (128 + n after signal n) once its output is read, or None after `seconds`."""
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
        """End the command and everything it started, now; return when it is gone."""
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
"""How OpenMP's threads wait. GNU's runtime reads the second first: turns of a loop, some microseconds, before a thread
sleeps. Without any, waking up costs a quarter of the speed of an idle machine (benchmarks/busy_training.py)."""


def container_environment() -> dict[str, str]:
    """Return this process's environment without AWS settings: a container reaches no AWS here, and gets no secrets.

    OpenMP's threads spin for a moment and then sleep while they wait, unless the environment says otherwise. By default
    PyTorch's spin for long, and on a busy machine they take the processor from the very thread they wait for.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    wait = {} if OPENMP_WAIT.keys() & inherited.keys() else OPENMP_WAIT
    return wait | inherited | {"PYTHONUNBUFFERED": "1"}
