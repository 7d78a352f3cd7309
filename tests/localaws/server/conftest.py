"""The localaws that the tests of this folder share."""

import signal
from collections.abc import Iterator

import pytest

from tests.localaws.server.builders import Server
from tests.ports import free_port


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("server") / "state", free_port())
    running.start()
    yield running
    running.end(signal.SIGTERM)
