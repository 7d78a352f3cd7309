"""Make an exported ONNX graph faster without changing what it computes."""

from pathlib import Path
from typing import Any

import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator


def fold_padding(path: Path) -> None:
    """Let each convolution pad its own input, where a Pad of zeros stands before it.

    PyTorch's convolutions pad both sides alike, so that TensorFlow's SAME padding is a step of its own; ONNX's take
    any padding. ONNX Runtime keeps a blocked layout between convolutions, and a Pad between two of them costs two
    conversions.
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
            own = next(one for one in node.attribute if one.name == "pads")
            own.CopyFrom(helper.make_attribute("pads", [a + b for a, b in zip(own.ints, pads, strict=True)]))
            node.input[0] = pad.input[0]
            graph.node.remove(pad)
    onnx.save(model, path)


def known_values(model: Any) -> dict[str, Any]:
    """Return the value of everything in a graph that does not depend on its input, by name."""
    values = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    opsets = {one.domain: one.version for one in model.opset_import}
    for node in model.graph.node:
        if all(name in values for name in node.input if name):
            given = {name: values[name] for name in node.input if name}
            found: Any = ReferenceEvaluator(node, opsets=opsets).run(None, given)
            values.update(zip(node.output, found, strict=True))
    return values


def spatial_zeros(pad: Any, constants: dict[str, Any]) -> list[int] | None:
    """Return the pads of rows and columns, [top, left, bottom, right], of a Pad of (n, c, h, w) with zeros.

    None where it pads with something else, other axes, or amounts that only the input decides.
    """
    mode = next((one.s for one in pad.attribute if one.name == "mode"), b"constant")
    amounts = constants.get(pad.input[1])
    filling = constants.get(pad.input[2]) if len(pad.input) > 2 and pad.input[2] else 0
    if mode != b"constant" or amounts is None or len(amounts) != 8 or filling is None or float(filling) != 0:
        return None
    top, left, bottom, right = (int(amounts[axis]) for axis in (2, 3, 6, 7))
    return [top, left, bottom, right] if int(amounts.sum()) == top + left + bottom + right else None
