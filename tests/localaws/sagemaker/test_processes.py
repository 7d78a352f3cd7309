"""Child processes: their lines, their exit codes, and their end with the process that started them."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from localaws.sagemaker.container.process import SUPERVISOR, Child
from tests.localaws.sagemaker.builders import alive, until


def start(code: str, lines: list[str]) -> Child:
    return Child([sys.executable, "-S", "-c", code], {}, lines.append)


def test_lines_of_both_outputs_arrive_whole_with_their_tabs() -> None:
    lines: list[str] = []
    code = r"import os; os.write(1, b'a\tb\r\nlast \xff'); os.write(2, b' and stderr')"
    assert start(code, lines).wait(10) == 0
    assert lines == ["a\tb", "last \ufffd and stderr"]


@pytest.mark.parametrize(
    ("code", "expected"), [("raise SystemExit(7)", 7), ("import os; os.kill(os.getpid(), 11)", 139)]
)
def test_the_exit_code_is_the_commands_own(code: str, expected: int) -> None:
    assert start(code, []).wait(10) == expected


def test_a_child_sees_no_aws_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    lines: list[str] = []
    start("import os; print([name for name in os.environ if name.startswith('AWS_')])", lines).wait(10)
    assert lines == ["[]"]


@pytest.mark.parametrize(("given", "expected"), [({}, "PASSIVE 10000"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE None")])
def test_threads_of_a_child_soon_sleep_while_they_wait_unless_the_environment_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], expected: str
) -> None:
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    lines: list[str] = []
    start("import os; print(*map(os.environ.get, ('OMP_WAIT_POLICY', 'GOMP_SPINCOUNT')))", lines).wait(10)
    assert lines == [expected]


def test_terminate_reaches_the_command_and_kill_ends_what_it_started() -> None:
    lines: list[str] = []
    code = (
        "import signal, subprocess, time; signal.signal(signal.SIGTERM, lambda *_: print('term', flush=True));"
        "print(subprocess.Popen(['sleep', '300']).pid, flush=True); time.sleep(1); time.sleep(300)"
    )
    child = start(code, lines)
    until(lambda: lines)
    child.terminate()
    until(lambda: "term" in lines)
    assert child.running
    child.kill()
    assert not child.running
    until(lambda: not alive(int(lines[0])))


def test_a_command_that_ends_takes_what_it_left_behind_with_it() -> None:
    lines: list[str] = []
    code = "import subprocess; print(subprocess.Popen(['sleep', '300']).pid, flush=True)"
    assert start(code, lines).wait(10) == 0
    until(lambda: not alive(int(lines[0])))


@pytest.mark.parametrize("prctl", [True, False])
def test_a_killed_parent_takes_the_command_with_it_also_without_prctl(tmp_path: Path, prctl: bool) -> None:
    """Without a parent-death signal, as on macOS, the supervisor's pipe ends the command."""
    supervisor = tmp_path / "supervise.py"
    source = SUPERVISOR.read_text()
    supervisor.write_text(source if prctl else source.replace('sys.platform != "linux"', "True"))
    parent_code = (
        "import sys, time; from pathlib import Path; from localaws.sagemaker.container import process;"
        f"process.SUPERVISOR = Path({str(supervisor)!r});"
        "command = [sys.executable, '-c', 'import os, time; print(os.getpid(), flush=True); time.sleep(300)'];"
        "child = process.Child(command, {}, lambda line: print(line, flush=True)); time.sleep(300)"
    )
    parent = subprocess.Popen([sys.executable, "-c", parent_code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    command = int(parent.stdout.readline())
    assert alive(command)
    parent.send_signal(signal.SIGKILL)
    parent.wait(5)
    until(lambda: not alive(command), 3)
    parent.stdout.close()
