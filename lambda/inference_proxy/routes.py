"""What each route does."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image

from inference_proxy import settings as deployment
from inference_proxy.deadline import Deadline, LambdaContext
from inference_proxy.endpoint import endpoint_of
from inference_proxy.events import Request
from inference_proxy.prediction import calibrated, log_odds, prediction, probabilities
from inference_proxy.problems import ProblemError
from inference_proxy.request_image import received_image, standard_image
from inference_proxy.request_log import RequestLog
from inference_proxy.responses import Answer
from inference_proxy.settings import Settings
from inference_proxy.uploads import new_upload
from radiograph import SIDE, encode

OPENAPI: Final = Path(__file__).with_name("openapi.json")


@dataclass(frozen=True)
class Call:
    """A request, the invocation it came in, and the lines it will leave in the log."""

    request: Request
    context: LambdaContext
    log: RequestLog


def predict(call: Call) -> Answer:
    """POST /predict: one chest radiograph in, the probability of pneumonia out."""
    settings, deadline = deployment.load(), Deadline.of(call.context)
    image = _image(call, settings, deadline)
    with call.log.part("endpoint"):
        scores = _scores(settings, encode(image), deadline)
    found = prediction(_calibrated(settings, scores), settings, call.request.id)
    call.log.count_label(str(found["label"]))
    return Answer(200, found)


def explain(call: Call) -> Answer:
    """POST /explain: return a heat map of the regions that raise the predicted probability, as numbers or a picture."""
    from inference_proxy.explain import FLOOR, heat_map

    settings, deadline = deployment.load(), Deadline.of(call.context)
    image = _image(call, settings, deadline)

    def log_odds_of(scores: Mapping[str, float]) -> float:
        return log_odds(scores, settings.slope, settings.intercept)

    with call.log.part("endpoint"):
        scores = _scores(settings, encode(image), deadline)
        found = heat_map(image, log_odds_of(scores), lambda jpeg: log_odds_of(_scores(settings, jpeg, deadline)))
    whole = prediction(_calibrated(settings, scores), settings, call.request.id)
    if _first_accepted(call.request) == "image/png":
        from inference_proxy.overlay import png

        return Answer(200, png(image, found), "image/png")
    wanted = ("label", "probability", "threshold", "model_version", "disclaimer", "request_id")
    heat = {
        "rows": len(found.values),
        "columns": len(found.values[0]),
        "values": found.values,
        "units": "log-odds",
        "floor": FLOOR,
        "max": found.largest,
        "complete": found.complete,
        "calls": found.calls,
        "side": SIDE,
        "resize_mode": settings.resize_mode,
    }
    return Answer(200, {name: whole[name] for name in wanted} | {"heat_map": heat})


def upload(call: Call) -> Answer:
    """POST /uploads: where an image that is too large for a request may be put."""
    return Answer(201, new_upload(call.request, deployment.load()))


def model(call: Call) -> Answer:
    """GET /model: which model answers, and how well it did."""
    from inference_proxy.model_description import describe

    return Answer(200, describe(deployment.load(), Deadline.of(call.context), call.request.id, call.log))


def lease(call: Call) -> Answer:
    """POST /lease: let the endpoint live longer."""
    from inference_proxy.lease import extend

    return Answer(200, extend(call.request, deployment.load(), Deadline.of(call.context), call.log))


def health(call: Call) -> Answer:
    """GET /health: this function runs and is configured; with ?deep=1 the endpoint is asked, too."""
    settings = deployment.load()
    found: dict[str, object] = {
        "status": "ok",
        "model_version": settings.model_version,
        "request_id": call.request.id,
    }
    if call.request.query.get("deep") in ("1", "true"):
        image = Image.linear_gradient("L").resize((SIDE, SIDE))
        with call.log.part("endpoint"):
            _scores(settings, encode(image), Deadline.of(call.context))
        found["endpoint"] = "ok"
    return Answer(200, found)


def openapi(call: Call) -> Answer:
    """GET /openapi.json: this API's own description."""
    document: dict[str, object] = json.loads(OPENAPI.read_text(encoding="utf-8"))
    return Answer(200, document)


ROUTES: Final[Mapping[str, Mapping[str, Callable[[Call], Answer]]]] = {
    "/predict": {"POST": predict},
    "/explain": {"POST": explain},
    "/uploads": {"POST": upload},
    "/model": {"GET": model},
    "/lease": {"POST": lease},
    "/health": {"GET": health},
    "/openapi.json": {"GET": openapi},
}


def answer(call: Call) -> Answer:
    """The answer of the route that the request names. Raises ProblemError (404, 405 and whatever the route raises)."""
    methods = ROUTES.get(call.request.route)
    if methods is None:
        known = ", ".join(f"{method} {route}" for route, methods in ROUTES.items() for method in methods)
        raise ProblemError("not_found", f"Received a request for a resource that does not exist; there are {known}.")
    action = methods.get(call.request.method)
    if action is None:
        allowed = ", ".join(methods)
        raise ProblemError(
            "method_not_allowed",
            f"Received a method that {call.request.route} does not take; allowed: {allowed}.",
            headers={"Allow": allowed},
        )
    call.log.note(route=f"{call.request.method} {call.request.route}")
    return action(call)


def _image(call: Call, settings: Settings, deadline: Deadline) -> Image.Image:
    data = received_image(call.request, settings, deadline)
    call.log.note(image_bytes=len(data))
    with call.log.part("standardise"):
        return standard_image(data, settings.resize_mode)


def _scores(settings: Settings, jpeg: bytes, deadline: Deadline) -> dict[str, float]:
    """Return the model's own probability of each class."""
    return probabilities(endpoint_of(settings).invoke(jpeg, deadline), settings.classes)


def _calibrated(settings: Settings, scores: Mapping[str, float]) -> dict[str, float]:
    return calibrated(scores, settings.slope, settings.intercept)


def _first_accepted(request: Request) -> str:
    """The first media type in Accept: the one by which API Gateway decides whether an answer is binary."""
    values = request.headers.get("accept", ("",))
    return values[0].split(",", 1)[0].split(";", 1)[0].strip().lower()
