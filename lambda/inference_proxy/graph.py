"""The model's ONNX graph: fetched from S3 at the first request, checked, and run in the function by ONNX Runtime.

The graph takes raw images, (n, 224, 224, 3) bytes, and returns probabilities, (n, classes). `ml.export` has compared
it with the model. The images are encoded and decoded again as for an endpoint, so both score the same pixels.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from PIL import Image

from inference_proxy.deadline import Deadline
from inference_proxy.prediction import checked
from inference_proxy.problems import ProblemError
from inference_proxy.settings import GraphObject, ProxySettings
from inference_proxy.storage import storage_of
from radiograph import SIDE

_MAX_BYTES: Final = 500_000_000
"""Lambda's /tmp has 512 MB."""
_INPUT: Final = ("tensor(uint8)", [SIDE, SIDE, 3])
_DETAILS: Final = {
    "model_missing": "The model's graph does not exist, or this API is not allowed to read it; "
    "its operator must run ml.export and deploy again.",
    "model_hash_mismatch": "The model's graph is not the one that was deployed; "
    "the operator of this API must run ml.export and deploy again.",
    "model_broken": "The model's graph cannot be loaded; the operator of this API must run ml.export and deploy again.",
    "model_error": "The model failed on this image; send the request again, or another image.",
    "model_timeout": "The model did not answer in time; send the request again.",
}
_loaded: dict[GraphObject, GraphScorer] = {}


class GraphScorer:
    """A loaded graph."""

    def __init__(self, path: Path, classes: tuple[str, ...]) -> None:
        """Raise ProblemError model_broken."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        # The default is the number of physical cores, and two of Lambda's vCPUs can be one core.
        options.intra_op_num_threads = os.cpu_count() or 1
        # By default, threads spin for up to 50 ms after a run. Lambda freezes them, and they go on in the next request.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's exceptions have no common base
            raise _problem("model_broken", {"reason": type(error).__name__}) from error
        (data,) = self._session.get_inputs()
        if (data.type, data.shape[1:]) != _INPUT:
            raise _problem("model_broken", {"reason": f"its input is {data.type} {data.shape}"})
        self._input, self._new_options, self._classes = data.name, onnxruntime.RunOptions, classes

    def score(self, jpeg: bytes, deadline: Deadline) -> dict[str, float]:
        """Return the probability of each class. Raise ProblemError model_error, model_output_invalid, model_timeout."""
        return self._run([jpeg], deadline)[0]

    def score_all(self, jpegs: Iterable[bytes], deadline: Deadline) -> list[dict[str, float] | None]:
        """Return the probabilities of each image, scored in one run; None for all if time runs out."""
        images = list(jpegs)
        try:
            return [*self._run(images, deadline)]
        except ProblemError as problem:
            if problem.code == "model_timeout":
                return [None] * len(images)
            raise

    def _run(self, jpegs: list[bytes], deadline: Deadline) -> list[dict[str, float]]:
        import numpy as np

        options = self._new_options()
        timer = threading.Timer(deadline.remaining(), setattr, (options, "terminate", True))
        timer.start()
        try:
            (rows,) = self._session.run(None, {self._input: np.stack([_pixels(jpeg) for jpeg in jpegs])}, options)
        except Exception as error:
            code = "model_timeout" if options.terminate else "model_error"
            raise _problem(code, {"reason": type(error).__name__}) from error
        finally:
            timer.cancel()
        return [checked(row, self._classes) for row in rows.tolist()]


def graph_of(settings: ProxySettings, graph: GraphObject, deadline: Deadline) -> GraphScorer:
    """Return the loaded graph, one object per execution environment.

    Raise ProblemError: model_missing, model_hash_mismatch, model_broken, storage_unavailable.
    """
    if graph not in _loaded:
        _loaded[graph] = GraphScorer(_file(settings, graph, deadline), settings.classes)
    return _loaded[graph]


def _file(settings: ProxySettings, graph: GraphObject, deadline: Deadline) -> Path:
    """Return the graph's file in /tmp, which Lambda keeps when it restarts the function after a crash or a timeout."""
    path = Path(tempfile.gettempdir()) / f"{graph.sha256}.onnx"
    if path.is_file() and _sha256(path.read_bytes()) == graph.sha256:
        return path
    content = storage_of(settings).get(graph.bucket, graph.key, _MAX_BYTES, deadline)
    if content is None:
        raise _problem("model_missing", {"key": graph.key})
    if _sha256(content) != graph.sha256:
        raise _problem("model_hash_mismatch", {"key": graph.key, "sha256": _sha256(content)})
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_bytes(content)
    partial.replace(path)
    return path


def _pixels(jpeg: bytes) -> Any:
    import numpy as np

    with Image.open(BytesIO(jpeg)) as image:
        return np.asarray(image.convert("RGB"))


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _problem(code: str, cause: Mapping[str, str | int]) -> ProblemError:
    return ProblemError(code, _DETAILS[code], cause=cause)


def clear_cache() -> None:
    """Load the graph again at the next request."""
    _loaded.clear()
