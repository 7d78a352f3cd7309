"""The REST API on a local port: the real proxy function behind real HTTP, with a scripted model endpoint behind it."""

import base64
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import streamlit as st
from handler import handler
from streamlit.testing.v1 import AppTest

from frontend.settings import Settings
from infra.gateway_responses import PROBLEMS, template
from tests.lambda_.conftest import ENVIRONMENT, Context, forget_environment
from tests.lambda_.gateway import proxy_event
from tests.lambda_.runtime import Runtime

KEY = "key-of-the-frontend-test"
Answer = tuple[int, bytes, dict[str, str]]


@dataclass
class Api:
    """A running API, the model endpoint behind it, and answers of the gateway itself to give first (if any)."""

    url: str
    runtime: Runtime
    gateway_answers: list[Answer] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        """What a client needs."""
        return Settings(self.url, KEY)


def refused_by_gateway(kind: str, **headers: str) -> Answer:
    """An answer of API Gateway itself, as infra/gateway_responses.py words it."""
    status, code, detail = PROBLEMS[kind]
    return status, template(status, code, detail).replace("$context.requestId", "r-1").encode(), headers


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    runtime = Runtime()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in (ENVIRONMENT | {"AWS_ENDPOINT_URL": runtime.url}).items():
        monkeypatch.setenv(name, value)
    forget_environment()
    st.cache_data.clear()
    api = Api("", runtime)
    server = ThreadingHTTPServer(("127.0.0.1", 0), gateway(api))
    server.daemon_threads = True
    api.url = f"http://127.0.0.1:{server.server_port}/dev/"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setenv("API_URL", api.url)
    monkeypatch.setenv("API_KEY", KEY)
    yield api
    server.shutdown()
    server.server_close()
    runtime.stop()
    forget_environment()


def gateway(api: Api) -> type[BaseHTTPRequestHandler]:
    """Return a handler that does API Gateway's part: the stage, the key, the event, the answer."""

    class Gateway(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            if self.command == "POST":
                api.bodies.append(body)
            if api.gateway_answers:
                self.answer(*api.gateway_answers.pop(0))
            elif self.headers["x-api-key"] != KEY:
                self.answer(*refused_by_gateway("INVALID_API_KEY"))
            else:
                event = proxy_event(self.command, self.path.removeprefix("/dev"), self.headers.items(), body)
                found = json.loads(json.dumps(handler(event, Context())))
                content = base64.b64decode(found["body"]) if found["isBase64Encoded"] else found["body"].encode()
                self.answer(found["statusCode"], content, found["headers"])

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


def started(page: str) -> AppTest:
    """Run one page of the app: its module's name below frontend/."""
    source = f"from frontend import {page}\n{page}.page()\n"
    app = AppTest.from_string(source, default_timeout=30).run()
    assert not app.exception
    return app


def everything(app: AppTest) -> str:
    """Return every text the browser gets."""
    return "\n".join(str(element.proto) for element in app.main)


APP = Path(__file__).resolve().parents[2] / "frontend" / "app.py"
