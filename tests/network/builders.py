"""Training jobs of the network in a folder in place of /opt/ml."""

import io
import os
import sys
import tarfile
from pathlib import Path

import pytest

from network import source, train

SMALL = {"num_classes": "2", "image_shape": "3,32,32", "mini_batch_size": "8", "use_pretrained_model": "0"}
"""Hyperparameters for small images."""


def environment(root: Path) -> dict[str, str]:
    """Return the variables of a job whose channels are below root/input/data."""
    channels = {f"SM_CHANNEL_{path.name.upper()}": str(path) for path in (root / "input/data").iterdir()}
    return channels | {"SM_MODEL_DIR": str(root / "model")}


def arguments(**hyperparameters: str) -> list[str]:
    """Return the arguments of train.py, in the order of their names."""
    return [part for name, value in sorted((SMALL | hyperparameters).items()) for part in (f"--{name}", value)]


def command(root: Path, **hyperparameters: str) -> dict[str, object]:
    """Return Popen's arguments for a training with the source alone in root/code, as in the container."""
    source.copy(root / "code")
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {
        "args": [sys.executable, "train.py", *arguments(**hyperparameters)],
        "cwd": root / "code",
        "env": inherited | environment(root),
    }


def run(root: Path, **hyperparameters: str) -> int:
    """Run train.py in this process, where PyTorch is loaded already; return its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(root).items():
            patch.setenv(name, value)
        return train.main(arguments(**hyperparameters))


def source_archive() -> bytes:
    """Return the sourcedir.tar.gz of a job."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, path in source.files().items():
            archive.add(path, name)
    return buffer.getvalue()
