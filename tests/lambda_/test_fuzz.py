"""The function answers any event with a prediction or a problem, never with an exception."""

from __future__ import annotations

import base64
import io
import json
from contextlib import redirect_stdout
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inference_proxy.problems import KINDS

from .conftest import Response, invoke
from .events import encoded_image, post
from .runtime import Runtime

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
TYPES = st.sampled_from(["application/json", "image/jpeg", "image/png", "application/x-image", "IMAGE/PNG;q=1"])
NAMES = st.sampled_from(["Content-Type", "content-type", "CONTENT-TYPE", "Accept", "Origin", ""]) | st.text()
HEADERS = st.dictionaries(NAMES, TYPES | st.text())
IMAGES = [
    encoded_image(),
    encoded_image("PNG"),
    encoded_image("PNG", mode="P"),
    encoded_image(mode="CMYK", progressive=True),
]


def answered(event: object) -> Response:
    """Invoke the function, and check its response and its one log line."""
    output = io.StringIO()
    with redirect_stdout(output):
        response = invoke(event)
    line, *counts = map(json.loads, output.getvalue().splitlines())
    assert line["status"] == response.status
    assert len(counts) == (response.status == 200 and "label" in response.body)
    if response.status == 200:
        assert response.headers["Content-Type"] == "application/json"
        return response
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.body["code"] in KINDS
    assert response.body["code"] not in {"internal_error", "misconfigured"}
    assert response.status == KINDS[response.body["code"]].status
    return response


@pytest.mark.usefixtures("runtime")
class TestFuzz:
    @QUICK
    @given(event=JSON)
    def test_any_json_is_answered_as_a_malformed_event(self, event: object) -> None:
        assert answered(event).body["code"] == "malformed_event"

    @QUICK
    @given(changes=st.dictionaries(st.sampled_from(sorted(post(b""))), JSON))
    def test_any_change_to_an_event_is_answered(self, changes: dict[str, Any]) -> None:
        answered(post(IMAGES[0]) | changes)

    @QUICK
    @given(headers=HEADERS, multiple=st.booleans(), binary=st.booleans(), body=st.text() | st.none())
    def test_any_headers_and_body_are_answered(
        self, headers: dict[str, str], multiple: bool, binary: bool, body: str | None
    ) -> None:
        lists = {name: [value] for name, value in headers.items()} if multiple else None
        answered(post(b"", None, headers=headers, multiValueHeaders=lists, isBase64Encoded=binary, body=body))

    @QUICK
    @given(body=st.binary(max_size=300), content_type=TYPES)
    def test_any_bytes_are_answered(self, body: bytes, content_type: str) -> None:
        assert answered(post(body, content_type)).status in (400, 415)

    @QUICK
    @given(
        image=st.sampled_from(IMAGES),
        edits=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8),
        cut=st.none() | st.floats(0, 1),
    )
    def test_any_damage_to_an_image_is_answered(
        self, image: bytes, edits: list[tuple[float, int]], cut: float | None
    ) -> None:
        damaged = bytearray(image)
        for position, value in edits:
            damaged[int(position * len(damaged))] = value
        cut_image = bytes(damaged[: None if cut is None else int(cut * len(damaged))])
        assert answered(post(cut_image, "application/x-image")).status in (200, 400, 415, 422)

    @QUICK
    @given(text=st.text(alphabet=base64.b64encode(bytes(range(256))).decode() + "=\n *"))
    def test_any_near_base64_is_answered(self, text: str) -> None:
        assert answered(post(b"", body=text)).status in (400, 415)

    @QUICK
    @given(method=st.text() | st.sampled_from(["GET", "post"]), resource=st.text())
    def test_any_route_is_answered(self, method: str, resource: str) -> None:
        event = {"httpMethod": method, "resource": resource, "path": resource}
        assert answered(event).status in (200, 400, 404, 405)


@QUICK
@given(status=st.integers(200, 599).filter(lambda status: status not in (204, 304)), body=st.binary(max_size=60) | JSON)
def test_any_error_of_the_runtime_is_a_problem(status: int, body: object) -> None:
    from inference_proxy.endpoint_errors import problem_of_response

    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    problem = problem_of_response(status, {}, content)
    assert problem.kind.status in (422, 429, 502, 503, 504)


def test_a_fuzzed_image_reaches_the_endpoint_only_as_a_standardised_image(runtime: Runtime) -> None:
    for image in IMAGES:
        assert answered(post(image, "application/x-image")).status == 200
    assert all(received.body.startswith(b"\xff\xd8\xff\xe0") for received in runtime.received)
