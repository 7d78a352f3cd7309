"""Artifacts of the built-in algorithm, written by their formats, and the same network in PyTorch.

`ResNet` is MXNet's example/image-classification/symbols/resnet.py, version 2: batch normalisation before convolution.
Its forward pass is PyTorch's, written without the symbol file, so that it can judge a conversion of that file.
"""

import io
import json
import struct
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

SYMBOL, SHAPES, PARAMS = "image-classification-symbol.json", "model-shapes.json", "image-classification-0007.params"
EPSILON = 2e-5
SIDES = (44, 36)
"""Height and width of the images of the small network."""
Document = dict[str, Any]


class Unit(nn.Module):
    """A residual unit of two convolutions, or three with a bottleneck."""

    def __init__(self, inputs: int, outputs: int, stride: int, same: bool, bottleneck: bool) -> None:
        super().__init__()
        middle = outputs // 4 if bottleneck else outputs
        sizes = [(1, 1), (3, stride), (1, 1)] if bottleneck else [(3, stride), (3, 1)]
        channels = [inputs, *[middle] * (len(sizes) - 1), outputs]
        for number, (kernel, step) in enumerate(sizes, 1):
            before, after = channels[number - 1 : number + 1]
            setattr(self, f"bn{number}", nn.BatchNorm2d(before, EPSILON))
            setattr(self, f"conv{number}", nn.Conv2d(before, after, kernel, step, kernel // 2, bias=False))
        self.sc = None if same else nn.Conv2d(inputs, outputs, 1, stride, bias=False)
        self.count = len(sizes)

    def forward(self, data: Tensor) -> Tensor:
        first = value = F.relu(self.bn1(data))
        for number in range(1, self.count + 1):
            if number > 1:
                value = F.relu(getattr(self, f"bn{number}")(value))
            value = getattr(self, f"conv{number}")(value)
        return value + (data if self.sc is None else self.sc(first))


class ResNet(nn.Module):
    """A network with random weights and statistics. `units` and `filters` are those of its stages."""

    def __init__(self, units: list[int], filters: list[int], bottleneck: bool = False, classes: int = 2) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.bn_data = nn.BatchNorm2d(3, EPSILON)
        self.conv0 = nn.Conv2d(3, filters[0], 7, 2, 3, bias=False)
        self.bn0 = nn.BatchNorm2d(filters[0], EPSILON)
        self.units, channels = nn.ModuleDict(), filters[0]
        for stage, (count, outputs) in enumerate(zip(units, filters[1:], strict=True), 1):
            for number in range(1, count + 1):
                stride = 2 if stage > 1 and number == 1 else 1
                self.units[f"stage{stage}_unit{number}"] = Unit(channels, outputs, stride, number > 1, bottleneck)
                channels = outputs
        self.bn1 = nn.BatchNorm2d(channels, EPSILON)
        self.fc1 = nn.Linear(channels, classes)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                for values in (module.weight.data, module.running_var):
                    nn.init.uniform_(values, 0.5, 1.5)
                for values in (module.bias.data, module.running_mean):
                    nn.init.normal_(values, std=0.3)
        nn.init.normal_(self.fc1.weight, std=0.5)
        nn.init.uniform_(self.bn_data.running_mean, 100, 140)
        nn.init.uniform_(self.bn_data.running_var, 3000, 4000)
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        """Return the probabilities of (n, height, width, 3) bytes. The first gamma is fixed at 1."""
        first, value = self.bn_data, images.permute(0, 3, 1, 2).float()
        value = F.batch_norm(value, first.running_mean, first.running_var, None, first.bias, eps=EPSILON)
        value = F.max_pool2d(F.relu(self.bn0(self.conv0(value))), 3, 2, 1)
        for unit in self.units.values():
            value = unit(value)
        value = F.relu(self.bn1(value)).mean((2, 3))
        return torch.softmax(self.fc1(value), 1)

    def parameters_of_mxnet(self) -> dict[str, NDArray[np.float32]]:
        """Return the weights by the names of MXNet."""
        kinds = {"running_mean": "aux:{}_moving_mean", "running_var": "aux:{}_moving_var", "bias": "arg:{}_beta"}
        arrays = {}
        for name, values in self.state_dict().items():
            module, _, kind = name.removeprefix("units.").replace(".", "_").rpartition("_")
            module, kind = (
                (module.removesuffix("_running"), f"running_{kind}") if "running" in module else (module, kind)
            )
            if "_num_batches" in module:
                continue
            form = kinds.get(kind, "arg:{}_gamma") if "bn" in module else f"arg:{{}}_{kind}"
            arrays[form.format(module)] = values.numpy()
        return arrays


def small(bottleneck: bool = False) -> ResNet:
    """Return a network of 0.02 million parameters."""
    return ResNet([2, 1], [8, 8, 16], bottleneck)


class Writer:
    """Nodes of a symbol file. `key` is the name that a version of MXNet gives to attributes."""

    def __init__(self, key: str = "attrs", comma: str = ", ") -> None:
        self.key, self.comma = key, comma
        self.nodes: list[Document] = []

    def variable(self, name: str) -> int:
        return self.node("null", name, [])

    def node(self, operator: str, name: str, inputs: list[int], **attributes: Any) -> int:
        """Add a node; return its number."""
        texts = {
            key: f"({self.comma.join(map(str, value))})" if isinstance(value, tuple) else str(value)
            for key, value in attributes.items()
        }
        entry = {"op": operator, "name": name, "inputs": [[number, 0, 0] for number in inputs]}
        self.nodes.append(entry | ({self.key: texts} if texts else {}))
        return len(self.nodes) - 1

    def batch_norm(self, name: str, data: int, fix_gamma: bool = False) -> int:
        weights = [self.variable(f"{name}_{kind}") for kind in ("gamma", "beta", "moving_mean", "moving_var")]
        return self.node("BatchNorm", name, [data, *weights], eps="2e-05", fix_gamma=fix_gamma, momentum="0.9")

    def convolution(self, name: str, data: int, module: nn.Conv2d) -> int:
        pads = {"pad": module.padding} if max(module.padding) else {}
        return self.node(
            "Convolution", name, [data, self.variable(f"{name}_weight")], kernel=module.kernel_size,
            num_filter=module.out_channels, no_bias=True, stride=module.stride, workspace=512, **pads,
        )  # fmt: skip

    def relu(self, name: str, data: int) -> int:
        return self.node("Activation", name, [data], act_type="relu")

    def symbol(self, version: int = 10400) -> Document:
        """Return the file's content, with the last node as its output."""
        variables = [number for number, node in enumerate(self.nodes) if node["op"] == "null"]
        return {
            "nodes": self.nodes,
            "arg_nodes": variables,
            "node_row_ptr": [*range(len(self.nodes) + 1)],
            "heads": [[len(self.nodes) - 1, 0, 0]],
            "attrs": {"mxnet_version": ["int", version]},
        }


def symbol(network: ResNet, writer: Writer) -> Document:
    """Return the symbol file of a network."""
    data = writer.node("_copy", "id", [writer.variable("data")])
    data = writer.convolution("conv0", writer.batch_norm("bn_data", data, fix_gamma=True), network.conv0)
    data = writer.relu("relu0", writer.batch_norm("bn0", data))
    data = writer.node("Pooling", "pooling0", [data], kernel=(3, 3), pad=(1, 1), pool_type="max", stride=(2, 2))
    for count, (name, unit) in enumerate(network.units.items()):
        start = first = value = data
        for number in range(1, unit.count + 1):
            value = writer.relu(f"{name}_relu{number}", writer.batch_norm(f"{name}_bn{number}", value))
            first = value if number == 1 else first
            value = writer.convolution(f"{name}_conv{number}", value, getattr(unit, f"conv{number}"))
        start = start if unit.sc is None else writer.convolution(f"{name}_sc", first, unit.sc)
        data = writer.node("elemwise_add", f"_plus{count}", [value, start])
    data = writer.relu("relu1", writer.batch_norm("bn1", data))
    data = writer.node("Pooling", "pool1", [data], global_pool=True, kernel=(7, 7), pool_type="avg")
    data = writer.node("Flatten", "flatten0", [data])
    weights = [writer.variable("fc1_weight"), writer.variable("fc1_bias")]
    data = writer.node("FullyConnected", "fc1", [data, *weights], num_hidden=network.fc1.out_features)
    writer.node("SoftmaxOutput", "softmax", [data, writer.variable("softmax_label")])
    return writer.symbol()


def array(values: NDArray[Any], magic: int = 0xF993FAC9, kind: int = 0) -> bytes:
    """Return an array as MXNet writes it; `kind` is its data type."""
    head = struct.pack("<I", magic) + (b"" if magic == 0xF993FAC8 else struct.pack("<i", 0))
    shape = struct.pack(f"<i{values.ndim}q", values.ndim, *values.shape)
    return head + shape + struct.pack("<iii", 1, 0, kind) + values.tobytes()


def params(arrays: Mapping[str, NDArray[Any]], magic: int = 0xF993FAC9) -> bytes:
    """Return a .params file."""
    return listed([array(values, magic) for values in arrays.values()], list(arrays))


def listed(arrays: list[bytes], names: list[str]) -> bytes:
    """Return a .params file of arrays and their names."""
    texts = [struct.pack("<Q", len(name)) + name.encode() for name in names]
    return (
        struct.pack("<QQQ", 0x112, 0, len(arrays)) + b"".join(arrays) + struct.pack("<Q", len(names)) + b"".join(texts)
    )


def shapes(height: int = SIDES[0], width: int = SIDES[1], batch: int = 32) -> bytes:
    """Return model-shapes.json."""
    return json.dumps([{"shape": [batch, 3, height, width], "name": "data"}]).encode()


def files(network: ResNet, height: int = SIDES[0], width: int = SIDES[1]) -> dict[str, bytes]:
    """Return the files of a network's artifact."""
    document = json.dumps(symbol(network, Writer())).encode()
    return {SYMBOL: document, SHAPES: shapes(height, width), PARAMS: params(network.parameters_of_mxnet())}


def write(content: Mapping[str, bytes], folder: Path) -> Path:
    """Write files into a new folder and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, body in content.items():
        (folder / name).write_bytes(body)
    return folder


def packed(content: Mapping[str, bytes]) -> bytes:
    """Return a model.tar.gz of files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        for name, body in content.items():
            member = tarfile.TarInfo(name)
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return buffer.getvalue()


def pixels(count: int = 3, height: int = SIDES[0], width: int = SIDES[1]) -> NDArray[np.uint8]:
    """Return raw images of different brightness."""
    random, levels = np.random.default_rng(2), np.linspace(40, 215, count)[:, None, None, None]
    return (levels + random.integers(-40, 41, (count, height, width, 3))).astype(np.uint8)


def expected(network: ResNet, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return PyTorch's probabilities."""
    with torch.no_grad():
        return np.asarray(network(torch.from_numpy(images)))
