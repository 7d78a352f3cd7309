"""With a graph instead of an endpoint, the function itself scores: the same answers, and a problem for each failure."""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from inference_proxy import graph as inference_graph
from inference_proxy.deadline import Deadline
from inference_proxy.settings import ProxySettingsError, parse
from onnx import TensorProto
from PIL import Image

from radiograph import encode, standardise
from radiograph.frontal_check import standardise_frontal

from . import graphs
from .conftest import ENVIRONMENT, Ask, Context
from .events import event, get, image_in, post
from .hostile import JPEG, assert_problem
from .runtime import Received, Reply, Runtime

BUCKET, KEY = "artifacts", "training/job/model.onnx"
Deploy = Callable[..., str]


@pytest.fixture
def deploy(
    runtime: Runtime, environment: pytest.MonkeyPatch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Deploy:
    """Return a function that deploys a graph and returns its SHA-256; S3 answers with `stored` instead if given."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def start(content: bytes, stored: Reply | None = None) -> str:
        def s3(received: Received) -> Reply:
            if (received.method, received.path) != ("GET", f"/{BUCKET}/{KEY}"):
                return Reply(404)
            return stored or Reply(body=content)

        runtime.model = s3
        sha256 = hashlib.sha256(content).hexdigest()
        environment.delenv("ENDPOINT_NAME")
        environment.setenv("GRAPH_URI", f"s3://{BUCKET}/{KEY}")
        environment.setenv("GRAPH_SHA256", sha256)
        environment.setenv("LEASE_SCHEDULE", "")
        return sha256

    return start


def test_the_graph_runs_on_all_vcpus_and_its_threads_do_not_spin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = []

    class Session(onnxruntime.InferenceSession):  # type: ignore[misc]
        def __init__(self, path: str, options: onnxruntime.SessionOptions, providers: list[str]) -> None:
            given.append(options)
            super().__init__(path, options, providers)

    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    (tmp_path / "model.onnx").write_bytes(graphs.exported())
    inference_graph.GraphScorer(tmp_path / "model.onnx", ("NORMAL", "PNEUMONIA"))
    (options,) = given
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    assert options.intra_op_num_threads == os.cpu_count()


def reference(image: bytes) -> float:
    """Return the probability of pneumonia that the container of an endpoint returns for a posted image."""
    session = onnxruntime.InferenceSession(graphs.exported(), providers=["CPUExecutionProvider"])
    with Image.open(BytesIO(encode(standardise_frontal(image)))) as received:
        pixels = np.asarray(received.convert("RGB"))[None]
    return float(session.run(None, {"data": pixels})[0][0, 1])


def test_a_prediction_is_that_of_the_container_and_calls_no_endpoint(
    deploy: Deploy, ask: Ask, runtime: Runtime, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(graphs.exported())
    response = ask(event("predict_jpeg"))
    assert response.status == 200
    assert response.body["probability"] == pytest.approx(reference(image_in(event("predict_jpeg"))), abs=1e-6)
    assert [received.path for received in runtime.received] == [f"/{BUCKET}/{KEY}"]
    line = json.loads(capsys.readouterr().out.splitlines()[0])
    assert line["scoring_ms"] > 0


def test_a_heat_map_is_complete_and_starts_from_the_same_probability(deploy: Deploy, ask: Ask) -> None:
    deploy(graphs.exported())
    explained = ask(post(image_in(event("predict_jpeg")), resource="/explain", path="/explain")).body
    predicted = ask(event("predict_jpeg")).body
    assert explained["probability"] == predicted["probability"]
    heat = explained["heat_map"]
    assert (heat["complete"], heat["calls"]) == (True, 1 + heat["rows"] ** 2)
    assert len({value for row in heat["values"] for value in row}) > 1


def test_the_covered_images_are_scored_in_one_run(deploy: Deploy, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    deploy(graphs.exported())
    batches, run = [], inference_graph.GraphScorer._run

    def counted(scorer: inference_graph.GraphScorer, jpegs: list[bytes], deadline: object) -> object:
        batches.append(len(jpegs))
        return run(scorer, jpegs, deadline)  # type: ignore[arg-type]

    monkeypatch.setattr(inference_graph.GraphScorer, "_run", counted)
    heat = ask(post(image_in(event("predict_jpeg")), resource="/explain", path="/explain")).body["heat_map"]
    assert batches == [1, heat["rows"] ** 2]


def test_the_deep_health_check_runs_the_graph_and_a_shallow_one_does_not_load_it(
    deploy: Deploy, ask: Ask, runtime: Runtime
) -> None:
    deploy(graphs.exported())
    assert ask(event("health")).status == 200
    assert runtime.received == []
    assert ask(get("/health", deep="1")).body["model"] == "ok"


def test_the_model_has_no_endpoint_and_no_lease(deploy: Deploy, ask: Ask) -> None:
    deploy(graphs.exported())
    body = ask(get("/model")).body
    assert (body["endpoint"], body["lease"]) == (None, None)


def test_the_graph_is_fetched_once_and_a_restarted_function_finds_it_in_tmp(
    deploy: Deploy, ask: Ask, runtime: Runtime, tmp_path: Path
) -> None:
    sha256 = deploy(graphs.exported())
    for _ in range(2):
        assert ask(event("predict_jpeg")).status == 200
        inference_graph.clear_cache()
    assert len(runtime.received) == 1
    assert [path.name for path in tmp_path.iterdir()] == [f"{sha256}.onnx"]


def test_an_altered_file_in_tmp_is_fetched_again(deploy: Deploy, ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / f"{deploy(graphs.exported())}.onnx"
    path.write_bytes(b"altered")
    assert ask(event("predict_jpeg")).status == 200
    assert path.read_bytes() == graphs.exported()


@pytest.mark.parametrize(
    ("stored", "status", "code"),
    [
        (Reply(404), 502, "model_missing"),
        (Reply(403), 502, "model_missing"),
        (Reply(body=b"another graph"), 502, "model_hash_mismatch"),
        (Reply(503), 503, "storage_unavailable"),
        (Reply(reset=True), 503, "storage_unavailable"),
    ],
)
def test_a_graph_that_cannot_be_fetched_is_a_problem_and_later_one_that_can_is_used(
    deploy: Deploy, ask: Ask, runtime: Runtime, tmp_path: Path, stored: Reply, status: int, code: str
) -> None:
    deploy(graphs.exported(), stored)
    assert_problem(ask(event("predict_jpeg")), status, code)
    assert list(tmp_path.iterdir()) == []
    runtime.model = lambda received: Reply(body=graphs.exported())
    assert ask(event("predict_jpeg")).status == 200


BROKEN: dict[str, tuple[Callable[[], bytes], str]] = {
    "not ONNX": (lambda: b"no graph", "model_broken"),
    "truncated": (lambda: graphs.exported()[:-1000], "model_broken"),
    "another size": (lambda: graphs.constant_output(side=299), "model_broken"),
    "another type": (lambda: graphs.constant_output(element=TensorProto.FLOAT), "model_broken"),
    "not probabilities": (graphs.mean_colours, "model_output_invalid"),
    "failing": (graphs.failing, "model_error"),
}


@pytest.mark.parametrize(("content", "code"), BROKEN.values(), ids=BROKEN)
def test_a_broken_graph_is_a_problem(deploy: Deploy, ask: Ask, content: Callable[[], bytes], code: str) -> None:
    deploy(content())
    assert_problem(ask(event("predict_jpeg")), 502, code)
    assert_problem(ask(get("/health", deep="1")), 502, code)


def test_a_graph_that_takes_too_long_is_stopped(deploy: Deploy, ask: Ask, tmp_path: Path) -> None:
    sha256 = deploy(graphs.endless())
    assert_problem(ask(event("predict_jpeg"), seconds=2.0), 504, "model_timeout")
    scorer = inference_graph.GraphScorer(tmp_path / f"{sha256}.onnx", ("NORMAL", "PNEUMONIA"))
    jpeg = encode(standardise(JPEG))
    assert scorer.score_all([jpeg, jpeg], Deadline(Context(0.8))) == [None, None]


def test_the_settings_name_an_endpoint_or_a_graph_and_not_both() -> None:
    given = {"GRAPH_URI": f"s3://{BUCKET}/{KEY}", "GRAPH_SHA256": "0123456789abcdef" * 4}
    without = {name: value for name, value in ENVIRONMENT.items() if name != "ENDPOINT_NAME"}
    settings = parse(without | given)
    assert (settings.endpoint_name, settings.graph) == (None, (BUCKET, KEY, given["GRAPH_SHA256"]))
    for wrong, name in (
        (ENVIRONMENT | given, "ENDPOINT_NAME"),
        (without | given | {"GRAPH_URI": "training/model.onnx"}, "training/model.onnx"),
        (without | given | {"GRAPH_SHA256": "abc"}, "GRAPH_SHA256"),
        (without, "ENDPOINT_NAME"),
    ):
        with pytest.raises(ProxySettingsError, match=name):
            parse(wrong)
