"""Ports for tests that run in several processes at once."""

import itertools
import os

from demo import services

FIRST, EACH, PROCESSES = 20_000, 1_000, 12
"""Below the ports that Linux gives to port 0 and to outgoing connections (32768 and up), so that neither takes one
between the moment it is chosen and the moment a server listens on it."""

_process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % PROCESSES
_ports = itertools.cycle(range(FIRST + EACH * _process, FIRST + EACH * (_process + 1)))


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nothing listens and that no other test is given.

    Raises:
        OSError: all of this process's ports are taken.
    """
    for port in itertools.islice(_ports, EACH):
        if services.free_port(port) == port:
            return port
    raise OSError("Every port that this test process may use is taken.")
