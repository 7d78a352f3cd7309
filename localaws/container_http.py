"""The request handler of the HTTP servers that stand for SageMaker's containers."""

import contextlib
import socket
from http.server import BaseHTTPRequestHandler

DRAIN_SECONDS = 2.0
"""How long the rest of a refused body is waited for."""


class ContainerHandler(BaseHTTPRequestHandler):
    """Reads bodies of limited size and sends complete answers. Keeps connections open and logs no request."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    """Buffered: headers and body leave in one segment."""

    def setup(self) -> None:
        """Send small answers at once."""
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)

    def body(self, limit: int) -> bytes | None:
        """Return the request's body. Return None if it has no length or is over `limit` bytes; the connection ends."""
        length = self.headers.get("Content-Length", "")
        size = int(length) if length.isascii() and length.isdigit() else None
        if size is not None and size <= limit:
            return self.rfile.read(size)
        self.close_connection = True
        # A client that still sends when the connection ends does not read the answer.
        self.connection.settimeout(DRAIN_SECONDS)
        with contextlib.suppress(TimeoutError):
            while size and (chunk := self.rfile.read(min(size, 65_536))):
                size -= len(chunk)
        return None

    def answer(self, status: int, body: bytes, content_type: str = "application/json") -> None:
        """Send a complete response."""
        self.send_response_only(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Do not log requests."""
