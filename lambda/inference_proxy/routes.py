"""The routes of the API. openapi.json is generated from ROUTES; the docstrings are its summaries and descriptions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PIL import Image

from inference_proxy import settings as deployment
from inference_proxy.deadline import Deadline, LambdaContext
from inference_proxy.events import Request
from inference_proxy.prediction import calibrated, log_odds, prediction
from inference_proxy.problems import ProblemError
from inference_proxy.request_image import received_image, standard_image
from inference_proxy.request_log import RequestLog
from inference_proxy.responses import Answer
from inference_proxy.scorer import scorer_of
from inference_proxy.settings import ProxySettings
from inference_proxy.uploads import new_upload
from radiograph import SIDE, encode

if TYPE_CHECKING:
    from api_types import Explanation, Health

OPENAPI: Final = Path(__file__).with_name("openapi.json")


@dataclass(frozen=True)
class Call:
    """A request, its invocation, and its log."""

    request: Request
    context: LambdaContext
    log: RequestLog


def predict(call: Call) -> Answer:
    """Return the probability of pneumonia for one frontal chest radiograph."""
    settings, deadline = deployment.load(), Deadline(call.context)
    image = _image(call, settings, deadline)
    with call.log.part("scoring"):
        scores = scorer_of(settings, deadline).score(encode(image), deadline)
    body = prediction(_calibrated(settings, scores), settings, call.request.id)
    call.log.count_label(body["label"])
    return Answer(200, body)


def explain(call: Call) -> Answer:
    """Return a heat map of the regions that change the prediction, as numbers or as an image.

    Each cell of a grid is covered in turn and the model called again (occlusion sensitivity). Its value is the change
    in the calibrated log-odds of PNEUMONIA, ln(p / (1 - p)). Changes below minimum_change are noise and are not
    coloured. The grid has 7 x 7 cells, and 4 x 4 or 3 x 3 if the model is too slow for more. Accept: image/png, as the
    first value, returns the image with the map over it.
    """
    from inference_proxy.explain import MINIMUM_CHANGE, cells_per_side, occlusion_map

    settings, deadline = deployment.load(), Deadline(call.context)
    image = _image(call, settings, deadline)

    def log_odds_of(scores: Mapping[str, float]) -> float:
        return log_odds(scores, settings.slope, settings.intercept)

    def all_log_odds(jpegs: Iterable[bytes]) -> list[float | None]:
        return [None if scores is None else log_odds_of(scores) for scores in scorer.score_all(jpegs, deadline)]

    with call.log.part("scoring"):
        scorer, before = scorer_of(settings, deadline), deadline.remaining()
        scores = scorer.score(encode(image), deadline)
        side = cells_per_side(before - deadline.remaining(), deadline.remaining())
        heat = occlusion_map(image, log_odds_of(scores), all_log_odds, side)
    if _first_accepted(call.request) == "image/png":
        from inference_proxy.overlay import png

        return Answer(200, png(image, heat), "image/png")
    uncovered = prediction(_calibrated(settings, scores), settings, call.request.id)
    body: Explanation = {
        "label": uncovered["label"],
        "probability": uncovered["probability"],
        "threshold": uncovered["threshold"],
        "model_version": uncovered["model_version"],
        "request_id": uncovered["request_id"],
        "disclaimer": uncovered["disclaimer"],
        "heat_map": {
            "rows": len(heat.values),
            "columns": len(heat.values[0]),
            "values": heat.values,
            "units": "log-odds",
            "minimum_change": MINIMUM_CHANGE,
            "max": heat.largest,
            "complete": heat.complete,
            "calls": heat.calls,
            "side": SIDE,
            "resize_mode": settings.resize_mode,
        },
    }
    return Answer(200, body)


def upload(call: Call) -> Answer:
    """Return a URL for the upload of an image that is too large for a request.

    Send the image to url with exactly these headers, and its upload_id to /predict or /explain.
    """
    return Answer(201, new_upload(call.request, deployment.load()))


def model(call: Call) -> Answer:
    """Return the deployed model with its evaluation, cost and lease."""
    from inference_proxy.model_description import describe_model

    return Answer(200, describe_model(deployment.load(), Deadline(call.context), call.request.id, call.log))


def health(call: Call) -> Answer:
    """Return whether the API is configured and, with deep=1, whether the model answers."""
    settings = deployment.load()
    body: Health = {"status": "ok", "model_version": settings.model_version, "request_id": call.request.id}
    if call.request.query.get("deep") in ("1", "true"):
        image, deadline = Image.linear_gradient("L").resize((SIDE, SIDE)), Deadline(call.context)
        with call.log.part("scoring"):
            scorer_of(settings, deadline).score(encode(image), deadline)
        body["model"] = "ok"
    return Answer(200, body)


def openapi(call: Call) -> Answer:
    """Return this document."""
    document: dict[str, object] = json.loads(OPENAPI.read_text(encoding="utf-8"))
    return Answer(200, document)


ROUTES: Final[Mapping[str, Mapping[str, Callable[[Call], Answer]]]] = {
    "/predict": {"POST": predict},
    "/explain": {"POST": explain},
    "/uploads": {"POST": upload},
    "/model": {"GET": model},
    "/health": {"GET": health},
    "/openapi.json": {"GET": openapi},
}


def answer(call: Call) -> Answer:
    """Return the answer of the requested route. Raise ProblemError: 404, 405, and those of the route."""
    methods = ROUTES.get(call.request.route)
    if methods is None:
        known = ", ".join(f"{method} {route}" for route, methods in ROUTES.items() for method in methods)
        raise ProblemError("not_found", f"The requested resource does not exist. Available: {known}.")
    action = methods.get(call.request.method)
    if action is None:
        allowed = ", ".join(methods)
        raise ProblemError(
            "method_not_allowed",
            f"{call.request.route} does not support this method; allowed: {allowed}.",
            headers={"Allow": allowed},
        )
    call.log.note(route=f"{call.request.method} {call.request.route}")
    return action(call)


def _image(call: Call, settings: ProxySettings, deadline: Deadline) -> Image.Image:
    data = received_image(call.request, settings, deadline)
    call.log.note(image_bytes=len(data))
    with call.log.part("standardise"):
        return standard_image(data, settings.resize_mode)


def _calibrated(settings: ProxySettings, scores: Mapping[str, float]) -> dict[str, float]:
    return calibrated(scores, settings.slope, settings.intercept)


def _first_accepted(request: Request) -> str:
    """Return the first media type in Accept. API Gateway decides by it whether a response is binary."""
    values = request.headers.get("accept", ("",))
    return values[0].split(",", 1)[0].split(";", 1)[0].strip().lower()
