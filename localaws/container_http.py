"""The request handler of the HTTP servers that stand for SageMaker's containers."""

import socket
from http.server import BaseHTTPRequestHandler


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
        if length.isdigit() and int(length) <= limit:
            return self.rfile.read(int(length))
        self.close_connection = True
        left = int(length) if length.isdigit() else 0
        # A client that still sends when the connection ends does not read the answer.
        while left > 0 and (chunk := self.rfile.read(min(left, 65_536))):
            left -= len(chunk)
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
