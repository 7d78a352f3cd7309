"""What other people's clients do on localaws: both SageMaker Python SDKs and the AWS CLI, each as published.

Each client gets a virtual environment of its own below .cache/clients (SDK v3 is about 1 GB). localaws starts on a
free port with an empty state and a bucket of small synthetic images; the execution role has AmazonSageMakerFullAccess
and nothing else. One line is printed for each step. Exit code 1 if a step fails; its traceback is in
build/clients/. Run it as `python -m benchmarks.clients`, or with the names of some clients.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3

from benchmarks.clients import data
from demo.services import client_environment, free_port, wait_until_healthy

ROOT = Path(__file__).resolve().parents[2]
CLIENTS = {
    "sdk-v2": ("sagemaker==2.257.7", "sdk_v2.py"),
    "sdk-v3": ("sagemaker==3.27.0", "sdk_v3.py"),
    "cli": ("awscli==1.46.3", "cli.py"),
}
"""The package of each client, and the script that uses it."""
PYTHON = "3.11"
TRUST = """{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
"Principal": {"Service": "sagemaker.amazonaws.com"}}]}"""
POLICY = "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"


def install(client: str) -> Path:
    """Return the Python of the client's environment, which is created if it does not exist."""
    package = CLIENTS[client][0]
    folder = ROOT / ".cache" / "clients" / package
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"Install {package} into {folder.relative_to(ROOT)}", flush=True)
        subprocess.run(["uv", "venv", "--quiet", "--python", PYTHON, str(folder)], check=True)
        subprocess.run(["uv", "pip", "install", "--quiet", "--python", str(python), package], check=True)
    return python


@contextmanager
def localaws(folder: Path, log: Path) -> Iterator[dict[str, str]]:
    """Run localaws with its state in `folder`; yield the environment of its clients."""
    port = free_port(24566)
    with log.open("w", encoding="utf-8") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "localaws", "--port", str(port), "--state-dir", str(folder)],
            cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdout=output,
            stderr=output,
        )
    try:
        wait_until_healthy(server, f"http://localhost:{port}/_localaws/health", "localaws")
        names = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "PYTHONPATH", "VIRTUAL_ENV")
        yield {name: value for name, value in os.environ.items() if name not in names} | client_environment(port)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


def create_role(name: str) -> str:
    """Create an execution role as SageMaker's console does, below /service-role/; return its ARN."""
    iam = boto3.client("iam")
    role = iam.create_role(RoleName=name, Path="/service-role/", AssumeRolePolicyDocument=TRUST)["Role"]
    iam.attach_role_policy(RoleName=name, PolicyArn=POLICY)
    return str(role["Arn"])


def run(client: str, python: Path, environment: dict[str, str], arguments: list[str]) -> bool:
    """Run a client's script, print its lines for steps and log the others; return whether every step succeeded."""
    script = Path(__file__).with_name(CLIENTS[client][1])
    path = f"{python.parent}{os.pathsep}{environment['PATH']}"
    process = subprocess.Popen(
        [str(python), str(script), *arguments],
        env=environment | {"PATH": path, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None  # noqa: S101
    with (ROOT / "build" / "clients" / f"{client}.log").open("w", encoding="utf-8") as log:
        for line in process.stdout:
            log.write(line)
            if line.startswith("STEP "):
                print(line.removeprefix("STEP "), end="", flush=True)
    return process.wait() == 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.clients", description=__doc__.splitlines()[0])
    parser.add_argument("clients", nargs="*", metavar="CLIENT", help=f"{', '.join(CLIENTS)} (default: all)")
    names = parser.parse_args().clients or list(CLIENTS)
    if unknown := [name for name in names if name not in CLIENTS]:
        parser.error(f"unknown client {', '.join(unknown)}; choose from {', '.join(CLIENTS)}.")
    pythons = {name: install(name) for name in names}
    logs = ROOT / "build" / "clients"
    logs.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        images = data.write(Path(temporary) / "images")
        with localaws(Path(temporary) / "state", logs / "localaws.log") as environment:
            os.environ.update(environment)
            role = create_role("AmazonSageMaker-ExecutionRole-1")
            results = []
            for name in names:
                print(f"\n{CLIENTS[name][0]}", flush=True)
                results.append(run(name, pythons[name], environment, [role, str(images)]))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
