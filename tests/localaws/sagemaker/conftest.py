"""The localaws of the SageMaker tests: real S3, IAM, Logs and child processes."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.localaws.sagemaker.builders import Cloud, running_cloud


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    yield from running_cloud(tmp_path_factory.mktemp("cloud") / "state")


@pytest.fixture(scope="module")
def own_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A localaws that the tests of a file may kill and start again."""
    yield from running_cloud(tmp_path_factory.mktemp("own_cloud") / "state")


@pytest.fixture(scope="session")
def sagemaker(cloud: Cloud) -> Any:
    return cloud.client("sagemaker")
