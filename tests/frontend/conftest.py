"""The REST API on a local port: the real proxy over HTTP, in front of a scripted model endpoint."""

import base64
import functools
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
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from frontend.settings import AppSettings
from infra.gateway_responses import PROBLEMS, template
from tests.lambda_.conftest import ENVIRONMENT, Context, forget_environment
from tests.lambda_.gateway import proxy_event
from tests.lambda_.runtime import Runtime

APP = Path(__file__).resolve().parents[2] / "frontend" / "app.py"
KEY = "key-of-the-frontend-test"
Answer = tuple[int, bytes, dict[str, str]]

# Each AppTest reads the metadata of all installed packages in search of components, which takes most of its time.
manifest_scanner.scan_component_manifests = functools.cache(manifest_scanner.scan_component_manifests)


@dataclass
class Api:
    """A running API and its model endpoint. `gateway_answers` are sent before the proxy is asked."""

    url: str
    runtime: Runtime
    gateway_answers: list[Answer] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def settings(self) -> AppSettings:
        """Return the settings of a client."""
        return AppSettings(self.url, KEY)


def gateway_error(response_type: str, **headers: str) -> Answer:
    """Return an error of API Gateway itself, with the body of infra/gateway_responses.py."""
    status, code, detail = PROBLEMS[response_type]
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
    """Return a request handler that acts as API Gateway: stage, key, event and response."""

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
                self.answer(*gateway_error("INVALID_API_KEY"))
            else:
                event = proxy_event(self.command, self.path.removeprefix("/dev"), self.headers.items(), body)
                response = json.loads(json.dumps(handler(event, Context())))
                body = response["body"]
                content = base64.b64decode(body) if response["isBase64Encoded"] else body.encode()
                self.answer(response["statusCode"], content, response["headers"])

        def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Print nothing."""

    return Gateway


def run_page(page: str) -> AppTest:
    """Run one page of the app, named by its module in frontend/."""
    source = f"from frontend import {page}\n{page}.page()\n"
    app = AppTest.from_string(source, default_timeout=30).run()
    assert not app.exception
    return app


def all_text(app: AppTest) -> str:
    """Return everything that the browser gets."""
    return "\n".join(str(element.proto) for element in app.main)
