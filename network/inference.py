"""The handlers of SageMaker's inference toolkit: class probabilities of an image, as the built-in algorithm answers."""

import io
import json
import os
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError

from network import weights_file
from network.networks import Ensemble

MAX_PIXELS = 50_000_000
CONTENT_TYPES = ("application/x-image", "image/jpeg", "image/png")


class LoadedModel(NamedTuple):
    """A network and the height and width of its images."""

    network: Ensemble
    height: int
    width: int


def model_fn(model_dir: str) -> LoadedModel:
    """Load the network, and divide the vCPUs among the workers of the model server."""
    vcpus = os.cpu_count() or 1
    workers = int(os.environ.get("SAGEMAKER_MODEL_SERVER_WORKERS") or vcpus)  # by default one for each vCPU
    torch.set_num_threads(max(1, vcpus // workers))
    network, (_, height, width) = weights_file.load(Path(model_dir))
    return LoadedModel(network, height, width)


def input_fn(body: bytes, content_type: str | None) -> Image.Image:
    """Decode an image to grey.

    Raises:
        BaseInferenceToolkitError: another content type (415), or a body that cannot be decoded (400).
    """
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind not in CONTENT_TYPES:
        raise refusal(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"Content-Type {kind!r} is not supported; send {', '.join(CONTENT_TYPES)}.",
        )
    try:
        with Image.open(io.BytesIO(body)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise refusal(
                    HTTPStatus.BAD_REQUEST,
                    f"The image has {image.width}x{image.height} pixels; at most {MAX_PIXELS} are read.",
                )
            return image.convert("L")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        reason = "its format is not known" if isinstance(error, UnidentifiedImageError) else error
        raise refusal(HTTPStatus.BAD_REQUEST, f"The image cannot be decoded: {reason}.") from error


@torch.no_grad()
def predict_fn(image: Image.Image, model: LoadedModel) -> list[float]:
    """Squash the image to the network's shape and return one probability per class."""
    size = (model.width, model.height)
    if image.size != size:
        image = image.resize(size, Image.Resampling.BILINEAR)
    pixels = torch.from_numpy(np.array(image)).float()[None, None]
    return [float(value) for value in torch.softmax(model.network(pixels), 1)[0]]


def output_fn(probabilities: list[float], accept: str) -> tuple[str, str]:
    """Return a bare JSON array, or a JSON line if the client accepts one, and its content type."""
    if "application/jsonlines" in accept:
        return json.dumps({"prediction": probabilities}), "application/jsonlines"
    return json.dumps(probabilities), "application/json"


def refusal(status: HTTPStatus, sentence: str) -> Exception:
    """Return the toolkit's exception for an HTTP status; the toolkit turns any other exception into a 500."""
    from sagemaker_inference.errors import BaseInferenceToolkitError

    error: Exception = BaseInferenceToolkitError(status.value, sentence, sentence)
    return error
