"""A serving container: a child process that answers HTTP on a port of 127.0.0.1."""

import http.client
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from localaws.sagemaker.container.process import Child
from localaws.sagemaker.container.registry import Algorithm

PING_INTERVAL = 0.05


class ContainerError(Exception):
    """The container did not start, ended, or did not answer."""


class ContainerTimeoutError(ContainerError):
    """The container did not answer in time."""


@dataclass(frozen=True)
class ContainerAnswer:
    """The container's answer. Header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Container:
    """A started serving process and a pool of connections to it."""

    def __init__(
        self, algorithm: Algorithm, root: Path, environment: Mapping[str, str], on_line: Callable[[str], None]
    ) -> None:
        """Start the process with `root` in place of /opt/ml.

        Raises:
            OSError: no process or port is left on this machine.
        """
        self.port = free_port()
        self.idle: deque[http.client.HTTPConnection] = deque()
        self.stopped = threading.Event()
        self.child = Child(algorithm.serve(root, self.port), environment, on_line)

    def wait_ready(self, seconds: float, cancelled: Callable[[], bool] = lambda: False) -> None:
        """Wait until GET /ping answers 200.

        Raises:
            ContainerError: the process ended or did not answer in time, or `cancelled` returned True.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self.child.running:
                raise ContainerError(f"its process ended with exit code {self.child.wait(5)}")
            if cancelled():
                raise ContainerError("the wait was cancelled")
            try:
                if self.request("GET", "/ping", {}, b"", 2).status == 200:
                    return
            except ContainerError:
                pass  # not listening yet
            self.stopped.wait(PING_INTERVAL)
        raise ContainerError(f"GET /ping was not answered with 200 within {seconds:.0f} s")

    def request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, seconds: float
    ) -> ContainerAnswer:
        """Send one request; `seconds` limits each wait for the container.

        Raises:
            ContainerTimeoutError: no answer in time.
            ContainerError: no connection, or an incomplete answer.
        """
        try:
            connection = self.idle.pop()
        except IndexError:
            connection = http.client.HTTPConnection("127.0.0.1", self.port)
        else:
            try:
                return self._exchange(connection, method, path, headers, body, seconds)
            except ContainerTimeoutError:
                raise
            except ContainerError:
                # An idle connection may have been closed meanwhile; inference can be repeated on a new one.
                connection = http.client.HTTPConnection("127.0.0.1", self.port)
        return self._exchange(connection, method, path, headers, body, seconds)

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        seconds: float,
    ) -> ContainerAnswer:
        try:
            connection.timeout = seconds
            if connection.sock is not None:
                connection.sock.settimeout(seconds)
            connection.request(method, path, body if method == "POST" else None, dict(headers))
            response = connection.getresponse()
            content = response.read()
        except TimeoutError as error:
            connection.close()
            raise ContainerTimeoutError(f"no answer within {seconds:.0f} s") from error
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise ContainerError(f"the connection failed ({type(error).__name__})") from error
        if response.will_close:
            connection.close()
        else:
            self.idle.append(connection)
        return ContainerAnswer(response.status, {name.lower(): value for name, value in response.getheaders()}, content)

    @property
    def running(self) -> bool:
        """Return whether the process still runs."""
        return self.child.running

    def stop(self) -> None:
        """Kill the process. It holds no state to save."""
        self.stopped.set()
        self.child.kill()
        while self.idle:
            self.idle.pop().close()


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
