"""Optimisation of an exported ONNX graph that does not change its result."""

from pathlib import Path
from typing import Any

import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator


def fold_padding(path: Path) -> None:
    """Merge each Pad with zeros into the convolution after it.

    PyTorch's convolutions pad both sides alike, and TensorFlow's SAME padding is exported as a separate Pad. ONNX's
    convolutions take any padding. ONNX Runtime uses a blocked layout between convolutions, and a Pad between two of
    them costs two conversions.
    """
    model = onnx.load(path)
    graph = model.graph
    constants = known_values(model)
    users: dict[str, int] = {}
    for node in graph.node:
        for name in node.input:
            users[name] = users.get(name, 0) + 1
    padded = {node.output[0]: node for node in graph.node if node.op_type == "Pad" and users[node.output[0]] == 1}
    for node in graph.node:
        pad = padded.get(node.input[0]) if node.op_type == "Conv" else None
        if pad is not None and (pads := spatial_zeros(pad, constants)) is not None:
            own = next(attribute for attribute in node.attribute if attribute.name == "pads")
            own.CopyFrom(helper.make_attribute("pads", [a + b for a, b in zip(own.ints, pads, strict=True)]))
            node.input[0] = pad.input[0]
            graph.node.remove(pad)
    onnx.save(model, path)


def known_values(model: Any) -> dict[str, Any]:
    """Return the constant values of a graph by name."""
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    opsets = {opset.domain: opset.version for opset in model.opset_import}
    for node in model.graph.node:
        if all(name in values for name in node.input if name):
            inputs = {name: values[name] for name in node.input if name}
            outputs: Any = ReferenceEvaluator(node, opsets=opsets).run(None, inputs)
            values.update(zip(node.output, outputs, strict=True))
    return values


def spatial_zeros(pad: Any, constants: dict[str, Any]) -> list[int] | None:
    """Return the pads of rows and columns, [top, left, bottom, right], of a Pad of (n, c, h, w) with zeros.

    Return None if it pads with other values, other axes, or amounts that depend on the input.
    """
    mode = next((attribute.s for attribute in pad.attribute if attribute.name == "mode"), b"constant")
    amounts = constants.get(pad.input[1])
    filling = constants.get(pad.input[2]) if len(pad.input) > 2 and pad.input[2] else 0
    if mode != b"constant" or amounts is None or len(amounts) != 8 or filling is None or float(filling) != 0:
        return None
    top, left, bottom, right = (int(amounts[axis]) for axis in (2, 3, 6, 7))
    return [top, left, bottom, right] if int(amounts.sum()) == top + left + bottom + right else None
