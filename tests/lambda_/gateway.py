"""The function behind a local port. Requests become events, and results responses, as in API Gateway."""

from __future__ import annotations

import base64
import json
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from handler import handler

from .conftest import Context
from .events import event

BINARY = ("application/x-image", "image/jpeg", "image/png")
"""binaryMediaTypes of the REST API in infra/api.py."""


def proxy_event(method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> dict[str, Any]:
    """Return the event of an HTTP request. A body whose type is not in BINARY becomes text."""
    parts = urlsplit(target)
    multiple: dict[str, list[str]] = {}
    for name, value in headers:
        multiple.setdefault(name, []).append(value)
    kinds = [value.partition(";")[0].strip().lower() for name, value in headers if name.lower() == "content-type"]
    binary = bool(kinds) and kinds[0] in BINARY
    text = base64.b64encode(body).decode() if binary else body.decode("utf-8", "replace")
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    recorded = event("health")
    recorded["requestContext"]["requestId"] = str(uuid.uuid4())
    return recorded | {
        "httpMethod": method,
        "resource": parts.path,
        "path": parts.path,
        "headers": {name: values[-1] for name, values in multiple.items()},
        "multiValueHeaders": multiple,
        "queryStringParameters": query or None,
        "body": text or None,
        "isBase64Encoded": binary,
    }


class Gateway:
    """The server."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        result = handler(proxy_event(self.command, self.path, self.headers.items(), body), Context())
        response = json.loads(json.dumps(result))
        content = base64.b64decode(response["body"]) if response["isBase64Encoded"] else response["body"].encode()
        self.send_response(response["statusCode"])
        for name, value in response["headers"].items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def __getattr__(self, name: str) -> Any:
        """Take every method, as a gateway does."""
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""
