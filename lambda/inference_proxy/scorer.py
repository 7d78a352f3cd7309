"""The model that scores images: a SageMaker endpoint, or an ONNX graph that the function itself runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from inference_proxy.deadline import Deadline
from inference_proxy.endpoint import endpoint_of
from inference_proxy.settings import ProxySettings


class Scorer(Protocol):
    """Returns the model's own probability of each class for encoded images. Raises ProblemError."""

    def score(self, jpeg: bytes, deadline: Deadline) -> dict[str, float]: ...

    def score_all(self, jpegs: Iterable[bytes], deadline: Deadline) -> list[dict[str, float] | None]: ...


def scorer_of(settings: ProxySettings, deadline: Deadline) -> Scorer:
    """Return the scorer of these settings, one object per execution environment; load the graph if there is one."""
    if settings.graph is None:
        return endpoint_of(settings)
    from inference_proxy.graph import graph_of

    return graph_of(settings, settings.graph, deadline)
