"""The REST API on a local port: the real proxy function behind real HTTP, with a scripted model endpoint behind it."""

import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from frontend.settings import Settings
from tests.lambda_.conftest import ENVIRONMENT, forget_environment, invoke
from tests.lambda_.events import post
from tests.lambda_.runtime import Runtime

KEY = "key-of-the-frontend-test"


@dataclass
class Api:
    """A running API, the model endpoint behind it, and an answer of the gateway itself to give instead (if any)."""

    url: str
    runtime: Runtime
    gateway_answer: tuple[int, bytes] | None = None
    bodies: list[bytes] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        """What a client needs."""
        return Settings(self.url, KEY)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    runtime = Runtime()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in (ENVIRONMENT | {"AWS_ENDPOINT_URL": runtime.url}).items():
        monkeypatch.setenv(name, value)
    forget_environment()
    api = Api("", runtime)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(api))
    server.daemon_threads = True
    api.url = f"http://127.0.0.1:{server.server_port}/dev/"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield api
    server.shutdown()
    server.server_close()
    runtime.stop()
    forget_environment()


def handler(api: Api) -> type[BaseHTTPRequestHandler]:
    """Return a handler that does API Gateway's part: the key, the event, the answer."""

    class Gateway(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            api.bodies.append(body)
            if api.gateway_answer is not None:
                self.answer(*api.gateway_answer, {"Content-Type": "application/json"})
            elif self.headers["x-api-key"] != KEY:
                self.answer(403, b'{"message":"Forbidden"}', {"Content-Type": "application/json"})
            else:
                result = invoke(post(body, self.headers["Content-Type"]))
                self.answer(result.status, json.dumps(result.body).encode(), result.headers)

        def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet: the bodies are kept, not printed."""

    return Gateway
