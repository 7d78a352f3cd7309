"""How fast a batch asks: as fast as the API lets it."""

import threading
import time

from frontend.client import RefusalError

ATTEMPTS = 8
FIRST_SECONDS, MOST_SECONDS = 0.5, 15.0


class Pace:
    """Shared by the threads of one batch: when one is told to wait, all wait."""

    def __init__(self) -> None:
        self._until = 0.0
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def wait(self) -> None:
        """Return when asking is allowed again, or when the batch was stopped."""
        while not self._stopped.is_set():
            seconds = self._until - time.monotonic()
            if seconds <= 0:
                return
            self._stopped.wait(seconds)

    def hold(self, refusal: RefusalError, attempt: int) -> None:
        """Let all threads wait as long as the refusal asks for, or longer with each attempt (from 1)."""
        seconds = min(max(refusal.retry_after, FIRST_SECONDS * 2 ** (attempt - 1)), MOST_SECONDS)
        with self._lock:
            self._until = max(self._until, time.monotonic() + seconds)

    def stop(self) -> None:
        """Let nobody wait any longer, and nobody ask."""
        self._stopped.set()

    @property
    def stopped(self) -> bool:
        """Whether the batch was stopped."""
        return self._stopped.is_set()
