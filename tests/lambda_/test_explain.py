"""The heat map shows the region that the model uses."""

import json
import math
import threading
import zlib
from collections.abc import Callable
from functools import partial
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from inference_proxy.explain import GRIDS, MINIMUM_CHANGE, covered
from PIL import Image

from radiograph import SIDE, encode, standardise

from .conftest import Ask, Clock, invoke
from .events import event, image_in, post
from .hostile import assert_problem
from .runtime import Received, Reply, Runtime, failure

CELLS = GRIDS[0]
CELL = (2, 5)
"""Row and column of the cell that the model of these tests uses."""


@pytest.fixture
def ask(runtime: Runtime) -> Ask:
    """Invoke the function with a clock that stands still unless a test moves it, so that the grid has 7 x 7 cells."""
    return partial(invoke, clock=Clock())


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


Seconds = Callable[[int], float]


@pytest.fixture
def serial(runtime: Runtime) -> Callable[[Seconds], Clock]:
    """Return the clock of an endpoint with one worker, given the seconds of its n-th image (from 0).

    The proxy stops waiting 27 seconds after the start, and images that are ready later come too late.
    """

    def start(seconds: Seconds) -> Clock:
        clock, worker = Clock(), threading.Lock()
        scored = iter(range(1000))

        def model(received: Received) -> Reply:
            with worker:
                clock.now += seconds(next(scored))
                return Reply() if clock.now < 27 else failure(504, "")

        runtime.model = model
        return clock

    return start


def measured(values: list[list[float | None]]) -> list[tuple[int, int]]:
    """Return rows and columns of the cells with a value."""
    return [(row, column) for row, line in enumerate(values) for column, value in enumerate(line) if value is not None]


@pytest.mark.parametrize(("seconds", "side"), [(0.005, 7), (0.45, 7), (0.5, 4), (1.0, 4), (1.4, 4), (2.0, 3)])
def test_a_slow_model_gets_a_coarser_map_without_a_gap(
    ask: Ask, serial: Callable[[Seconds], Clock], seconds: float, side: int
) -> None:
    clock = serial(lambda image: seconds)
    heat = ask(to_explain(), clock=clock).body["heat_map"]
    assert (heat["rows"], heat["columns"], heat["complete"], heat["calls"]) == (side, side, True, 1 + side**2)
    assert len(measured(heat["values"])) == side**2
    assert clock.now == pytest.approx((1 + side**2) * seconds)


def test_a_model_that_becomes_slow_leaves_no_part_of_the_image_out(
    ask: Ask, serial: Callable[[Seconds], Clock]
) -> None:
    """The first image takes 0.4 s, which allows for 7 x 7 cells, and the others 1.5 s."""
    heat = ask(to_explain(), clock=serial(lambda image: 1.5 if image else 0.4)).body["heat_map"]
    cells = measured(heat["values"])
    assert heat["complete"] is False
    assert heat["calls"] == 1 + len(cells) == 18
    assert {row for row, _ in cells} == {column for _, column in cells} == set(range(7))
    quarters = [sum((row < 4, column < 4) == quarter for row, column in cells) for quarter in
                ((True, True), (True, False), (False, True), (False, False))]  # fmt: skip
    assert min(quarters) >= 3


@pytest.mark.parametrize("side", GRIDS)
def test_the_cells_of_a_grid_cover_every_pixel_once(side: int) -> None:
    stripes = Image.new("L", (SIDE, SIDE), 255)
    stripes.paste(0, (0, 0, SIDE, SIDE // 2))
    times = sum(np.asarray(covered(stripes, cell, side)) == 128 for cell in range(side**2))
    assert (times == 1).all()


def test_what_was_not_measured_is_hatched(ask: Ask, serial: Callable[[Seconds], Clock]) -> None:
    png = ask(to_explain(Accept="image/png"), clock=serial(lambda image: 1.5 if image else 0.4)).body["png"]
    with Image.open(BytesIO(png)) as drawn:
        assert "not measured" in drawn.info["Description"]
        assert drawn.tobytes() != standardise(image_in(event("predict_jpeg"))).convert("RGB").tobytes()


def test_a_model_too_slow_for_any_cell_is_a_problem(ask: Ask, serial: Callable[[Seconds], Clock]) -> None:
    assert_problem(ask(to_explain(), clock=serial(lambda image: 14.0)), 504, "explain_timeout")


def test_a_model_that_fails_halfway_is_a_problem(ask: Ask, runtime: Runtime) -> None:
    runtime.model = lambda received: Reply() if len(runtime.received) < 9 else failure(403, "AccessDeniedException")
    assert_problem(ask(to_explain()), 502, "endpoint_access_denied")
