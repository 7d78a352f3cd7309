"""The wait for a server of the demo, which stops the server if the wait fails."""

import subprocess
import sys

import pytest

from demo import services
from demo.commands import StepFailedError
from tests.ports import free_port


@pytest.fixture
def sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)


def test_an_interrupted_wait_ends_the_server(sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(services.urllib.request, "urlopen", interrupted)
    with pytest.raises(KeyboardInterrupt):
        services.wait_until_healthy(sleeper, "http://127.0.0.1/", "the server", 30)
    assert sleeper.poll() is not None


def test_a_server_that_never_answers_is_ended_and_named(sleeper: subprocess.Popen[bytes]) -> None:
    with pytest.raises(StepFailedError, match=r"the server did not answer at .* within 0 s"):
        services.wait_until_healthy(sleeper, f"http://127.0.0.1:{free_port()}/", "the server", 0.3)
    assert sleeper.poll() is not None


SLOW_SERVER = """
import http.server, sys, time
time.sleep(0.7)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(2.5)
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def test_a_slow_server_is_waited_for_and_the_wait_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(services, "REPORT_EVERY", 0.2)
    port = free_port()
    server = subprocess.Popen([sys.executable, "-c", SLOW_SERVER, str(port)], stderr=subprocess.DEVNULL)
    try:
        services.wait_until_healthy(server, f"http://127.0.0.1:{port}/", "the server")
        assert server.poll() is None
    finally:
        server.kill()
        server.wait()
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) >= 2
    assert all("the server" in line and "600 s" in line for line in shown)
