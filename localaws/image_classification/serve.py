"""`serve`: the class probabilities of an image over HTTP, with ONNX Runtime and without PyTorch."""

import io
import json
import os
import sys
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from localaws.container_http import ContainerHandler
from network.errors import InputError
from network.log import log

MAX_BODY = 25 * 1024 * 1024
MAX_PIXELS = 50_000_000
CONTENT_TYPES = ("application/x-image", "image/jpeg", "image/png")


class ServedModel:
    """A graph from raw images to probabilities. `score` is thread-safe.

    The stand-in's network was trained on grey values; MXNet's takes the colours as they are.
    """

    def __init__(self, graph: Path, grey: bool = True) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.grey = grey
        self.session = onnxruntime.InferenceSession(str(graph), options, ["CPUExecutionProvider"])
        (data,) = self.session.get_inputs()
        self.height, self.width, self.channels = data.shape[1:]

    def score(self, body: bytes) -> list[float]:
        """Decode one image, squash it to the network's shape and return one probability per class.

        Raises:
            ValueError: the image cannot be decoded.
        """
        (probabilities,) = self.session.run(None, {"data": self.decode(body)[None]})
        return [float(value) for value in probabilities[0]]

    def decode(self, body: bytes) -> NDArray[np.uint8]:
        """Return (height, width, channels) bytes.

        Raises:
            ValueError: the body is not an image, is broken, or has too many pixels.
        """
        try:
            with Image.open(io.BytesIO(body)) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise ValueError(
                        f"The image has {image.width}x{image.height} pixels; at most {MAX_PIXELS} are read."
                    )
                # Grey by luma, as in training. The graph averages the channels, which are then equal.
                colours = image.convert("L") if self.grey else image
                converted = colours.convert("RGB" if self.channels == 3 else "L")
        except (OSError, SyntaxError, Image.DecompressionBombError) as error:
            reason = "its format is not known" if isinstance(error, UnidentifiedImageError) else error
            raise ValueError(f"The image cannot be decoded: {reason}.") from error
        size = (self.width, self.height)
        if converted.size != size:
            converted = converted.resize(size, Image.Resampling.BILINEAR)
        return np.asarray(converted).reshape(self.height, self.width, self.channels)


class ImageClassificationHandler(ContainerHandler):
    """The container's three routes."""

    model: ServedModel

    def do_GET(self) -> None:  # noqa: N802 (http.server calls it by this name)
        """Answer /ping and /execution-parameters."""
        if self.path == "/ping":
            self.answer(HTTPStatus.OK, b"", "text/plain")
        elif self.path == "/execution-parameters":
            parameters = {
                "MaxConcurrentTransforms": (os.cpu_count() or 1) + 1,  # one is in transfer while the others are scored
                "BatchStrategy": "SINGLE_RECORD",
                "MaxPayloadInMB": 6,
            }
            self.answer(HTTPStatus.OK, json.dumps(parameters).encode())
        else:
            self.refuse(
                HTTPStatus.NOT_FOUND, f"{self.path} does not exist; use /ping, /invocations or /execution-parameters."
            )

    def do_POST(self) -> None:  # noqa: N802 (http.server calls it by this name)
        """Score the body."""
        body = self.body(MAX_BODY)
        if body is None:
            self.refuse(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body must have a length of at most {MAX_BODY} bytes."
            )
            return
        content_type = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if self.path != "/invocations":
            self.refuse(
                HTTPStatus.NOT_FOUND, f"{self.path} does not exist; use /ping, /invocations or /execution-parameters."
            )
        elif content_type not in CONTENT_TYPES:
            self.refuse(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                f"Content-Type {content_type!r} is not supported; send {', '.join(CONTENT_TYPES)}.",
            )
        else:
            self.score(body)

    def score(self, body: bytes) -> None:
        """Answer an invocation with a bare array, or with a JSON line if that is accepted or nothing is.

        Endpoints send Accept */* for a client that sends none, and transform jobs send none. AWS's notebooks read an
        array from an endpoint, and a line from a transform job, without naming either.
        """
        try:
            probabilities = self.model.score(body)
        except ValueError as error:
            self.refuse(HTTPStatus.BAD_REQUEST, str(error))
            return
        if "application/jsonlines" in self.headers.get("Accept", "application/jsonlines"):
            self.answer(HTTPStatus.OK, json.dumps({"prediction": probabilities}).encode(), "application/jsonlines")
        else:
            self.answer(HTTPStatus.OK, json.dumps(probabilities).encode())

    def refuse(self, status: HTTPStatus, sentence: str) -> None:
        """Answer with an error message and log it."""
        log(f"{status.value}: {sentence}")
        self.answer(status, sentence.encode(), "text/plain; charset=utf-8")


def load(root: Path) -> ServedModel:
    """Return the model in root/model: the stand-in's, or one converted from an artifact that AWS trained.

    Raises:
        InputError: it is neither.
    """
    graph = root / "model/model.onnx"
    if graph.is_file():
        log("localaws's stand-in for image classification serves a model that localaws trained.")
        return ServedModel(graph)
    from network import mxnet_artifact

    params = mxnet_artifact.write(root / "model", root / "model.onnx")
    log(f"localaws's stand-in for image classification serves the MXNet network of {params}, converted to ONNX.")
    return ServedModel(root / "model.onnx", grey=False)


def run(root: Path, port: int) -> None:
    """Serve root/model on 127.0.0.1:`port` until the process ends."""
    try:
        ImageClassificationHandler.model = load(root)
    except InputError as error:
        log(f"The artifact cannot be served. {error}")
        sys.exit(1)
    server = ThreadingHTTPServer(("127.0.0.1", port), ImageClassificationHandler)
    server.daemon_threads = True
    server.serve_forever()
