"""The order of the tests, how they are divided among processes (pytest-xdist), and the localaws that they share."""

import functools
import os
import random
import signal
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import botocore.loaders
import pytest
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from tests.localaws.server.builders import Server

IN_ORDER = ("tests/e2e/demo", "tests/e2e/walkthrough")
"""Folders whose tests share one cloud: the demo's or the notebook's."""
SHARING = frozenset({*IN_ORDER, "tests/infra", "tests/localaws/sagemaker", "tests/ml/scoring"})
"""Folders whose tests share what is slow to start: a local cloud, or the CDK's process with its templates."""

if "PYTEST_XDIST_WORKER" in os.environ:
    # OpenMP's threads wait for each other in busy loops, which costs both processes most of their time.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell that starts the tests in the background ignores it, and the commands that tests interrupt inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The CDK's own validation takes half of a synth. tests/infra/test_synth.py keeps it, for the shipped settings.
os.environ.setdefault("CDK_VALIDATION", "false")

# A session of boto3 parses the models of its services anew, which costs a tenth of a second for SageMaker's.
botocore.loaders.create_loader = functools.cache(botocore.loaders.create_loader)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Server]":
    """Start the localaws that the tests of a process share. A test uses names of its own in it."""
    from tests.localaws.server.builders import Server
    from tests.ports import free_port

    running = Server(tmp_path_factory.mktemp("server") / "state", free_port())
    running.start()
    yield running
    running.end(signal.SIGTERM)


class ByFixtures(LoadScopeScheduling):  # type: ignore[misc]
    """Keeps a file's tests in one process, since they share fixtures, and all files of a folder in SHARING."""

    def _split_scope(self, nodeid: str) -> str:
        folder = folder_of(nodeid)
        return folder if folder in SHARING else nodeid.partition("::")[0]


def folder_of(nodeid: str) -> str:
    """Return the folder of a test's file."""
    return str(PurePosixPath(nodeid.partition("::")[0]).parent)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFixtures:
    """Divide the tests by ByFixtures, whatever --dist says."""
    return ByFixtures(config, log)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--order", type=int, metavar="SEED", help="repeat the random order that a run printed")


def pytest_configure(config: pytest.Config) -> None:
    """Choose the order's seed once, in the process that pytest-xdist divides the tests from."""
    if config.option.order is None:
        inherited = getattr(config, "workerinput", {}).get("order")
        config.option.order = random.randrange(10_000) if inherited is None else inherited  # noqa: S311


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return one process more than there are processors, because tests also wait for servers; at most four."""
    return min((os.cpu_count() or 1) + 1, 4)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give the seed to a process of pytest-xdist."""
    node.workerinput["order"] = node.config.option.order


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the end-to-end tests first, as they stand in their files; shuffle the other files, and the tests in each.

    Folders in SHARING come before single files, because a long row at the end would leave the other processes idle.
    """
    shuffled = random.Random(config.option.order)  # noqa: S311
    rank = {path: shuffled.random() for path in sorted({item.path for item in items})}
    first = [item for item in items if folder_of(item.nodeid) in IN_ORDER]
    rest = [item for item in items if folder_of(item.nodeid) not in IN_ORDER]
    shuffled.shuffle(rest)
    items[:] = [*first, *sorted(rest, key=lambda item: (folder_of(item.nodeid) not in SHARING, rank[item.path]))]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    terminalreporter.write_line(f"Order of the tests: --order {config.option.order}")
