"""Conversion of an artifact of SageMaker's built-in Image Classification, a ResNet of MXNet, to an ONNX graph.

The layout is that of public artifacts of the algorithm and of its training logs (MXNet 1.2 to 1.4): without folders,
`image-classification-symbol.json`, `model-shapes.json` with [{"shape": [batch, 3, height, width], "name": "data"}], and
`image-classification-NNNN.params`, where NNNN is the epoch from 1. There are several of them if checkpoint_frequency
was set. The network takes raw RGB values from 0 to 255; its first BatchNorm standardises them.
"""

import json
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import onnx
from onnx import TensorProto, helper

from network import archive, mxnet_operators, mxnet_params, mxnet_symbol
from network.errors import InputError

SYMBOL, SHAPES = "image-classification-symbol.json", "model-shapes.json"
PARAMS = re.compile(r"image-classification-(\d{4})\.params")
MAX_SIDE = 1024
OPSET, IR_VERSION = 17, 8
"""As in the graphs of `network.export`."""


class ArtifactFiles(NamedTuple):
    """The files of an artifact that are converted."""

    symbol: str
    shapes: str
    params: str


def write(artifact: Path, target: Path) -> str:
    """Write the ONNX graph of an artifact, a model.tar.gz or the folder it was unpacked into.

    The graph takes "data", (n, height, width, 3) bytes, and returns "softmax", (n, classes) probabilities, as those of
    `network.export`. Return the name of the .params file that it was made from.

    Raises:
        InputError: the artifact is incomplete, damaged, or not of a network that can be converted.
    """
    if artifact.is_file():
        files = select(archive.names(artifact))
        with tempfile.TemporaryDirectory() as name:
            archive.unpack(artifact, Path(name), files)
            return write(Path(name), target)
    files = select(path.name for path in artifact.iterdir() if path.is_file())
    nodes, head = mxnet_symbol.read(artifact / files.symbol)
    shape = image_shape(artifact / files.shapes)
    parameters = mxnet_params.read(artifact / files.params)
    save(mxnet_operators.translate(nodes, head, parameters, shape), target)
    return files.params


def save(graph: mxnet_operators.Graph, target: Path) -> None:
    """Write a graph, one array at a time to use little memory: Protocol Buffers merges messages that follow another."""
    opset = helper.make_opsetid("", OPSET)
    model = onnx.ModelProto(ir_version=IR_VERSION, opset_import=[opset], graph=graph.proto)
    with target.open("wb") as file:
        file.write(model.SerializeToString())
        for name, values in graph.stored.items():
            part = onnx.ModelProto()
            part.graph.initializer.add(
                name=name, data_type=TensorProto.FLOAT, dims=values.shape, raw_data=values.tobytes()
            )
            file.write(part.SerializeToString())


def select(names: Iterable[str]) -> ArtifactFiles:
    """Return the files to convert. Of several .params, that is the one of the last epoch.

    AWS does not document which of several the container loads. Its log names the only one. Comparing the graph with the
    container's answers finds a wrong choice.

    Raises:
        InputError: they are not those of the algorithm.
    """
    held = sorted(names)
    params = [name for name in held if PARAMS.fullmatch(name)]
    symbols = [name for name in held if name.endswith("-symbol.json")]
    if not params or symbols != [SYMBOL] or SHAPES not in held:
        listed = ", ".join(held[:10])[:500] or "nothing"
        raise InputError(
            f"The artifact holds {listed}; the built-in Image Classification leaves {SYMBOL}, {SHAPES} and "
            "image-classification-NNNN.params."
        )
    return ArtifactFiles(SYMBOL, SHAPES, params[-1])


def image_shape(path: Path) -> tuple[int, int, int]:
    """Return channels, height and width of the images.

    Raises:
        InputError: the file has another form, or the images are not RGB or are too large.
    """
    text = path.read_bytes()[:10_000]
    try:
        ((_, channels, height, width),) = [entry["shape"] for entry in json.loads(text) if entry["name"] == "data"]
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise InputError(
            f'{path.name} must hold [{{"shape": [batch, 3, height, width], "name": "data"}}]; it holds {text[:100]!r}.'
        ) from error
    sides = (height, width)
    if channels != 3 or not all(type(side) is int and 1 <= side <= MAX_SIDE for side in sides):
        raise InputError(
            f"{path.name} has images of {channels} x {height} x {width}; 3 colours and sides of 1 to {MAX_SIDE} pixels "
            "can be converted."
        )
    return 3, height, width
