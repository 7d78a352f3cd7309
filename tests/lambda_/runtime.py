"""A SageMaker runtime endpoint on a local port: real HTTP, scripted responses, all requests recorded."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    headers: Message
    body: bytes
    connection: int


@dataclass(frozen=True)
class Reply:
    """One response of the runtime, after `seconds`. `reset` breaks the connection instead."""

    status: int = 200
    body: bytes = b"[0.25, 0.75]"
    error: str = ""
    seconds: float = 0.0
    reset: bool = False


def failure(status: int, error: str, message: str = "", **members: object) -> Reply:
    """An error as SageMaker sends it (rest-json)."""
    return Reply(status, json.dumps({"Message": message, **members}).encode(), error)


class Runtime:
    """The server. It sends the scripted replies in turn, then those of `model`: by default scores of 0.25 and 0.75."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.replies: deque[Reply] = deque()
        self.model: Callable[[Received], Reply] = lambda received: Reply()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self._answer))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def forget(self) -> None:
        self.received.clear()
        self.replies.clear()
        self.model = lambda received: Reply()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, received: Received) -> Reply:
        self.received.append(received)
        return self.replies.popleft() if self.replies else self.model(received)


def _handler(answer: Callable[[Received], Reply]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Headers and body leave in two writes; without this, the second waits for the client's delayed ACK (40 ms).
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            reply = answer(Received(self.command, self.path, self.headers, body, self.client_address[1]))
            time.sleep(reply.seconds)
            if reply.reset:
                # Linger 0: close() sends RST, like a host that disappears.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                self.connection.close()
                return
            self.send_response(reply.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(reply.body)))
            if reply.error:
                self.send_header("x-amzn-ErrorType", reply.error)
            self.end_headers()
            self.wfile.write(reply.body)

        def do_GET(self) -> None:
            self.do_POST()

        def do_PUT(self) -> None:
            self.do_POST()

        def log_message(self, format: str, *args: object) -> None:
            """Print nothing."""

        def finish(self) -> None:
            if self.connection.fileno() != -1:
                super().finish()

    return Handler


def signature(received: Received, secret_key: str) -> str:
    """Return the SigV4 signature of a request, computed from the specification without botocore.

    AWS IAM User Guide, "Create a signed AWS API request".
    """
    scope, names = _scope_and_headers(received)
    headers = "".join(f"{name}:{' '.join(received.headers[name].split())}\n" for name in names)
    hashed = hashlib.sha256(received.body).hexdigest()
    canonical = "\n".join([received.method, received.path, "", headers, ";".join(names), hashed])
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", received.headers["X-Amz-Date"], "/".join(scope), digest])
    key = b"AWS4" + secret_key.encode()
    for part in scope:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _scope_and_headers(received: Received) -> tuple[list[str], list[str]]:
    fields = authorization(received)
    return fields["Credential"].split("/")[1:], fields["SignedHeaders"].split(";")


def authorization(received: Received) -> dict[str, str]:
    """Return the parts of the Authorization header by name."""
    scheme, _, fields = received.headers["Authorization"].partition(" ")
    assert scheme == "AWS4-HMAC-SHA256"
    return dict(field.strip().split("=", 1) for field in fields.split(","))
