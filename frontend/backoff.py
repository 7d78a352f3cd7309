"""Slow a batch down when the API asks for it."""

import threading
import time

from frontend.client import ApiError

ATTEMPTS = 8
FIRST_SECONDS, MAX_SECONDS = 0.5, 15.0


class Backoff:
    """Shared by the threads of one batch: a delay holds for all of them."""

    def __init__(self) -> None:
        self._until = 0.0
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def wait(self) -> None:
        """Return when requests are allowed again, or when the batch is stopped."""
        while not self._stopped.is_set():
            seconds = self._until - time.monotonic()
            if seconds <= 0:
                return
            self._stopped.wait(seconds)

    def delay(self, seconds: float) -> None:
        """Hold all requests back for some seconds."""
        with self._lock:
            self._until = max(self._until, time.monotonic() + seconds)

    def stop(self) -> None:
        """End all waiting and allow no further request."""
        self._stopped.set()

    @property
    def stopped(self) -> bool:
        """Return whether the batch is stopped."""
        return self._stopped.is_set()


def delay_seconds(error: ApiError, attempt: int) -> float:
    """Return how long to wait after a failed attempt (from 1): Retry-After, or twice as long after each attempt."""
    return min(max(error.retry_after, FIRST_SECONDS * 2.0 ** (attempt - 1)), MAX_SECONDS)
