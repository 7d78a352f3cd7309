"""What each route does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from inference_proxy import settings as deployment
from inference_proxy.answers import Answer
from inference_proxy.deadline import Deadline, LambdaContext
from inference_proxy.endpoint import endpoint_of
from inference_proxy.events import Request
from inference_proxy.film import received_film, standard_film
from inference_proxy.prediction import prediction, probabilities
from inference_proxy.problems import ProblemError
from inference_proxy.request_log import RequestLog


@dataclass(frozen=True)
class Call:
    """A request, the invocation it came in, and the line it will leave in the log."""

    request: Request
    context: LambdaContext
    log: RequestLog


def predict(call: Call) -> Answer:
    """POST /predict: one chest film in, the probability of pneumonia out."""
    settings = deployment.load()
    film = received_film(call.request)
    call.log.note(film_bytes=len(film))
    with call.log.part("standardise"):
        standard = standard_film(film, settings.policy)
    with call.log.part("endpoint"):
        reply = endpoint_of(settings).invoke(standard, Deadline.of(call.context))
    scores = probabilities(reply, settings.classes)
    return Answer(200, prediction(scores, settings, call.request.id))


def health(call: Call) -> Answer:
    """GET /health: this function runs and is configured; the endpoint is not asked."""
    return Answer(
        200, {"status": "ok", "model_version": deployment.load().model_version, "request_id": call.request.id}
    )


ROUTES: Final[Mapping[str, Mapping[str, Callable[[Call], Answer]]]] = {
    "/predict": {"POST": predict},
    "/health": {"GET": health},
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
