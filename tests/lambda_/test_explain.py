"""The heat map finds what the model looks at, whatever the model is."""

import json
import math
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from inference_proxy.explain import CELLS, FLOOR
from PIL import Image

from radiograph import SIDE, encode, standardise

from .conftest import Ask, invoke
from .events import event, image_in, post
from .hostile import assert_problem
from .runtime import Received, Reply, Runtime, failure

PLACE = (2, 5)
"""Row and column of the grid that the model of these tests looks at."""


def looks_at_one_place(seen: list[float], covered: list[float]) -> Callable[[Received], Reply]:
    """A model with two answers, [NORMAL, PNEUMONIA]: one where a certain cell has contrast, one where it has none."""
    side = SIDE // CELLS
    box = (PLACE[1] * side + 4, PLACE[0] * side + 4, (PLACE[1] + 1) * side - 4, (PLACE[0] + 1) * side - 4)

    def model(received: Received) -> Reply:
        with Image.open(BytesIO(received.body)) as image:
            low, high = image.convert("L").crop(box).getextrema()
        return Reply(body=json.dumps(seen if high - low > 6 else covered).encode())  # type: ignore[operator]

    return model


def wavers(received: Received) -> Reply:
    """A sure model whose log-odds depend on nothing but noise, and by less than 0.1."""
    probability = 0.9896 + 0.0008 * zlib.crc32(received.body) / 2**32
    return Reply(body=json.dumps([1 - probability, probability]).encode())


def logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


def to_explain(**headers: str) -> dict[str, Any]:
    asked = post(image_in(event("predict_jpeg")), resource="/explain", path="/explain")
    for name, value in headers.items():
        asked["multiValueHeaders"][name] = [value]
    return asked


def test_the_place_the_model_looks_at_stands_out(ask: Ask, runtime: Runtime) -> None:
    runtime.model = looks_at_one_place([0.1, 0.9], [0.8, 0.2])
    found = ask(to_explain())
    assert found.status == 200
    change = logit(0.9) - logit(0.2)
    heat = found.body["heat_map"]
    assert (heat["rows"], heat["columns"], heat["complete"], heat["calls"]) == (CELLS, CELLS, True, 1 + CELLS**2)
    for row, values in enumerate(heat["values"]):
        assert values == [pytest.approx(change if (row, column) == PLACE else 0.0) for column in range(CELLS)]
    assert (heat["units"], heat["max"]) == ("log-odds", pytest.approx(change))
    assert found.body["probability"] == 0.9
    assert len(runtime.received) == 1 + CELLS**2


def test_the_image_itself_is_asked_first_as_the_prediction_would_be(ask: Ask, runtime: Runtime) -> None:
    ask(to_explain())
    assert runtime.received[0].body == encode(standardise(image_in(event("predict_jpeg"))))


def test_calls_share_four_connections(ask: Ask, runtime: Runtime) -> None:
    ask(to_explain())
    assert len({received.connection for received in runtime.received}) <= 4


def test_a_picture_is_sent_to_whom_accepts_one(ask: Ask, runtime: Runtime) -> None:
    runtime.model = looks_at_one_place([0.1, 0.9], [0.8, 0.2])
    found = ask(to_explain(Accept="image/png, application/json"))
    assert found.headers["Content-Type"] == "image/png"
    with Image.open(BytesIO(found.body["png"])) as drawn:
        assert (drawn.size, drawn.mode) == ((SIDE, SIDE), "RGB")
        assert "3.58" in drawn.info["Description"]
        assert f"{FLOOR:g}" in drawn.info["Description"]
    assert redness(found.body["png"]) > 60


def redness(png: bytes) -> int:
    """How much more red than blue the middle of the cell is that the model looks at; the image itself is grey."""
    side = SIDE // CELLS
    with Image.open(BytesIO(png)) as drawn:
        red, _, blue = drawn.getpixel((PLACE[1] * side + side // 2, PLACE[0] * side + side // 2))  # type: ignore[misc]
    return int(red - blue)


def test_a_sure_model_has_a_hot_region(ask: Ask, runtime: Runtime) -> None:
    """From 99.0 % to 98.5 %: half a percentage point, but half as many odds again."""
    runtime.model = looks_at_one_place([0.010, 0.990], [0.015, 0.985])
    heat = ask(to_explain()).body["heat_map"]
    assert heat["values"][PLACE[0]][PLACE[1]] == heat["max"] == pytest.approx(logit(0.990) - logit(0.985))
    assert heat["max"] > heat["floor"]
    assert redness(ask(to_explain(Accept="image/png")).body["png"]) > 60


def test_a_place_that_speaks_against_is_negative_and_blue(ask: Ask, runtime: Runtime) -> None:
    runtime.model = looks_at_one_place([0.015, 0.985], [0.010, 0.990])
    heat = ask(to_explain()).body["heat_map"]
    assert heat["values"][PLACE[0]][PLACE[1]] == -heat["max"] == pytest.approx(logit(0.985) - logit(0.990))
    assert redness(ask(to_explain(Accept="image/png")).body["png"]) < -60


def test_noise_has_no_hot_region(ask: Ask, runtime: Runtime) -> None:
    runtime.model = wavers
    heat = ask(to_explain()).body["heat_map"]
    assert 0 < heat["max"] < heat["floor"] == FLOOR
    with Image.open(BytesIO(ask(to_explain(Accept="image/png")).body["png"])) as drawn:
        assert drawn.tobytes() == standardise(image_in(event("predict_jpeg"))).convert("RGB").tobytes()


@pytest.mark.parametrize(("seen", "covered"), [([2e-9, 1.0], [2e-7, 1.0]), ([1.0, 2e-7], [1.0, 2e-9])])
def test_a_probability_that_rounds_to_one_does_not_empty_the_map(
    seen: list[float], covered: list[float], ask: Ask, runtime: Runtime
) -> None:
    runtime.model = looks_at_one_place(seen, covered)
    assert ask(to_explain()).body["heat_map"]["max"] == pytest.approx(math.log(100))


def test_an_answer_of_exactly_zero_is_a_finite_change(ask: Ask, runtime: Runtime) -> None:
    runtime.model = looks_at_one_place([0.0, 1.0], [1.0, 0.0])
    assert 10 < ask(to_explain()).body["heat_map"]["max"] < 100


def test_the_changes_are_those_of_the_calibrated_log_odds(
    ask: Ask, runtime: Runtime, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("CALIBRATION", '{"slope": 0.5, "intercept": -1.0}')
    runtime.model = looks_at_one_place([0.1, 0.9], [0.8, 0.2])
    found = ask(to_explain()).body
    assert found["heat_map"]["max"] == pytest.approx(0.5 * (logit(0.9) - logit(0.2)))
    assert logit(found["probability"]) == pytest.approx(0.5 * logit(0.9) - 1)


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
