"""The order of the tests: random, repeatable, and kept where tests share a cloud."""

import itertools
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

FILES = (
    "tests/e2e/demo/test_b.py",
    "tests/e2e/walkthrough/test_e.py",
    "tests/infra/test_d.py",
    "tests/ml/test_a.py",
    "tests/ml/test_c.py",
)
NUMBERS = range(8)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with this project's conftest.py and eight tests in each of FILES."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "pytest.ini").touch()
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("".join(f"def test_{number}(): pass\n" for number in NUMBERS), encoding="utf-8")
    shutil.copy2(Path(__file__).with_name("conftest.py"), folder / "tests")
    return folder


@cache
def order(project: Path, seed: int, *options: str) -> list[str]:
    """Return the ids of the project's tests in the order in which pytest would run them."""
    command = [sys.executable, "-m", "pytest", "-q", "--collect-only", "--order", str(seed), *options]
    env = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    run = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return [line for line in run.stdout.splitlines() if "::" in line]


def test_a_seed_repeats_its_order_with_and_without_xdist(project: Path) -> None:
    assert order(project, 1, "-p", "xdist") == order(project, 1, "-p", "no:xdist")


def test_another_seed_gives_another_order_of_the_same_tests(project: Path) -> None:
    first, second = order(project, 1), order(project, 2)
    assert first != second
    assert sorted(first) == sorted(second)


def test_the_tests_of_a_file_stay_together_and_folders_that_share_come_first(project: Path) -> None:
    files = [test.partition("::")[0] for test in order(project, 1)]
    *sharing, last, other = [name for name, _ in itertools.groupby(files)]
    assert sharing == [*FILES[:3]]
    assert {last, other} == {*FILES[3:]}


def test_end_to_end_tests_come_first_in_the_order_of_their_files(project: Path) -> None:
    expected = [f"{name}::test_{number}" for name in FILES[:2] for number in NUMBERS]
    assert order(project, 1)[: len(expected)] == expected


def test_the_processes_of_xdist_share_an_order_that_nobody_gave(project: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "xdist", "-n", "2"]
    env = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    run = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
