"""SageMaker and CloudWatch Logs over HTTP in AWS's JSON protocol, with answers that a test scripts."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
from botocore.config import Config

from localaws.environment import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY
from ml.aws import clients

Operation = Callable[[dict[str, Any]], dict[str, Any]]


class RefusalError(Exception):
    """The answer is an error of AWS: its code, then its message."""


class BreakError(Exception):
    """The connection ends without an answer."""


class ScriptedAws:
    """A server that answers each operation by a function from request to response."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.operations: dict[str, Operation] = {}

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY_ID,
            aws_secret_access_key=SECRET_ACCESS_KEY,
            config=Config(retries={"total_max_attempts": 1}),
        )

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the commands ask this server, once for each call, as an account with credentials."""
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        variables = {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(clients, "CONFIG", Config(retries={"total_max_attempts": 1}))


@contextmanager
def scripted_aws() -> Iterator[ScriptedAws]:
    """Run a server without any operation yet."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            operation = self.headers["X-Amz-Target"].rpartition(".")[2]
            try:
                self.answer(200, script.operations[operation](request))
            except RefusalError as error:
                self.answer(400, {"__type": error.args[0], "message": error.args[1]})
            except BreakError:
                self.close_connection = True

        def answer(self, status: int, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    script = ScriptedAws(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
