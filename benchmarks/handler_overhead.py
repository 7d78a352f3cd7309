"""What the proxy adds to the bare call of the endpoint, in CPU time of its own process, side by side in one run.

The endpoint is a local HTTP server in another process, so that its work is not counted. The image has about 200 KB, as
radiographs of two megapixels have. Exit code 1 when the proxy takes 15 ms or more above the bare call, or 5 ms or more
without decoding, the gate and standardising. Run it as `python -m benchmarks.handler_overhead`.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import io
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "lambda"), str(ROOT)]

import handler  # noqa: E402
from inference_proxy import settings  # noqa: E402
from inference_proxy.deadline import Deadline  # noqa: E402
from inference_proxy.endpoint import endpoint_of  # noqa: E402

from radiograph import encode, phantom  # noqa: E402
from radiograph.frontal_check import standardise_frontal  # noqa: E402

WHOLE_MS, WITHOUT_MS = 15.0, 5.0
_SERVER = """
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Endpoint(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b"[0.25, 0.75]"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
print(server.server_port, flush=True)
server.serve_forever()
"""
ENVIRONMENT = {
    "STAGE": "benchmark",
    "ENDPOINT_NAME": "benchmark",
    "CLASSES": '["NORMAL", "PNEUMONIA"]',
    "RESIZE_MODE": "squash",
    "CALIBRATION": '{"slope": 1.0, "intercept": 0.0}',
    "THRESHOLD": "0.5",
    "THRESHOLD_SOURCE": "benchmark",
    "MODEL_VERSION": "benchmark",
    "UPLOAD_BUCKET": "benchmark",
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "ASIABENCHMARK",
    "AWS_SECRET_ACCESS_KEY": "secret",
}


class Context:
    """What the proxy reads of AWS Lambda's context."""

    aws_request_id = "benchmark"

    def get_remaining_time_in_millis(self) -> int:
        """Return time enough."""
        return 29_000


def image() -> bytes:
    """A drawn image of about 200 KB."""
    drawn = phantom.draw(1, True).resize((1750, 1310))
    for quality in range(95, 20, -3):
        buffer = io.BytesIO()
        drawn.save(buffer, "JPEG", quality=quality)
        if buffer.tell() <= 205_000:
            break
    return buffer.getvalue()


def event(body: bytes) -> dict[str, Any]:
    """The event of a POST /predict."""
    recorded: dict[str, Any] = json.loads((ROOT / "tests" / "events" / "predict_jpeg.json").read_text(encoding="utf-8"))
    return recorded | {"body": base64.b64encode(body).decode()}


def median_ms(call: Callable[[], object], runs: int) -> float:
    """Median CPU time of this process for one call, in ms."""
    took = []
    for _ in range(runs):
        started = time.process_time()
        call()
        took.append(1000 * (time.process_time() - started))
    return statistics.median(took)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200, help="of each side (default %(default)s)")
    runs = parser.parse_args().runs
    if runs < 1:
        parser.error(f"--runs is {runs}; it must be at least 1.")
    server = subprocess.Popen([sys.executable, "-c", _SERVER], stdout=subprocess.PIPE, text=True)
    try:
        port = server.stdout.readline().strip() if server.stdout else ""
        os.environ.update(ENVIRONMENT | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"})
        data = image()
        asked, standard = event(data), encode(standardise_frontal(data))
        endpoint = endpoint_of(settings.load())

        def whole() -> None:
            with contextlib.redirect_stdout(io.StringIO()):
                assert handler.handler(asked, Context())["statusCode"] == 200  # noqa: S101

        sides: dict[str, Callable[[], object]] = {
            "bare endpoint call": lambda: endpoint.invoke(standard, Deadline(Context())),
            "decode, gate, standardise": lambda: encode(standardise_frontal(data)),
            "whole handler": whole,
        }
        for call in sides.values():
            call()
        medians = {name: median_ms(call, runs) for name, call in sides.items()}
    finally:
        server.kill()
        server.wait()
    overhead = medians["whole handler"] - medians["bare endpoint call"]
    without = overhead - medians["decode, gate, standardise"]
    print(f"an image of {len(data) / 1000:.0f} KB, median of {runs}, CPU of the proxy's process")
    for name, milliseconds in medians.items():
        print(f"{name:<28}{milliseconds:8.2f} ms {milliseconds / medians['bare endpoint call']:6.2f} x")
    print(f"{'added by the handler':<28}{overhead:8.2f} ms, {without:.2f} ms without decoding and standardising")
    return 0 if overhead < WHOLE_MS and without < WITHOUT_MS else 1


if __name__ == "__main__":
    sys.exit(main())
