"""Many small calls on a few daemon threads."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

POLL_SECONDS = 0.1


class Workers:
    """Threads that share an iterator of arguments.

    Unlike an executor's threads they are daemons. A server that stops does not wait for a thread whose request is never
    answered.
    """

    def __init__(self, work: Callable[..., None], arguments: Iterator[tuple[Any, ...]], threads: int) -> None:
        self.work = work
        self.arguments = arguments
        self.changed = threading.Condition()
        self.error: Exception | None = None
        self.ended = False
        self.running = threads
        for _ in range(threads):
            threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        try:
            while (values := self._next()) is not None:
                self.work(*values)
        except Exception as error:  # noqa: BLE001 (wait() raises it)
            with self.changed:
                self.error = self.error or error
        with self.changed:
            self.running -= 1
            self.changed.notify_all()

    def _next(self) -> tuple[Any, ...] | None:
        with self.changed:
            return None if self.ended or self.error else next(self.arguments, None)

    def wait(self, cancelled: Callable[[], bool]) -> None:
        """Wait until the work is done or cancelled; raise its first exception."""
        with self.changed:
            while self.running and not cancelled():
                self.changed.wait(POLL_SECONDS)
            self.ended = True
            if self.error is not None:
                raise self.error


def in_parallel(
    work: Callable[..., None],
    arguments: Iterator[tuple[Any, ...]],
    threads: int,
    cancelled: Callable[[], bool] = lambda: False,
) -> None:
    """Call `work` with each tuple on several threads until all are done, one raises, or `cancelled` returns True.

    Raises:
        the first exception of `work`, after the running calls have ended.
    """
    Workers(work, arguments, threads).wait(cancelled)
