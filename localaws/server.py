"""The server process: MiniStack and SageMaker behind one port."""

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

from localaws.errors import StartError
from localaws.ministack import application

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
        os.environ.pop("AWS_PROFILE", None)
        os.environ.pop("AWS_SESSION_TOKEN", None)
        os.environ.update(application.environment(port, state_dir))
        asyncio.run(run(listening, port, state_dir))
    finally:
        lock.close()


def bind(port: int) -> socket.socket:
    """Bind 127.0.0.1:`port`.

    Raises:
        StartError: the port is taken.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
        listening.listen(512)
    except OSError as error:
        listening.close()
        holder = "by another localaws" if is_healthy(port) else f"({error.strerror})"
        raise StartError(
            f"port {port} on 127.0.0.1 is taken {holder}; stop it, or choose another port with --port."
        ) from error
    return listening


def is_healthy(port: int) -> bool:
    """Return whether a localaws serves on `port`."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_localaws/health", timeout=1) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def claim(state_dir: Path) -> IO[str]:
    """Create `state_dir` and lock it. Two servers on one state folder would overwrite each other's state.

    Raises:
        StartError: the folder cannot be written, or another localaws uses it.
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
    """Serve until SIGINT or SIGTERM, then end every child process."""
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config

    from localaws.gateway import Gateway
    from localaws.ministack import cloudformation, schedules
    from localaws.ministack.durability import Durability
    from localaws.ministack.policies import Authorizer
    from localaws.sagemaker.cloudformation import handlers
    from localaws.sagemaker.service import SageMakerService

    ministack, authorizer = application.load(), Authorizer()
    sagemaker = SageMakerService(state_dir / "sagemaker", f"http://localhost:{port}", authorizer)
    cloudformation.register(handlers(sagemaker.control))
    schedules.register(sagemaker.control, authorizer)
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
        await asyncio.to_thread(application.stop_functions)


def stop_signal() -> asyncio.Event:
    """Return an event that SIGINT or SIGTERM sets. A second signal ends the process at once."""
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
    """Wait until the port accepts connections."""
    while True:
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.05)
