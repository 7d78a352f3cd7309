"""The two servers of the demo: localaws and the Streamlit app."""

import shlex
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from demo.commands import StepFailedError, stop

START_TIMEOUT = 600.0
"""Seconds to wait for a server whose process runs. A busy machine is slow, and a broken server ends by itself."""
REPORT_EVERY = 10.0
"""Seconds between two progress lines."""
REQUEST_TIMEOUT = 10.0
"""Seconds for one answer of a busy server."""


def client_environment(port: int) -> dict[str, str]:
    """Return the variables that `python -m localaws env` exports."""
    command = [sys.executable, "-m", "localaws", "env", "--port", str(port)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    exports = [shlex.split(line) for line in lines if line.startswith("export ")]
    return dict(assignment.split("=", 1) for _, assignment in exports)


def start_localaws(root: Path, port: int, state_dir: Path) -> subprocess.Popen[bytes]:
    """Start localaws, with its log in build/localaws.log, and wait until it answers.

    Raises:
        StepFailedError: the port is taken, or localaws ended or did not answer within START_TIMEOUT. The message
            holds the last lines of its log.
    """
    if free_port(port) != port:
        raise StepFailedError(
            f"Port {port} on 127.0.0.1 is taken, perhaps by another demo: stop it, or choose another port "
            "(make demo DEMO_FLAGS='--port N')."
        )
    command = [sys.executable, "-m", "localaws", "--port", str(port), "--state-dir", str(state_dir)]
    log = root / "build" / "localaws.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            command, cwd=root, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    try:
        wait_until_healthy(process, f"http://localhost:{port}/_localaws/health", "localaws")
    except StepFailedError as error:
        last = log.read_text(encoding="utf-8").strip().splitlines()[-3:]
        raise StepFailedError("\n".join([str(error), *last])) from error
    return process


def start_app(root: Path, env: Mapping[str, str], port: int) -> subprocess.Popen[bytes]:
    """Start the Streamlit app on 127.0.0.1 and wait until it answers; `env` holds API_URL and API_KEY.

    Raises:
        StepFailedError: the app ended or did not answer within START_TIMEOUT.
    """
    options = ["--server.port", str(port), "--server.address", "127.0.0.1", "--server.headless", "true"]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "frontend/app.py", *options],
        cwd=root,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_until_healthy(process, f"http://127.0.0.1:{port}/_stcore/health", "the Streamlit app")
    return process


def wait_until_healthy(process: subprocess.Popen[bytes], url: str, name: str, seconds: float = START_TIMEOUT) -> None:
    """Wait until `url` answers 200, with a progress line every REPORT_EVERY seconds.

    Stop the process if the wait fails or is interrupted.

    Raises:
        StepFailedError: the process ended, or did not answer within `seconds`.
    """
    try:
        poll(process, url, name, seconds)
    except BaseException:
        # The process has its own session and does not get the Ctrl-C that ends this wait.
        stop(process)
        raise


def poll(process: subprocess.Popen[bytes], url: str, name: str, seconds: float) -> None:
    """Request `url` until it answers 200; raise as `wait_until_healthy` does."""
    started = time.monotonic()
    reported = 0.0
    while (waited := time.monotonic() - started) < seconds:
        if process.poll() is not None:
            raise StepFailedError(f"{name} did not start (exit code {process.returncode}).")
        if waited - reported >= REPORT_EVERY:
            reported = waited
            print(f"Waiting for {name}: {waited:.0f} s so far, at most {seconds:.0f} s.", flush=True)
        if is_healthy(url, min(REQUEST_TIMEOUT, seconds)):
            return
        time.sleep(0.1)
    raise StepFailedError(f"{name} did not answer at {url} within {seconds:.0f} s.")


def is_healthy(url: str, seconds: float) -> bool:
    """Return whether `url` answers 200 within `seconds`."""
    try:
        with urllib.request.urlopen(url, timeout=seconds) as answer:  # noqa: S310 (a fixed http URL)
            return bool(answer.status == 200)
    except OSError:
        return False


def free_port(preferred: int) -> int:
    """Return `preferred` if it is free on 127.0.0.1, otherwise a port chosen by the system."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", preferred))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
