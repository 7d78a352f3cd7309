"""Many clients at once on a deployed API: how many are answered, refused and failed, and how long it takes.

API_URL and API_KEY say which one, as `eval "$(python -m ml.api --stage STAGE)"` sets them. Each client sends the next
image when it has its answer; after a 429 it waits as Retry-After says. Exit code 1 when any request failed otherwise.
Run it as `python -m benchmarks.api_load --clients 50 --seconds 60`.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import threading
import time
from collections import Counter

import requests

from radiograph import phantom

PATIENCE_SECONDS = 35


class Load:
    """Seconds of each answer by status; status 0 is a broken connection."""

    def __init__(self, url: str, key: str, image: bytes) -> None:
        self.url = url.rstrip("/") + "/predict"
        self.headers = {"x-api-key": key, "Content-Type": "image/jpeg"}
        self.image = image
        self.lock = threading.Lock()
        self.seconds: dict[int, list[float]] = {}
        self.reasons: Counter[str] = Counter()

    def client(self, until: float) -> None:
        """Ask until the time is over."""
        with requests.Session() as session:
            while time.monotonic() < until:
                started = time.monotonic()
                try:
                    answer = session.post(self.url, data=self.image, headers=self.headers, timeout=PATIENCE_SECONDS)
                    status, reason, pause = (
                        answer.status_code,
                        answer.text[:200],
                        answer.headers.get("Retry-After", "1"),
                    )
                except requests.RequestException as error:
                    status, reason, pause = 0, type(error).__name__, "1"
                with self.lock:
                    self.seconds.setdefault(status, []).append(time.monotonic() - started)
                    if status not in (200, 429):
                        self.reasons[f"{status} {reason}"] += 1
                if status == 429:
                    time.sleep(min(float(pause), max(0.0, until - time.monotonic())))


def image() -> bytes:
    """A drawn image, as JPEG."""
    buffer = io.BytesIO()
    phantom.draw(1, True).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def percentile(values: list[float], share: float) -> float:
    """The value that so many of the others do not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=50, help="at a time (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=60, help="default %(default)s")
    options = parser.parse_args()
    url, key = os.environ.get("API_URL", ""), os.environ.get("API_KEY", "")
    if not url or not key:
        parser.error('API_URL and API_KEY are not set; run eval "$(python -m ml.api)" first.')
    if options.clients < 1 or options.seconds <= 0:
        parser.error("--clients must be at least 1 and --seconds above 0.")
    load, until = Load(url, key, image()), time.monotonic() + options.seconds
    clients = [threading.Thread(target=load.client, args=(until,)) for _ in range(options.clients)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    answered = load.seconds.get(200, [])
    print(f"{options.clients} clients for {options.seconds:g} s, images of {len(load.image) / 1000:.0f} KB")
    for status, seconds in sorted(load.seconds.items()):
        print(f"{status or 'no answer':>9} {len(seconds):7}  median {percentile(seconds, 0.5):6.3f} s")
    if answered:
        rate, tail = len(answered) / options.seconds, percentile(answered, 0.99)
        print(f"answered {rate:.1f} a second, 99th percentile {tail:.3f} s")
    for reason, count in load.reasons.most_common(5):
        print(f"{count:6} x {reason}")
    return 1 if load.reasons or not answered else 0


if __name__ == "__main__":
    sys.exit(main())
