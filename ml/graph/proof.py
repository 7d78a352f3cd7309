"""Compare a graph with the model it stands for, on the validation images."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.errors import UserError
from ml.progress import Progress
from radiograph import SIDE

TOLERANCE = 1e-3
"""Largest difference allowed between two probabilities of an image."""
BATCH = 16
BATCH_TRANSFORM = "batch transform"
Score = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(frozen=True)
class Proof:
    """The largest difference of the graph from each reference, over a number of images, and the runtime's version."""

    images: int
    differences: Mapping[str, float]
    runtime: str

    def __str__(self) -> str:
        values = " and ".join(f"{value:.1e} from {name}" for name, value in self.differences.items())
        return f"at most {values}, over {self.images:,} validation images with ONNX Runtime {self.runtime}"


def prove(graph: Path, images: Mapping[str, bytes], recorded: Mapping[str, Mapping[str, float]], module: Any) -> Proof:
    """Score the images with the graph and compare the probabilities of pneumonia.

    Args:
        graph: a graph from raw images, (n, 224, 224, 3) bytes, to probabilities, (n, 2).
        images: encoded images by file.
        recorded: the probabilities of each reference by file.
        module: the PyTorch module that the graph was exported from, or None.

    Raises:
        UserError: the graph takes other images, gives other probabilities, or differs by more than TOLERANCE.
    """
    import onnxruntime

    score, differences = session(graph), dict.fromkeys([*recorded, *([] if module is None else ["PyTorch"])], 0.0)
    progress = Progress("Compared", len(images))
    for start in range(0, len(images), BATCH):
        files = list(images)[start : start + BATCH]
        pixels = np.stack([decoded(images[file]) for file in files])
        scores = score(pixels)[:, 1]
        references = {name: np.array([scores_of[file] for file in files]) for name, scores_of in recorded.items()}
        if module is not None:
            references["PyTorch"] = torch_scores(module, pixels)
        for name, reference in references.items():
            differences[name] = max(differences[name], float(np.abs(scores - reference).max()))
        progress.advance(len(files))
    progress.finish()
    proof = Proof(len(images), differences, onnxruntime.__version__)
    # NaN is not below the tolerance.
    if not all(value <= TOLERANCE for value in differences.values()):
        raise UserError(
            f"The graph differs from the model: {proof}; {TOLERANCE:g} is allowed. It was not recorded. Train the "
            "model again, or deploy it with hosting=realtime or hosting=serverless."
        )
    return proof


def session(graph: Path) -> Score:
    """Return a function that scores raw images.

    Raises:
        UserError: the graph cannot be loaded, or takes other images; when scoring, it gives other probabilities.
    """
    import onnxruntime

    try:
        loaded = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's exceptions have no common base
        raise UserError(f"ONNX Runtime cannot load the graph ({str(error).splitlines()[0][:200]}).") from error
    (data,) = loaded.get_inputs()
    if (data.type, data.shape[1:]) != ("tensor(uint8)", [SIDE, SIDE, 3]):
        raise UserError(
            f"The graph takes {data.type} {data.shape}, but the API's function sends tensor(uint8) "
            f"[n, {SIDE}, {SIDE}, 3]."
        )

    def score(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        scores = np.asarray(loaded.run(None, {data.name: pixels})[0])
        if scores.shape[1:] != (2,):
            raise UserError(
                f"The graph gives {scores.shape[1:]} probabilities for an image, but the model has 2 classes."
            )
        return scores

    return score


def decoded(image: bytes) -> NDArray[np.uint8]:
    """Return the pixels of an encoded image as the API's function reads them."""
    with Image.open(io.BytesIO(image)) as opened:
        return np.asarray(opened.convert("RGB"))


def torch_scores(module: Any, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return PyTorch's probabilities of pneumonia."""
    import torch

    with torch.no_grad():
        return np.asarray(module(torch.from_numpy(pixels))[:, 1])
