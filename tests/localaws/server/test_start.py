"""Start and stop: a failed start is explained, and a stop leaves no process."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from localaws.environment import REGION, client_environment
from tests.localaws.server.builders import ROOT, Server, other_address, run
from tests.ports import free_port


def test_it_answers_on_the_loopback_address_only(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5):
        pass
    address = other_address()
    if address is not None:
        with pytest.raises(OSError), socket.create_connection((address, server.port), timeout=2):
            pass


def test_a_taken_port_is_named_with_the_way_out(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        result = run("--port", str(port), "--state-dir", str(tmp_path))
    assert result.returncode == 1
    assert f"port {port} on 127.0.0.1 is taken" in result.stderr
    assert "--port" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_port_that_another_localaws_holds_says_so(server: Server, tmp_path: Path) -> None:
    result = run("--port", str(server.port), "--state-dir", str(tmp_path))
    assert result.returncode == 1
    assert f"port {server.port} on 127.0.0.1 is taken by another localaws" in result.stderr


def test_a_state_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run("--port", str(free_port()), "--state-dir", str(tmp_path / "file" / "state"))
    assert result.returncode == 1
    assert "cannot be written" in result.stderr
    assert "Traceback" not in result.stderr


def test_two_servers_on_one_state_folder_are_refused(server: Server) -> None:
    result = run("--port", str(free_port()), "--state-dir", str(server.state))
    assert result.returncode == 1
    assert f"another localaws uses the state folder {server.state}" in result.stderr


@pytest.mark.parametrize("options", [["--prot", "4567"], ["--port", "80"], ["--port", "many"], ["sevre"]])
def test_a_wrong_option_is_usage(options: list[str]) -> None:
    result = run(*options)
    assert result.returncode == 2
    assert any(option in result.stderr for option in options)
    assert "Traceback" not in result.stderr


def test_the_printed_environment_points_a_shell_at_the_server() -> None:
    result = run("env", "--port", "4999", AWS_PROFILE="work", AWS_SESSION_TOKEN="old")
    shell = subprocess.run(
        ["bash", "-c", result.stdout + "env"], env={"PATH": os.environ["PATH"], "AWS_PROFILE": "work"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    variables = dict(line.split("=", 1) for line in shell.stdout.splitlines() if "=" in line)
    assert client_environment(4999).items() <= variables.items()
    assert "AWS_PROFILE" not in variables
    config = json.loads(Path(variables["SAGEMAKER_USER_CONFIG_OVERRIDE"]).read_text())
    modules = config["SageMaker"]["PythonSDK"]["Modules"]
    assert modules["TelemetryOptOut"] is True
    assert modules["Session"]["DefaultS3Bucket"] == f"sagemaker-{REGION}-000000000000"


def test_a_client_in_that_shell_is_the_accounts_root_here(server: Server) -> None:
    code = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
    printed = shlex.join([sys.executable, "-m", "localaws", "env", "--port", str(server.port)])
    client = shlex.join([sys.executable, "-c", code])
    shell = subprocess.run(
        ["bash", "-c", f'eval "$({printed})" && {client}'],
        cwd=ROOT, env={"PATH": os.environ["PATH"], "AWS_SESSION_TOKEN": "old", "HOME": "/nowhere"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert shell.stdout.strip() == "arn:aws:iam::000000000000:root", shell.stderr


def test_state_survives_every_end_and_a_stop_ends_every_process(tmp_path: Path) -> None:
    server = Server(tmp_path / "state", free_port())
    server.start()
    try:
        for signum, code in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 0), (signal.SIGINT, 0)):
            name, content = f"kept-{signum:d}", bytes(range(256))
            server.client("s3").create_bucket(Bucket=name)
            server.client("s3").put_object(Bucket=name, Key="images/one.jpg", Body=content)
            server.role(name)
            wait_for_save(server, name)
            assert server.processes()
            assert server.end(signum) == code
            if code == 0:
                assert server.processes() == []
            server.start()
            assert server.client("s3").get_object(Bucket=name, Key="images/one.jpg")["Body"].read() == content
            assert server.client("iam").get_role(RoleName=name)["Role"]["RoleName"] == name
    finally:
        server.end(signal.SIGTERM)


def test_a_change_writes_the_state_of_its_service_alone(server: Server) -> None:
    for name in ("saved-first", "saved-second"):  # the first save writes all states
        server.role(name)
        wait_for_save(server, name)
    before = times_of_change(server)
    server.role("saved-third")
    wait_for_save(server, "saved-third")
    after = times_of_change(server)
    assert [name for name in after if after[name] != before.get(name)] == ["iam.json"]


def times_of_change(server: Server) -> dict[str, int]:
    """Return when each state file was written."""
    return {path.name: path.stat().st_mtime_ns for path in (server.state / "ministack").glob("*.json")}


def wait_for_save(server: Server, name: str) -> None:
    """Wait until the role of that name is on disk, for at most 10 seconds."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if any(name in path.read_text(errors="ignore") for path in (server.state / "ministack").glob("iam.json")):
            return
        time.sleep(0.05)
