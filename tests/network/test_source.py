"""What SageMaker's PyTorch container needs of the package."""

import sys

from network import source
from tests.imports import imported_modules

IN_THE_CONTAINER = {"PIL", "network", "numpy", "sagemaker_inference", "torch"}


def test_training_and_serving_import_only_what_the_container_has() -> None:
    for path in source.FOLDER.glob("*.py"):
        exports = path.stem in ("export", "onnx_padding") or path.stem.startswith("mxnet_")
        allowed = IN_THE_CONTAINER | ({"onnx", "onnxruntime"} if exports else set())
        imported = {name.split(".")[0] for name in imported_modules(path)} - sys.stdlib_module_names
        assert imported <= allowed, path.name


def test_the_entry_points_are_at_the_root_of_the_source() -> None:
    files = source.files()
    assert {"train.py", "inference.py", "network/__init__.py", "network/train.py"} <= files.keys()
    assert all(path.is_file() for path in files.values())
