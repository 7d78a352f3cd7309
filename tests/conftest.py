"""How tests share out among processes (pytest-xdist)."""

import os
from pathlib import PurePosixPath

import pytest
from xdist.scheduler import LoadScopeScheduling

ONE_CLOUD = "tests/e2e"
OWN_CLOUD = frozenset({"test_walkthrough.py"})
"""End-to-end modules that do not use the cloud that the others share."""

if "PYTEST_XDIST_WORKER" in os.environ:
    # OpenMP's threads wait for each other in busy loops, which costs both processes most of their time.
    os.environ.setdefault("OMP_NUM_THREADS", "1")


class ByFixtures(LoadScopeScheduling):  # type: ignore[misc]
    """Keeps a file's tests in one process, since they share fixtures, and all those on the demo's cloud."""

    def _split_scope(self, nodeid: str) -> str:
        path = PurePosixPath(nodeid.partition("::")[0])
        shares = str(path.parent) == ONE_CLOUD and path.name not in OWN_CLOUD
        return ONE_CLOUD if shares else str(path)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFixtures:
    """Share the tests out by ByFixtures, whatever --dist says."""
    return ByFixtures(config, log)
