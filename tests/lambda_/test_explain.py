"""The heat map finds what the model looks at, whatever the model is."""

import json
from io import BytesIO
from typing import Any

import pytest
from inference_proxy.explain import CELLS
from PIL import Image

from radiograph import SIDE, standardise

from .conftest import Ask, invoke
from .events import event, film_in, post
from .hostile import assert_problem
from .runtime import Received, Reply, Runtime, failure

PLACE = (2, 5)
"""Row and column of the grid that the model of these tests looks at."""


def looks_at_one_place(received: Received) -> Reply:
    """A model whose probability is the contrast within one cell."""
    side = SIDE // CELLS
    with Image.open(BytesIO(received.body)) as film:
        box = (PLACE[1] * side + 4, PLACE[0] * side + 4, (PLACE[1] + 1) * side - 4, (PLACE[0] + 1) * side - 4)
        low, high = film.convert("L").crop(box).getextrema()
    probability = 0.9 if high - low > 6 else 0.2  # type: ignore[operator]
    return Reply(body=json.dumps([1 - probability, probability]).encode())


def to_explain(**headers: str) -> dict[str, Any]:
    asked = post(film_in(event("predict_jpeg")), resource="/explain", path="/explain")
    for name, value in headers.items():
        asked["multiValueHeaders"][name] = [value]
    return asked


def test_the_place_the_model_looks_at_stands_out(ask: Ask, runtime: Runtime) -> None:
    runtime.model = looks_at_one_place
    found = ask(to_explain())
    assert found.status == 200
    heat = found.body["heat_map"]
    assert (heat["rows"], heat["columns"], heat["complete"], heat["calls"]) == (CELLS, CELLS, True, 1 + CELLS**2)
    for row, values in enumerate(heat["values"]):
        assert values == [pytest.approx(0.7 if (row, column) == PLACE else 0.0) for column in range(CELLS)]
    assert found.body["probability"] == 0.9
    assert len(runtime.received) == 1 + CELLS**2


def test_the_film_itself_is_asked_first_as_the_prediction_would_be(ask: Ask, runtime: Runtime) -> None:
    ask(to_explain())
    assert runtime.received[0].body == standardise(film_in(event("predict_jpeg")))


def test_calls_share_four_connections(ask: Ask, runtime: Runtime) -> None:
    ask(to_explain())
    assert len({received.connection for received in runtime.received}) <= 4


def test_a_picture_is_sent_to_whom_accepts_one(ask: Ask, runtime: Runtime) -> None:
    runtime.model = looks_at_one_place
    found = ask(to_explain(Accept="image/png, application/json"))
    assert found.headers["Content-Type"] == "image/png"
    with Image.open(BytesIO(found.body["png"])) as drawn:
        assert (drawn.size, drawn.mode) == ((SIDE, SIDE), "RGB")
        side = SIDE // CELLS
        pixel = drawn.getpixel((PLACE[1] * side + side // 2, PLACE[0] * side + side // 2))
        red, _, blue = pixel  # type: ignore[misc]
    assert red > blue + 60


def test_what_the_time_does_not_reach_is_null(runtime: Runtime) -> None:
    runtime.model = lambda received: Reply(seconds=0.02 if len(runtime.received) < 20 else 3)
    found = invoke(to_explain(), seconds=2.0)
    assert found.status == 200
    values = [value for row in found.body["heat_map"]["values"] for value in row]
    assert found.body["heat_map"]["complete"] is False
    assert 0 < values.count(None) < CELLS**2
    assert found.body["heat_map"]["calls"] == 1 + CELLS**2 - values.count(None)


def test_a_model_too_slow_for_any_cell_is_a_problem(runtime: Runtime) -> None:
    runtime.model = lambda received: Reply(seconds=0 if len(runtime.received) == 1 else 3)
    assert_problem(invoke(to_explain(), seconds=1.2), 504, "explain_timeout")


def test_a_model_that_fails_halfway_is_a_problem(ask: Ask, runtime: Runtime) -> None:
    runtime.model = lambda received: Reply() if len(runtime.received) < 9 else failure(403, "AccessDeniedException")
    assert_problem(ask(to_explain()), 502, "endpoint_access_denied")
