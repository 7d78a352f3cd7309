"""A tiny algorithm under SageMaker's container contract, whose behaviour the hyperparameters control.

It uses only the standard library and starts fast. `python toy.py train ROOT`, `python toy.py serve ROOT PORT`.
"""

# ruff: noqa: T201 (what it prints is its log)
import json
import os
import signal
import subprocess
import sys
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType


def train(root: Path) -> int:
    hyperparameters = json.loads((root / "input/config/hyperparameters.json").read_text())
    stopped: list[int] = []

    def on_term(signum: int, frame: FrameType | None) -> None:
        stopped.append(signum)

    signal.signal(signal.SIGTERM, signal.SIG_IGN if "stubborn" in hyperparameters else on_term)
    if "grandchild" in hyperparameters:
        print("grandchild", subprocess.Popen(["sleep", "300"]).pid, flush=True)
    print("pid", os.getpid(), flush=True)
    files = sorted(path.relative_to(root / "input/data").as_posix() for path in (root / "input/data").rglob("*.*"))
    print("files", " ".join(files), flush=True)
    checkpoint = root / "checkpoints" / "epoch.txt"
    first = int(checkpoint.read_text()) if checkpoint.exists() else 0
    for epoch in range(first, int(hyperparameters.get("epochs", "2"))):
        print(f"[time INFO] Epoch[{epoch}] Train-accuracy=0.{epoch + 5}", flush=True)
        print(f"[time INFO] Epoch[{epoch}] Batch [20]\tSpeed: 12.5 samples/sec", flush=True)
        print(f"[time INFO] Epoch[{epoch}] Validation-accuracy=0.{epoch + 5}", flush=True)
        print(f"[time INFO] Storing the best model with validation accuracy: 0.{epoch + 5}", flush=True)
        checkpoint.write_text(str(epoch + 1))
        deadline = time.monotonic() + float(hyperparameters.get("seconds", "0"))
        while time.monotonic() < deadline and not stopped:
            time.sleep(0.02)
        if stopped:
            break
    if "failure" in hyperparameters:
        (root / "output/failure").write_text(hyperparameters["failure"])
    if "no_model" not in hyperparameters:
        (root / "model/weights.json").write_text(json.dumps({"version": hyperparameters.get("version", "1")}))
    return int(hyperparameters.get("exit", "0"))


JPEG, JPEG_END = b"\xff\xd8", b"\xff\xd9"


def jpeg_answer(body: bytes) -> bytes:
    """Return the bytes after the image, or two probabilities that only this image has; one in eight is refused."""
    _, end, answer = body.rpartition(JPEG_END)
    if end and answer:
        return answer
    number = zlib.crc32(body)
    return json.dumps([1 - number / 2**32, number / 2**32]).encode() if number % 8 else b"bad"


class Handler(BaseHTTPRequestHandler):
    """Answers with the number of bytes and the process id. Some bodies cause errors."""

    protocol_version = "HTTP/1.1"
    version = ""

    def do_GET(self) -> None:
        parameters = {"MaxConcurrentTransforms": 3, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 6}
        self.answer(200, json.dumps(parameters if self.path == "/execution-parameters" else {}).encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if body.startswith(JPEG):
            body = jpeg_answer(body)
        if body == b"die":
            os._exit(9)
        if body.startswith(b"sleep "):
            _, seconds, *rest = body.split(maxsplit=2)
            time.sleep(float(seconds))
            body = rest[0] if rest else body
        if body.startswith(b"after "):  # answered once a file exists
            _, gate, body = body.split(maxsplit=2)
            deadline = time.monotonic() + 120
            while not Path(gate.decode()).exists() and time.monotonic() < deadline:
                time.sleep(0.05)
        if body.startswith(b"bad"):
            self.answer(400, b"This is not an image.")
        elif body == b"boom":
            self.answer(500, b"Out of order.")
        elif body.startswith((b"mirror", b"[")):
            self.answer(200, body)
        elif body == b"echo":
            self.answer(200, f"{self.headers['Content-Type']} {self.headers['Accept']} {Handler.version}".encode())
        else:
            self.answer(200, json.dumps([len(body), os.getpid()]).encode())

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        print("request", format % args, flush=True)


def serve(root: Path, port: int) -> int:
    print("pid", os.getpid(), flush=True)
    time.sleep(float(os.environ.get("START_SECONDS", "0")))
    if os.environ.get("BREAK") == "start":
        print("I cannot start", flush=True)
        return 3
    Handler.version = json.loads((root / "model/weights.json").read_text())["version"]
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(train(Path(sys.argv[2])) if sys.argv[1] == "train" else serve(Path(sys.argv[2]), int(sys.argv[3])))
