"""Many small pieces of work on a few threads that never keep the server from ending."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

LOOK_SECONDS = 0.1


class Workers:
    """Threads that share an iterator of arguments.

    They are daemons, unlike an executor's: a thread that waits for an answer that will not come (the server
    is going down) is left behind instead of being waited for.
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
            while (each := self._next()) is not None:
                self.work(*each)
        except Exception as error:  # noqa: BLE001 (nothing is lost: wait() raises it in the thread that asked)
            with self.changed:
                self.error = self.error or error
        with self.changed:
            self.running -= 1
            self.changed.notify_all()

    def _next(self) -> tuple[Any, ...] | None:
        with self.changed:
            return None if self.ended or self.error else next(self.arguments, None)

    def wait(self, cancelled: Callable[[], bool]) -> None:
        """Return when the work is done or cancelled; raise its first exception."""
        with self.changed:
            while self.running and not cancelled():
                self.changed.wait(LOOK_SECONDS)
            self.ended = True
            if self.error is not None:
                raise self.error


def in_parallel(
    work: Callable[..., None],
    arguments: Iterator[tuple[Any, ...]],
    threads: int,
    cancelled: Callable[[], bool] = lambda: False,
) -> None:
    """Call `work` with each tuple on several threads until all are done, one raises, or `cancelled` says so.

    Raises:
        whatever `work` raised first, once the calls that were running have ended.
    """
    Workers(work, arguments, threads).wait(cancelled)
