"""The server process: check that it can start, start MiniStack and SageMaker behind one port, stop cleanly."""

import asyncio
import fcntl
import logging
import os
import signal
import socket
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import IO

from localaws.environment import server_environment
from localaws.errors import StartError

log = logging.getLogger("localaws")


def serve(port: int, state_dir: Path) -> None:
    """Serve on 127.0.0.1:`port` until SIGINT or SIGTERM, keeping state in `state_dir`.

    Raises:
        StartError: the port is taken, or the folder cannot be used or is in use.
    """
    listening = bind(port)
    lock = claim(state_dir)
    try:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        logging.getLogger("ministack").setLevel(logging.WARNING)
        for chatty in ("persistence", "transfer"):
            logging.getLogger(chatty).setLevel(logging.WARNING)
        os.environ.pop("AWS_PROFILE", None)
        os.environ.pop("AWS_SESSION_TOKEN", None)
        os.environ.update(server_environment(port, state_dir))
        asyncio.run(run(listening, port, state_dir))
    finally:
        lock.close()


def bind(port: int) -> socket.socket:
    """Bind 127.0.0.1:`port` before anything else is started.

    Raises:
        StartError: it is taken.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
        listening.listen(512)
    except OSError as error:
        listening.close()
        holder = "by another localaws" if answers(port) else f"({error.strerror})"
        raise StartError(
            f"port {port} on 127.0.0.1 is taken {holder}; stop it, or choose another port with --port."
        ) from error
    return listening


def answers(port: int) -> bool:
    """Return whether a localaws serves on `port`."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_localaws/health", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def claim(state_dir: Path) -> IO[str]:
    """Create `state_dir` and lock it: two servers on one state would overwrite each other.

    Raises:
        StartError: it cannot be written, or another localaws uses it.
    """
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        lock = (state_dir / "lock").open("a")
    except OSError as error:
        raise StartError(
            f"the state folder {state_dir} cannot be written ({error.strerror}); choose another with --state-dir."
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise StartError(
            f"another localaws uses the state folder {state_dir}; stop it, or choose another with --state-dir."
        ) from error
    return lock


async def run(listening: socket.socket, port: int, state_dir: Path) -> None:
    """Serve until a signal asks to stop; every child process has ended when this returns."""
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config
    from ministack.app import app as ministack
    from ministack.core import lambda_runtime

    from localaws.gateway import Gateway
    from localaws.identity import Authorizer
    from localaws.ministack import cloudformation, schedules
    from localaws.ministack.durability import Durability
    from localaws.sagemaker.service import SageMakerService

    authorizer = Authorizer()
    sagemaker = SageMakerService(state_dir / "sagemaker", f"http://localhost:{port}", authorizer)
    cloudformation.register(sagemaker)
    schedules.register(sagemaker, authorizer)
    gateway = Gateway(ministack, sagemaker, port)
    durability = Durability()
    gateway.on_change = durability.changed

    config = Config()
    config.bind = [f"fd://{listening.fileno()}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 3
    config.loglevel = "WARNING"
    stopping = stop_signal()
    serving = asyncio.create_task(hypercorn_serve(gateway, config, shutdown_trigger=stopping.wait))  # type: ignore[arg-type]
    try:
        await ready(port)
        await sagemaker.start()
        print(f"localaws answers on http://localhost:{port} (state in {state_dir}).", flush=True)
        print(f'Point a shell at it: eval "$(python -m localaws env --port {port})"', flush=True)
        await serving
    finally:
        await sagemaker.stop()
        durability.save()
        await asyncio.to_thread(lambda_runtime.reset)  # ends the warm processes functions run in


def stop_signal() -> asyncio.Event:
    """Return an event that SIGINT or SIGTERM sets; a second signal ends the process at once."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal(signum: int) -> None:
        if stopping.is_set():
            os._exit(128 + signum)
        stopping.set()

    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, on_signal, signum)
    return stopping


async def ready(port: int) -> None:
    """Return when the port answers a request."""
    while True:
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.05)
