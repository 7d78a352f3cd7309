"""Translation of the MXNet operators in the algorithm's ResNets to ONNX, with a check of every shape.

Operators, attributes and defaults are those of src/operator in MXNet 1.0 to 1.9. They are the operators of
example/image-classification/symbols/resnet.py in MXNet and of public artifacts of the algorithm, which add `_copy`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from network.errors import InputError
from network.mxnet_symbol import VARIABLE, Node

INPUT, OUTPUT = "data", "softmax"
"""Names in the graph, as in `network.export`."""
MAX_ELEMENTS = 2**26
"""Of a result between two operators for one image: 256 MB. ResNets at 1024 x 1024 pixels have a quarter."""
HEADS = ("SoftmaxOutput", "softmax")
MULTI_LABEL = ("LogisticRegressionOutput", "sigmoid")


Shape = tuple[int, ...]


@dataclass(frozen=True)
class Value:
    """A result: its name in the ONNX graph, and its shape without the first axis, the images."""

    name: str
    shape: Shape


class Graph:
    """An ONNX graph in the making, and the arrays of the .params file."""

    def __init__(self, parameters: Mapping[str, NDArray[np.float32]]) -> None:
        self.proto, self.parameters = onnx.GraphProto(name="mxnet"), parameters
        self.stored: dict[str, NDArray[np.float32]] = {}
        """Values of the initializers by name, which are not in `proto` yet."""

    def add(self, operator: str, inputs: Sequence[str], name: str, shape: Shape, **attributes: Any) -> Value:
        """Add a node, and return its result.

        Raises:
            InputError: the result is too large.
        """
        if math.prod(shape) > MAX_ELEMENTS:
            raise InputError(f"Node {name} computes {shape} values for an image; {MAX_ELEMENTS:,} are allowed.")
        self.proto.node.append(helper.make_node(operator, inputs, [name], **attributes))
        return Value(name, shape)

    def weight(self, node: Node, name: str, shape: Shape) -> str:
        """Store a parameter in the graph and return its name there.

        Raises:
            InputError: the file does not have it, or it has another shape, or values that are not finite.
        """
        values = self.parameters.get(f"arg:{name}", self.parameters.get(f"aux:{name}"))
        if values is None:
            raise InputError(f"The .params file has no array {name}, which the {node} needs.")
        if values.shape != shape:
            raise InputError(f"{name} has the shape {values.shape}; the {node} takes {shape}.")
        if not np.isfinite(values).all():
            raise InputError(f"{name} holds NaN or infinite values.")
        return self.store(name, values)

    def store(self, name: str, values: NDArray[np.float32]) -> str:
        """Remember values for the graph, and return their name there."""
        self.stored[f"{name}.value"] = values
        return f"{name}.value"


Inputs = list[Value | str]
"""Results of earlier nodes, and names of variables."""


def split(node: Node, inputs: Inputs, values: int, variables: int) -> tuple[list[Value], list[str]]:
    """Return the results and the variables that a node takes.

    Raises:
        InputError: it takes others.
    """
    results = [item for item in inputs[:values] if isinstance(item, Value)]
    names = [item for item in inputs[values:] if isinstance(item, str)]
    if (len(results), len(names), len(inputs)) != (values, variables, values + variables):
        raise InputError(
            f"The {node} must take {values} results of other nodes and {variables} parameters; it takes {len(inputs)} "
            "inputs."
        )
    return results, names


def planes(node: Node, value: Value) -> tuple[int, int, int]:
    """Return channels, height and width.

    Raises:
        InputError: it has other axes.
    """
    if len(value.shape) != 3:
        raise InputError(f"The {node} takes channels, rows and columns; its input has the shape {value.shape}.")
    channels, height, width = value.shape
    return channels, height, width


def refuse_unless(node: Node, name: str, *allowed: str) -> None:
    """Check a text attribute; a missing one has the default.

    Raises:
        InputError: it has another value.
    """
    if (text := node.text(name, allowed[0])) not in allowed:
        raise InputError(f"The {node} has {name}={text[:100]}; only {' or '.join(allowed)} can be converted.")


def convolution(graph: Graph, node: Node, inputs: Inputs) -> Value:
    """Translate Convolution."""
    refuse_unless(node, "layout", "None", "NCHW")
    with_bias = not node.flag("no_bias", False)
    (data,), names = split(node, inputs, 1, 2 if with_bias else 1)
    channels, *sides = planes(node, data)
    filters, groups = node.whole("num_filter"), node.whole("num_group", "1")
    kernel, stride = node.pair("kernel", 0), node.pair("stride", 1)
    dilate, pad = node.pair("dilate", 1), node.pair("pad", 0)
    spans = [step * (side - 1) + 1 for step, side in zip(dilate, kernel, strict=True)]
    if min(filters, groups, *kernel, *stride, *dilate) < 1 or channels % groups or filters % groups:
        raise InputError(f"The {node} has impossible attributes: {str(node.attributes)[:300]}.")
    size = [windows(node, *of_axis, False) for of_axis in zip(sides, spans, stride, pad, strict=True)]
    weights = [graph.weight(node, names[0], (filters, channels // groups, *kernel))]
    weights += [graph.weight(node, name, (filters,)) for name in names[1:]]
    return graph.add(
        "Conv",
        [data.name, *weights],
        node.result,
        (filters, *size),
        kernel_shape=kernel,
        strides=stride,
        dilations=dilate,
        pads=[*pad, *pad],
        group=groups,
    )


def windows(node: Node, side: int, kernel: int, stride: int, pad: int, full: bool) -> int:
    """Return the number of windows along an axis; a last incomplete one counts only with `full`.

    Raises:
        InputError: there are none.
    """
    room = side + 2 * pad - kernel
    if room < 0:
        raise InputError(f"The {node} takes {kernel} rows or columns at once; its padded input has {side + 2 * pad}.")
    return (-(-room // stride) if full else room // stride) + 1


def batch_norm(graph: Graph, node: Node, inputs: Inputs) -> Value:
    """Translate BatchNorm, which uses the moving statistics at inference.

    With fix_gamma, gamma is 1 whatever is stored. MXNet's defaults are fix_gamma=True and eps=0.001.
    """
    refuse_unless(node, "axis", "1")
    refuse_unless(node, "output_mean_var", "False", "0")
    (data,), names = split(node, inputs, 1, 4)
    shape = data.shape[:1]
    weights = [graph.weight(node, name, shape) for name in names[1:]]
    if node.flag("fix_gamma", True):
        gamma = graph.store(f"{node.name}.ones", np.ones(shape, np.float32))
    else:
        gamma = graph.weight(node, names[0], shape)
    epsilon = node.real("eps", 1e-3)
    return graph.add("BatchNormalization", [data.name, gamma, *weights], node.result, data.shape, epsilon=epsilon)


def activation(graph: Graph, node: Node, inputs: Inputs) -> Value:
    """Translate Activation."""
    refuse_unless(node, "act_type", "relu")
    (data,), _ = split(node, inputs, 1, 0)
    return graph.add("Relu", [data.name], node.result, data.shape)


def pooling(graph: Graph, node: Node, inputs: Inputs) -> Value:
    """Translate Pooling.

    With pooling_convention=full, a last incomplete window counts. ONNX Runtime gets it as padding, which a maximum
    ignores; an average would count it.
    """
    refuse_unless(node, "pool_type", "max", "avg")
    refuse_unless(node, "pooling_convention", "valid", "full")
    refuse_unless(node, "layout", "None", "NCHW")
    kind = {"max": "Max", "avg": "Average"}[node.text("pool_type", "max")]
    (data,), _ = split(node, inputs, 1, 0)
    channels, *sides = planes(node, data)
    if node.flag("global_pool", False):
        return graph.add(f"Global{kind}Pool", [data.name], node.result, (channels, 1, 1))
    kernel, stride, pad = node.pair("kernel", 0), node.pair("stride", 1), node.pair("pad", 0)
    if min(*kernel, *stride) < 1:
        raise InputError(f"The {node} has impossible attributes: {str(node.attributes)[:300]}.")
    full = node.text("pooling_convention") == "full"
    size = [windows(node, *of_axis, full) for of_axis in zip(sides, kernel, stride, pad, strict=True)]
    axes = zip(size, sides, kernel, stride, pad, strict=True)
    ends = [max(before, (count - 1) * step + window - side - before) for count, side, window, step, before in axes]
    if (kind == "Average" and ends != [*pad]) or any(end >= window for end, window in zip(ends, kernel, strict=True)):
        raise InputError(f"The {node} has a padding that cannot be converted: {str(node.attributes)[:300]}.")
    counting = {"count_include_pad": int(node.flag("count_include_pad", True))} if kind == "Average" else {}
    return graph.add(
        f"{kind}Pool",
        [data.name],
        node.result,
        (channels, *size),
        kernel_shape=kernel,
        strides=stride,
        pads=[*pad, *ends],
        **counting,
    )


def flatten(graph: Graph, node: Node, inputs: Inputs) -> Value:
    """Translate Flatten."""
    (data,), _ = split(node, inputs, 1, 0)
    return graph.add("Flatten", [data.name], node.result, (math.prod(data.shape),), axis=1)


def fully_connected(graph: Graph, node: Node, inputs: Inputs) -> Value:
    """Translate FullyConnected, which flattens its input by default."""
    with_bias = not node.flag("no_bias", False)
    (data,), names = split(node, inputs, 1, 2 if with_bias else 1)
    if len(data.shape) > 1:
        refuse_unless(node, "flatten", "True", "1")
        data = graph.add("Flatten", [data.name], f"{node.name}.flat", (math.prod(data.shape),), axis=1)
    outputs = node.whole("num_hidden")
    weights = [graph.weight(node, names[0], (outputs, *data.shape))]
    weights += [graph.weight(node, name, (outputs,)) for name in names[1:]]
    return graph.add("Gemm", [data.name, *weights], node.result, (outputs,), transB=1)


def addition(graph: Graph, node: Node, inputs: Inputs) -> Value:
    """Translate a sum of two results."""
    (left, right), _ = split(node, inputs, 2, 0)
    if left.shape != right.shape:
        raise InputError(f"The {node} adds the shapes {left.shape} and {right.shape}; they must be equal.")
    return graph.add("Add", [left.name, right.name], node.result, left.shape)


def identity(graph: Graph, node: Node, inputs: Inputs) -> Value:
    """Translate a copy."""
    (data,), _ = split(node, inputs, 1, 0)
    return data


def softmax(graph: Graph, node: Node, inputs: Inputs) -> Value:
    """Translate the last node. SoftmaxOutput also takes the labels, which training alone uses."""
    refuse_unless(node, "multi_output", "False", "0")
    refuse_unless(node, "temperature", "None")
    (data,), _ = split(node, inputs, 1, 1 if node.operator == "SoftmaxOutput" else 0)
    if len(data.shape) != 1 or data.shape[0] < 2:
        raise InputError(f"The {node} takes the scores of at least 2 classes; its input has the shape {data.shape}.")
    return graph.add("Softmax", [data.name], OUTPUT, data.shape, axis=1)


OPERATORS: dict[str, Callable[[Graph, Node, Inputs], Value]] = {
    "Activation": activation,
    "BatchNorm": batch_norm,
    "Convolution": convolution,
    "Flatten": flatten,
    "FullyConnected": fully_connected,
    "Pooling": pooling,
    "SoftmaxOutput": softmax,
    "_Plus": addition,
    "_copy": identity,
    "_plus": addition,
    "broadcast_add": addition,
    "elemwise_add": addition,
    "identity": identity,
    "softmax": softmax,
}


def translate(
    nodes: Sequence[Node],
    head: int,
    parameters: Mapping[str, NDArray[np.float32]],
    image_shape: tuple[int, int, int],
) -> Graph:
    """Return the ONNX graph from raw images, (n, height, width, channels) bytes, to probabilities, (n, classes).

    Raises:
        InputError: the network has an operator, a shape or a result that an image classifier does not have.
    """
    check_operators(nodes, head)
    graph = Graph(parameters)
    channels, height, width = image_shape
    graph.proto.input.append(helper.make_tensor_value_info(INPUT, TensorProto.UINT8, ["n", height, width, channels]))
    graph.add("Cast", [INPUT], "pixels", (height, width, channels), to=TensorProto.FLOAT)
    pixels = graph.add("Transpose", ["pixels"], "planes", image_shape, perm=[0, 3, 1, 2])
    results: Inputs = []
    for node in nodes:
        if node.operator == VARIABLE:
            results.append(pixels if node.name == INPUT else node.name)
        else:
            results.append(OPERATORS[node.operator](graph, node, [results[number] for number in node.inputs]))
    classes = results[head]
    shape: list[str | int | None] = ["n", *classes.shape] if isinstance(classes, Value) else []
    graph.proto.output.append(helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, shape))
    return graph


def check_operators(nodes: Sequence[Node], head: int) -> None:
    """Check that all operators can be translated, and that the last one alone gives probabilities.

    Raises:
        InputError: one cannot.
    """
    for number, node in enumerate(nodes):
        if node.operator in MULTI_LABEL or node.text("act_type") in MULTI_LABEL:
            raise InputError(
                f"The {node} is of a multi-label model; only models with one class an image are converted."
            )
        if node.operator == "Cast":
            raise InputError(
                f"The {node} converts to {node.text('dtype')[:20]}; train with precision_dtype=float32 instead."
            )
        if node.operator != VARIABLE and node.operator not in OPERATORS:
            raise InputError(f"The {node} cannot be converted; these can: {', '.join(OPERATORS)}.")
        if (node.operator in HEADS) != (number == head):
            raise InputError(f"The {node} is in the wrong place: {' or '.join(HEADS)} must be the last operator, once.")
