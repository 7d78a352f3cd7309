"""The notebook, executed once in a local cloud of its own. The other tests use the stage that it deploys."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.walk import account_and_region
from radiograph.phantom import write_dataset
from tests.ports import free_port

from ..builders import Cloud, copy_of_the_project, started
from .builders import Walk, execute

IMAGES = 60


@pytest.fixture(scope="package")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("walkthrough") / "images"
    write_dataset(folder, IMAGES)
    return folder


@pytest.fixture(scope="package")
def walk(images: Path) -> Iterator[Walk]:
    """All cells but the last."""
    with started(copy_of_the_project(images.parent / "project"), free_port()) as cloud:
        done = cloud.run("cdk", "bootstrap", "--app", "", account_and_region())
        assert done.returncode == 0, done.stderr
        yield Walk(execute(cloud, images, delete=False), cloud)


@pytest.fixture(scope="package")
def cloud(walk: Walk) -> Cloud:
    """The local cloud with the stage that the notebook has deployed."""
    return walk.cloud
