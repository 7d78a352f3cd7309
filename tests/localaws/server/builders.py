"""A localaws started as `python -m localaws`, with clients and roles."""

import io
import json
import os
import socket
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from demo.services import wait_until_healthy
from localaws.environment import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY

ROOT = Path(__file__).resolve().parents[3]


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "localaws", *options]


def run(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command line that ends by itself."""
    return subprocess.run(
        command(*options),
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@dataclass
class Server:
    """A localaws: its state folder, its port and its process."""

    state: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            command("--port", str(self.port), "--state-dir", str(self.state)),
            cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        wait_until_healthy(self.process, f"http://localhost:{self.port}/_localaws/health", "localaws", 30)

    def end(self, signum: int) -> int:
        assert self.process is not None
        self.process.send_signal(signum)
        return self.process.wait(20)

    def processes(self) -> list[int]:
        """Return the ids of the running processes in the server's session."""
        assert self.process is not None
        pids = []
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = path.read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue  # the process has ended
            if int(fields[3]) == self.process.pid and fields[0] != "Z":
                pids.append(int(path.parent.name))
        return pids

    def client(self, service: str, *credentials: str) -> Any:
        """Return a client of the account's root, or of the given key, secret and token."""
        key, secret, token = credentials or (ACCESS_KEY_ID, SECRET_ACCESS_KEY, None)
        session = boto3.Session(key, secret, token, REGION)
        return session.client(service, endpoint_url=f"http://localhost:{self.port}")

    def role(self, name: str, *statements: dict[str, Any]) -> tuple[str, str, str]:
        """Create a role with these statements; return its key, secret and token."""
        iam = self.client("iam")
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}}
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="grants", PolicyDocument=document(*statements))
        credentials = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        return credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"]

    def function(self, name: str, runtime: str, files: dict[str, str | bytes], handler: str) -> str:
        """Create a function from these files; return its ARN."""
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            for path, content in files.items():
                archive.writestr(path, content)
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
        role = self.client("iam").create_role(RoleName=f"runs-{name}", AssumeRolePolicyDocument=document(trust))
        created = self.client("lambda").create_function(
            FunctionName=name, Runtime=runtime, Role=role["Role"]["Arn"], Handler=handler,
            Code={"ZipFile": package.getvalue()}, Timeout=20,
        )  # fmt: skip
        return str(created["FunctionArn"])


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def other_address() -> str | None:
    """Return an address of this machine other than the loopback address, if it has one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address: str = probe.getsockname()[0]
    return None if address.startswith("127.") else address
