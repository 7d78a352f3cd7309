"""One trained network for all tests of the folder."""

import contextlib
import io
from pathlib import Path

import pytest

from tests.localaws.image_classification.builders import write_root
from tests.network.builders import run

EPOCHS = "6"


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder and the log of a finished training."""
    root = write_root(tmp_path_factory.mktemp("trained"), images=32)
    (root / "checkpoints").mkdir()
    log = io.StringIO()
    with contextlib.redirect_stdout(log):
        assert run(root, epochs=EPOCHS) == 0
    return root, log.getvalue()
