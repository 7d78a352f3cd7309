"""ONNX graphs: a tiny network of the project, exported as a training job does, and graphs that fail."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper

from radiograph import SIDE


@functools.cache
def tiny() -> Any:
    """Return an untrained network whose scores differ between images."""
    import torch

    from network import networks

    torch.manual_seed(3)
    network = networks.build(2, fine_tuned=False).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.Linear):
            torch.nn.init.normal_(module.weight, std=2.0)
    return network


@functools.cache
def exported() -> bytes:
    """Return its graph."""
    from network import export

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        export.write(tiny(), (3, SIDE, SIDE), path)
        return path.read_bytes()


def graph(*nodes: Any, element: int = TensorProto.UINT8, side: int = SIDE) -> bytes:
    """Return a graph from "data", (n, side, side, 3), to "softmax" by these nodes."""
    data = helper.make_tensor_value_info("data", element, ["n", side, side, 3])
    softmax = helper.make_tensor_value_info("softmax", TensorProto.FLOAT, None)
    graph_proto = helper.make_graph(list(nodes), "graph", [data], [softmax])
    model = helper.make_model(graph_proto, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(onnx.ModelProto.SerializeToString(model))


def constant(name: str, element: int, *values: float | bool, shape: tuple[int, ...] = ()) -> Any:
    """Return a node with a constant."""
    return helper.make_node("Constant", [], [name], value=helper.make_tensor(name, element, shape, values))


def constant_output(element: int = TensorProto.UINT8, side: int = SIDE) -> bytes:
    """Return a graph of an input of this type and size."""
    return graph(constant("softmax", TensorProto.FLOAT, 0.5, 0.5, shape=(1, 2)), element=element, side=side)


def failing() -> bytes:
    """Return a graph that reads a pixel outside of the image."""
    cast = helper.make_node("Cast", ["data"], ["float"], to=TensorProto.FLOAT)
    outside = constant("outside", TensorProto.INT64, SIDE)
    return graph(cast, outside, helper.make_node("Gather", ["float", "outside"], ["softmax"], axis=1))


def mean_colours() -> bytes:
    """Return a graph that returns the mean of each colour, three values up to 255."""
    cast = helper.make_node("Cast", ["data"], ["float"], to=TensorProto.FLOAT)
    return graph(cast, helper.make_node("ReduceMean", ["float"], ["softmax"], axes=[1, 2], keepdims=0))


def endless() -> bytes:
    """Return a graph whose loop does not end within a request."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["again"]), helper.make_node("Sin", ["state"], ["next"])],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, [1, 2]),
        ],
        [
            helper.make_tensor_value_info("again", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, [1, 2]),
        ],
    )
    start = constant("start", TensorProto.FLOAT, 0.5, 0.5, shape=(1, 2))
    turns, condition = constant("turns", TensorProto.INT64, 2**62), constant("condition", TensorProto.BOOL, True)
    return graph(
        start, turns, condition, helper.make_node("Loop", ["turns", "condition", "start"], ["softmax"], body=body)
    )
