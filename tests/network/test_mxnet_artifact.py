"""The graph of a built-in algorithm's artifact answers as the network it was made from."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from network import mxnet_artifact
from tests.network import mxnet_builders as builders
from tests.network.mxnet_builders import PARAMS, SHAPES, SYMBOL, Writer


def run(graph: Path, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["softmax"], {"data": images})[0])


def converted(content: dict[str, bytes], folder: Path, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the probabilities of the graph of an artifact's files."""
    mxnet_artifact.write(builders.write(content, folder / "model"), folder / "model.onnx")
    return run(folder / "model.onnx", images)


@pytest.mark.parametrize("bottleneck", [False, True])
def test_the_graph_gives_the_probabilities_of_the_same_network_in_pytorch(tmp_path: Path, bottleneck: bool) -> None:
    network, images = builders.small(bottleneck), builders.pixels()
    expected = builders.expected(network, images)
    assert np.ptp(expected[:, 1]) > 0.01
    np.testing.assert_allclose(converted(builders.files(network), tmp_path, images), expected, atol=1e-5)


def test_the_archive_and_its_folder_give_the_same_graph(tmp_path: Path) -> None:
    content = builders.files(builders.small())
    (tmp_path / "model.tar.gz").write_bytes(builders.packed(content))
    assert mxnet_artifact.write(tmp_path / "model.tar.gz", tmp_path / "archive.onnx") == PARAMS
    mxnet_artifact.write(builders.write(content, tmp_path / "model"), tmp_path / "folder.onnx")
    assert (tmp_path / "archive.onnx").read_bytes() == (tmp_path / "folder.onnx").read_bytes()


def mixed(document: dict[str, Any]) -> None:
    """Give every second node both spellings of attributes, as public artifacts have them."""
    for node in document["nodes"][::2]:
        node.setdefault("attr", node.pop("attrs", {}))
        node["attrs"] = {}


@pytest.mark.parametrize(
    ("writer", "magic"),
    [(Writer("attr", ","), 0xF993FAC8), (Writer("param", ", "), 0xF993FAC9), (Writer("attrs", ", "), 0xF993FACA)],
    ids=["attr", "param", "attrs"],
)
def test_files_of_different_versions_of_mxnet_give_the_same_probabilities(
    tmp_path: Path, writer: Writer, magic: int
) -> None:
    network, images = builders.small(), builders.pixels()
    document = builders.symbol(network, writer)
    if writer.key == "attrs":
        mixed(document)
    content = builders.files(network) | {
        SYMBOL: json.dumps(document).encode(),
        PARAMS: builders.params(network.parameters_of_mxnet(), magic),
    }
    np.testing.assert_allclose(converted(content, tmp_path, images), builders.expected(network, images), atol=1e-5)


def test_of_several_epochs_the_last_one_is_converted(tmp_path: Path) -> None:
    network, images = builders.small(), builders.pixels()
    content = builders.files(network)
    last = content.pop(PARAMS)
    for epoch in ("0001", "0009"):
        network.fc1.bias.data += 1
        content[f"image-classification-{epoch}.params"] = builders.params(network.parameters_of_mxnet())
    content["image-classification-0010.params"] = last
    probabilities = converted(content, tmp_path, images)
    np.testing.assert_allclose(probabilities, builders.expected(builders.small(), images), atol=1e-5)


def test_arrays_that_the_network_does_not_use_are_ignored(tmp_path: Path) -> None:
    network, images = builders.small(), builders.pixels()
    arrays = network.parameters_of_mxnet() | {"arg:fc_old_weight": np.full((1000, 3), np.nan, np.float32)}
    content = builders.files(network) | {PARAMS: builders.params(arrays)}
    np.testing.assert_allclose(converted(content, tmp_path, images), builders.expected(network, images), atol=1e-5)


PLANES = np.random.default_rng(3).integers(0, 256, (2, 9, 12, 3), dtype=np.uint8)
WEIGHT, BIAS = (np.random.default_rng(4).normal(size=size).astype(np.float32) / 500 for size in ((6, 1, 3, 2), 6))


def small_graph(tmp_path: Path, operator: str, **attributes: Any) -> NDArray[np.float32]:
    """Return the probabilities of one operator, flattened, and the softmax of its first six results."""
    writer = Writer()
    inputs = [writer.variable("data")]
    if operator == "Convolution":
        inputs += [writer.variable("weight"), writer.variable("bias")]
    value = writer.node(operator, "tested", inputs, **attributes)
    if operator == "Pooling":
        value = writer.batch_norm("small", value)
    writer.node("softmax", "softmax", [writer.node("Flatten", "flat", [value])])
    statistics = dict(zip(("gamma", "beta", "moving_mean", "moving_var"), (1, 0, 0, 1e4), strict=True))
    arrays = {f"arg:small_{name}": np.full(3, number, np.float32) for name, number in statistics.items()}
    content = {
        SYMBOL: json.dumps(writer.symbol()).encode(), SHAPES: builders.shapes(9, 12),
        PARAMS: builders.params(arrays | {"arg:weight": WEIGHT, "arg:bias": BIAS}),
    }  # fmt: skip
    return converted(content, tmp_path, PLANES)


def probabilities(values: torch.Tensor) -> NDArray[np.float32]:
    return np.asarray(torch.softmax(values.flatten(1), 1))


def planes() -> torch.Tensor:
    return torch.from_numpy(PLANES).permute(0, 3, 1, 2).float()


def test_strides_dilation_groups_and_bias_of_a_convolution_are_those_of_the_attributes(tmp_path: Path) -> None:
    expected = F.conv2d(planes(), torch.from_numpy(WEIGHT), torch.from_numpy(BIAS), (2, 1), (1, 2), (2, 3), 3)
    computed = small_graph(
        tmp_path, "Convolution", kernel=(3, 2), num_filter=6, num_group=3, stride=(2, 1), pad=(1, 2), dilate=(2, 3)
    )
    np.testing.assert_allclose(computed, probabilities(expected), rtol=1e-4)


def pooled(kind: str, size: int, stride: int, pad: int, full: bool) -> torch.Tensor:
    if kind == "max":
        return F.max_pool2d(planes(), size, stride, pad, ceil_mode=full)
    return F.avg_pool2d(planes(), size, stride, pad)


@pytest.mark.parametrize(
    ("kind", "size", "stride", "pad", "full"),
    [("max", 3, 2, 1, False), ("max", 3, 2, 1, True), ("max", 2, 2, 0, True), ("avg", 3, 2, 1, False)],
)
def test_a_pooling_counts_incomplete_windows_as_its_convention_says(
    tmp_path: Path, kind: str, size: int, stride: int, pad: int, full: bool
) -> None:
    convention = {"pooling_convention": "full"} if full else {}
    computed = small_graph(
        tmp_path, "Pooling", kernel=(size, size), stride=(stride, stride), pad=(pad, pad), pool_type=kind, **convention
    )
    expected = pooled(kind, size, stride, pad, full) / np.sqrt(1e4 + 2e-5)
    np.testing.assert_allclose(computed, probabilities(expected), rtol=1e-4)


def test_the_graph_loads_as_one_of_the_project_does(tmp_path: Path) -> None:
    mxnet_artifact.write(builders.write(builders.files(builders.small()), tmp_path / "model"), tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    (data,), (softmax,) = session.get_inputs(), session.get_outputs()
    assert (data.name, data.type, data.shape) == ("data", "tensor(uint8)", ["n", *builders.SIDES, 3])
    assert (softmax.name, softmax.type, softmax.shape) == ("softmax", "tensor(float)", ["n", 2])
