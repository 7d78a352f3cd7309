"""Export of a trained network as an ONNX graph from raw images to probabilities."""

import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from network.networks import Ensemble
from network.onnx_padding import fold_padding

TOLERANCE = 1e-4
"""Largest difference allowed between PyTorch's probabilities and ONNX Runtime's."""


class ServedNetwork(nn.Module):
    """From raw images, (n, height, width, channels) bytes, to probabilities, (n, classes)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Average the channels, which are equal, to grey, score, and turn logits into probabilities."""
        grey = images.float().mean(3).unsqueeze(1)
        return torch.softmax(self.network(grey), 1)


def write(network: Ensemble, image_shape: tuple[int, int, int], path: Path) -> None:
    """Write the ONNX graph of a network for images of (channels, height, width), under a temporary name first.

    Raises:
        RuntimeError: ONNX Runtime does not reproduce PyTorch's probabilities.
    """
    channels, height, width = image_shape
    served = ServedNetwork(network).eval()
    sample = torch.randint(0, 256, (2, height, width, channels), dtype=torch.uint8)
    temporary = path.with_name(f"{path.name}.tmp")
    with warnings.catch_warnings():
        # The exporter without dynamo is deprecated. The other needs one more package for the same graph.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            served,
            (sample,),
            str(temporary),
            input_names=["data"],
            output_names=["softmax"],
            dynamic_axes={"data": {0: "n"}, "softmax": {0: "n"}},
            opset_version=17,
            dynamo=False,
        )
    fold_padding(temporary)
    check(served, sample, temporary)
    temporary.replace(path)


def check(served: ServedNetwork, sample: Tensor, path: Path) -> None:
    """Compare the exported graph with the network it came from.

    Raises:
        RuntimeError: they differ by more than TOLERANCE.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    (exported,) = session.run(None, {"data": sample.numpy()})
    with torch.no_grad():
        expected = served(sample).numpy()
    difference = float(np.abs(exported - expected).max())
    if difference > TOLERANCE:
        raise RuntimeError(f"The exported graph differs from the network by {difference:.2e}.")
