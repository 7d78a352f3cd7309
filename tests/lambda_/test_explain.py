"""The heat map shows the region that the model uses."""

import json
import math
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from inference_proxy.explain import CELLS, MINIMUM_CHANGE
from PIL import Image

from radiograph import SIDE, encode, standardise

from .conftest import Ask, Clock
from .events import event, image_in, post
from .hostile import assert_problem
from .runtime import Received, Reply, Runtime, failure

CELL = (2, 5)
"""Row and column of the cell that the model of these tests uses."""


def looks_at_one_cell(seen: list[float], covered: list[float]) -> Callable[[Received], Reply]:
    """Return a model with two outputs, [NORMAL, PNEUMONIA]: for a CELL with contrast, and for one without."""
    side = SIDE // CELLS
    box = (CELL[1] * side + 4, CELL[0] * side + 4, (CELL[1] + 1) * side - 4, (CELL[0] + 1) * side - 4)

    def model(received: Received) -> Reply:
        with Image.open(BytesIO(received.body)) as image:
            low, high = image.convert("L").crop(box).getextrema()
        return Reply(body=json.dumps(seen if high - low > 6 else covered).encode())  # type: ignore[operator]

    return model


def noisy(received: Received) -> Reply:
    """Return scores near 1 whose log-odds vary by less than 0.1, at random."""
    probability = 0.9896 + 0.0008 * zlib.crc32(received.body) / 2**32
    return Reply(body=json.dumps([1 - probability, probability]).encode())


def logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


def to_explain(**headers: str) -> dict[str, Any]:
    request = post(image_in(event("predict_jpeg")), resource="/explain", path="/explain")
    for name, value in headers.items():
        request["multiValueHeaders"][name] = [value]
    return request


def test_the_cell_that_the_model_uses_has_the_change(ask: Ask, runtime: Runtime) -> None:
    runtime.model = looks_at_one_cell([0.1, 0.9], [0.8, 0.2])
    response = ask(to_explain())
    assert response.status == 200
    change = logit(0.9) - logit(0.2)
    heat = response.body["heat_map"]
    assert (heat["rows"], heat["columns"], heat["complete"], heat["calls"]) == (CELLS, CELLS, True, 1 + CELLS**2)
    for row, values in enumerate(heat["values"]):
        assert values == [pytest.approx(change if (row, column) == CELL else 0.0) for column in range(CELLS)]
    assert (heat["units"], heat["max"]) == ("log-odds", pytest.approx(change))
    assert response.body["probability"] == 0.9
    assert len(runtime.received) == 1 + CELLS**2


def test_the_uncovered_image_is_scored_first(ask: Ask, runtime: Runtime) -> None:
    ask(to_explain())
    assert runtime.received[0].body == encode(standardise(image_in(event("predict_jpeg"))))


def test_calls_share_four_connections(ask: Ask, runtime: Runtime) -> None:
    ask(to_explain())
    assert len({received.connection for received in runtime.received}) <= 4


def test_accept_png_returns_a_picture(ask: Ask, runtime: Runtime) -> None:
    runtime.model = looks_at_one_cell([0.1, 0.9], [0.8, 0.2])
    response = ask(to_explain(Accept="image/png, application/json"))
    assert response.headers["Content-Type"] == "image/png"
    with Image.open(BytesIO(response.body["png"])) as drawn:
        assert (drawn.size, drawn.mode) == ((SIDE, SIDE), "RGB")
        assert "3.58" in drawn.info["Description"]
        assert f"{MINIMUM_CHANGE:g}" in drawn.info["Description"]
    assert redness(response.body["png"]) > 60


def redness(png: bytes) -> int:
    """Return red minus blue in the middle of CELL; the image itself is grey."""
    side = SIDE // CELLS
    with Image.open(BytesIO(png)) as drawn:
        red, _, blue = drawn.getpixel((CELL[1] * side + side // 2, CELL[0] * side + side // 2))  # type: ignore[misc]
    return int(red - blue)


def test_a_sure_model_has_a_hot_region(ask: Ask, runtime: Runtime) -> None:
    """From 99.0 % to 98.5 % is half a percentage point, but the odds fall by a third."""
    runtime.model = looks_at_one_cell([0.010, 0.990], [0.015, 0.985])
    heat = ask(to_explain()).body["heat_map"]
    assert heat["values"][CELL[0]][CELL[1]] == heat["max"] == pytest.approx(logit(0.990) - logit(0.985))
    assert heat["max"] > heat["minimum_change"]
    assert redness(ask(to_explain(Accept="image/png")).body["png"]) > 60


def test_a_cell_that_lowers_the_probability_is_negative_and_blue(ask: Ask, runtime: Runtime) -> None:
    runtime.model = looks_at_one_cell([0.015, 0.985], [0.010, 0.990])
    heat = ask(to_explain()).body["heat_map"]
    assert heat["values"][CELL[0]][CELL[1]] == -heat["max"] == pytest.approx(logit(0.985) - logit(0.990))
    assert redness(ask(to_explain(Accept="image/png")).body["png"]) < -60


def test_noise_has_no_hot_region(ask: Ask, runtime: Runtime) -> None:
    runtime.model = noisy
    heat = ask(to_explain()).body["heat_map"]
    assert 0 < heat["max"] < heat["minimum_change"] == MINIMUM_CHANGE
    with Image.open(BytesIO(ask(to_explain(Accept="image/png")).body["png"])) as drawn:
        assert drawn.tobytes() == standardise(image_in(event("predict_jpeg"))).convert("RGB").tobytes()


@pytest.mark.parametrize(("seen", "covered"), [([2e-9, 1.0], [2e-7, 1.0]), ([1.0, 2e-7], [1.0, 2e-9])])
def test_a_probability_that_rounds_to_one_does_not_empty_the_map(
    seen: list[float], covered: list[float], ask: Ask, runtime: Runtime
) -> None:
    runtime.model = looks_at_one_cell(seen, covered)
    assert ask(to_explain()).body["heat_map"]["max"] == pytest.approx(math.log(100))


def test_a_probability_of_exactly_zero_is_a_finite_change(ask: Ask, runtime: Runtime) -> None:
    runtime.model = looks_at_one_cell([0.0, 1.0], [1.0, 0.0])
    assert 10 < ask(to_explain()).body["heat_map"]["max"] < 100


def test_the_changes_are_those_of_the_calibrated_log_odds(
    ask: Ask, runtime: Runtime, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("CALIBRATION", '{"slope": 0.5, "intercept": -1.0}')
    runtime.model = looks_at_one_cell([0.1, 0.9], [0.8, 0.2])
    response = ask(to_explain()).body
    assert response["heat_map"]["max"] == pytest.approx(0.5 * (logit(0.9) - logit(0.2)))
    assert logit(response["probability"]) == pytest.approx(0.5 * logit(0.9) - 1)


@pytest.fixture
def out_of_time_after(runtime: Runtime) -> Callable[[int], Clock]:
    """Return a clock on which the time of the invocation is over once the model has this many images."""

    def limit(images: int) -> Clock:
        clock = Clock()

        def model(received: Received) -> Reply:
            clock.now = 30.0 if len(runtime.received) >= images else 0.0
            return Reply()

        runtime.model = model
        return clock

    return limit


def test_cells_that_the_time_does_not_reach_are_null(
    ask: Ask, runtime: Runtime, out_of_time_after: Callable[[int], Clock]
) -> None:
    heat = ask(to_explain(), clock=out_of_time_after(20)).body["heat_map"]
    values = [value for row in heat["values"] for value in row]
    assert heat["complete"] is False
    assert 0 < values.count(None) < CELLS**2
    assert heat["calls"] == len(runtime.received) == 1 + CELLS**2 - values.count(None)


def test_a_model_too_slow_for_any_cell_is_a_problem(ask: Ask, out_of_time_after: Callable[[int], Clock]) -> None:
    assert_problem(ask(to_explain(), clock=out_of_time_after(1)), 504, "explain_timeout")


def test_a_model_that_fails_halfway_is_a_problem(ask: Ask, runtime: Runtime) -> None:
    runtime.model = lambda received: Reply() if len(runtime.received) < 9 else failure(403, "AccessDeniedException")
    assert_problem(ask(to_explain()), 502, "endpoint_access_denied")
