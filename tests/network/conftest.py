"""One trained network for all tests of the folder."""

import subprocess
from pathlib import Path

import pytest

from tests.localaws.image_classification.builders import write_root
from tests.network.builders import command

EPOCHS = "12"


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder and the log of a finished training process."""
    root = write_root(tmp_path_factory.mktemp("trained"), images=32)
    (root / "checkpoints").mkdir()
    done = subprocess.run(  # type: ignore[call-overload]
        **command(root, epochs=EPOCHS), capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return root, done.stdout
