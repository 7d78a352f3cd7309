"""Run a command that must not outlive the server.

Started by path as `python -I -S supervise.py FD NICENESS COMMAND...`, with the standard library only. FD is the read
end of a pipe whose write end only the server holds. When the server closes it or dies, even by SIGKILL, the pipe ends
and the command's process group is killed. On Linux the kernel also kills the command when this process dies.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

PR_SET_PDEATHSIG = 1
"""prctl(2): sets the signal that a process gets when the thread that started it ends."""


def main(arguments: list[str]) -> None:
    """Run the command and exit with its code, or with 128 + n if signal n ended it."""
    lifeline, niceness, command = int(arguments[0]), int(arguments[1]), arguments[2:]
    started: list[int] = []
    signal.signal(signal.SIGTERM, lambda signum, frame: forward(started, signum))
    os.nice(niceness)
    child = subprocess.Popen(command, process_group=0, preexec_fn=dies_with_parent())  # noqa: PLW1509
    started.append(child.pid)
    threading.Thread(target=kill_when_it_ends, args=(lifeline, child.pid), daemon=True).start()
    code = child.wait()
    kill_group(child.pid)  # the processes that the command left behind
    os._exit(code if code >= 0 else 128 - code)


def forward(started: list[int], signum: int) -> None:
    """Pass a signal to the command only, as `docker stop` does to a container's first process."""
    if not started:
        os._exit(128 + signum)
    with suppress(ProcessLookupError):  # it has just ended
        os.kill(started[0], signum)


def kill_when_it_ends(lifeline: int, group: int) -> None:
    """Wait for the pipe's end, then kill the command's process group and exit."""
    while os.read(lifeline, 64):
        continue
    kill_group(group)
    os._exit(128 + signal.SIGKILL)


def kill_group(group: int) -> None:
    """Kill a process group if it still exists."""
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # macOS raises EPERM for a group of zombies
        return


def dies_with_parent() -> Callable[[], None] | None:
    """Return a function to run before exec. It makes Linux kill the command when this process dies."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1:])
