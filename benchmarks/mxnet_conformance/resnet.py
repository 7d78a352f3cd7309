"""The ResNet symbol of MXNet's image classification example. Runs in MXNet's environment, without the project.

Definition: `example/image-classification/symbols/resnet.py` of apache/mxnet, after He et al., "Identity Mappings in
Deep Residual Networks" (2016): batch norm and ReLU come before each convolution. The names of the nodes are those of
the example, because they are the names of the parameters in an artifact.
"""

from __future__ import annotations

from typing import Any

import mxnet as mx

UNITS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
"""Residual units in each of the four stages, by number of layers."""
EPSILON, MOMENTUM = 2e-5, 0.9


def normalised(data: Any, name: str, fix_gamma: bool = False) -> Any:
    """Return a batch norm of `data`."""
    return mx.sym.BatchNorm(data=data, fix_gamma=fix_gamma, eps=EPSILON, momentum=MOMENTUM, name=name)


def activated(data: Any, batch_norm: str, relu: str) -> Any:
    """Return a batch norm of `data` with a ReLU."""
    return mx.sym.Activation(data=normalised(data, batch_norm), act_type="relu", name=relu)


def convolution(data: Any, filters: int, kernel: int, stride: int, name: str) -> Any:
    """Return a square convolution without bias that pads to the size of its input."""
    return mx.sym.Convolution(
        data=data,
        num_filter=filters,
        kernel=(kernel, kernel),
        stride=(stride, stride),
        pad=(kernel // 2, kernel // 2),
        no_bias=True,
        name=name,
    )


def residual_unit(data: Any, filters: int, stride: int, first: bool, name: str, bottleneck: bool) -> Any:
    """Return a residual unit; the first one of a stage projects its shortcut to the new size."""
    layers = [(3, filters, stride), (3, filters, 1)]
    if bottleneck:
        layers = [(1, filters // 4, 1), (3, filters // 4, stride), (1, filters, 1)]
    body = shortcut = data
    for number, (kernel, width, step) in enumerate(layers, 1):
        body = activated(body, f"{name}_bn{number}", f"{name}_relu{number}")
        if first and number == 1:
            shortcut = convolution(body, filters, 1, stride, f"{name}_sc")
        body = convolution(body, width, kernel, step, f"{name}_conv{number}")
    return body + shortcut


def symbol(layers: int, classes: int = 2, narrower: int = 1) -> Any:
    """Return the symbol for images of 224 pixels, with a divisor for the filters of each layer."""
    bottleneck = layers >= 50
    filters = [number // narrower for number in ((256, 512, 1024, 2048) if bottleneck else (64, 128, 256, 512))]
    data = mx.sym.identity(data=mx.sym.Variable(name="data"), name="id")
    body = convolution(normalised(data, "bn_data", fix_gamma=True), 64 // narrower, 7, 2, "conv0")
    body = activated(body, "bn0", "relu0")
    body = mx.sym.Pooling(data=body, kernel=(3, 3), stride=(2, 2), pad=(1, 1), pool_type="max")
    for stage, units in enumerate(UNITS[layers]):
        for unit in range(units):
            stride = 2 if stage and not unit else 1
            name = f"stage{stage + 1}_unit{unit + 1}"
            body = residual_unit(body, filters[stage], stride, not unit, name, bottleneck)
    body = activated(body, "bn1", "relu1")
    body = mx.sym.Pooling(data=body, global_pool=True, kernel=(7, 7), pool_type="avg", name="pool1")
    body = mx.sym.FullyConnected(data=mx.sym.Flatten(data=body), num_hidden=classes, name="fc1")
    return mx.sym.SoftmaxOutput(data=body, name="softmax")
