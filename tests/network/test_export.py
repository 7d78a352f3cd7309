"""The exported graph with padding merged into its convolutions."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper

from network import export, networks
from network.onnx_padding import fold_padding
from network.recipe import RECIPES


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_exported_graph_pads_in_its_convolutions_and_scores_as_the_network_does(
    tmp_path: Path, recipe: str
) -> None:
    network = networks.build(2, True, recipe).eval()
    export.write(network, (3, 64, 64), tmp_path / "model.onnx")
    graph = onnx.load(tmp_path / "model.onnx").graph
    assert not [node.name for node in graph.node if node.op_type == "Pad"]
    images = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    with torch.no_grad():
        expected = export.ServedNetwork(network).eval()(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(session.run(None, {"data": images})[0], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("mode", "pads", "value"),
    [("reflect", [0, 0, 1, 1, 0, 0, 1, 1], 0.0), ("constant", [0, 0, 1, 1, 0, 0, 1, 1], 1.0),
     ("constant", [0, 1, 0, 0, 0, 0, 0, 0], 0.0)],
)  # fmt: skip
def test_padding_that_a_convolution_cannot_do_stays(tmp_path: Path, mode: str, pads: list[int], value: float) -> None:
    channels = 1 + sum(pads[1::4])
    nodes = [
        helper.make_node("Pad", ["x", "pads", "value"], ["padded"], mode=mode),
        helper.make_node("Conv", ["padded", "weight"], ["y"], pads=[0, 0, 0, 0], kernel_shape=[3, 3]),
    ]
    constants = [
        helper.make_tensor("pads", TensorProto.INT64, [8], pads),
        helper.make_tensor("value", TensorProto.FLOAT, [], [value]),
        helper.make_tensor("weight", TensorProto.FLOAT, [1, channels, 3, 3], [1.0] * 9 * channels),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "one", ends[:1], ends[1:], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), tmp_path / "one.onnx")
    fold_padding(tmp_path / "one.onnx")
    assert [node.op_type for node in onnx.load(tmp_path / "one.onnx").graph.node] == ["Pad", "Conv"]
