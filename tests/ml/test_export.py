"""A graph is stored only if it answers as the model does, and the run record has the evidence."""

import hashlib
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from ml import export
from ml import project as files
from ml.errors import UserError
from ml.training import runs
from tests.lambda_ import graphs
from tests.network import mxnet_builders

from .conftest import STAGE
from .released_builders import (
    IMAGES,
    JOB,
    archive,
    file_of,
    put,
    put_evaluated_model,
    read,
    release,
    s3,
    score,
    weights,
)
from .scoring_builders import phantom


@pytest.fixture
def evaluated(project: Path, aws: None) -> dict[str, Any]:
    """An evaluated model of the stage, without its artifact; return its run record."""
    return put_evaluated_model(STAGE)


@pytest.mark.parametrize("form", ["graph", "weights"])
def test_a_graph_that_answers_as_the_model_is_stored_with_its_evidence(
    evaluated: dict[str, Any], form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    held = {"model_onnx": graphs.exported()} if form == "graph" else {"weights_pt": weights(tmp_path)}
    put(f"training/{JOB}/output/model.tar.gz", archive(**held, notes_json=b"{}"))
    assert export.main([]) == 0
    graph = files.read_model(STAGE)["graph"]
    assert graph == {"uri": graph["uri"], "sha256": hashlib.sha256(stored_graph(graph["uri"])).hexdigest()}
    record = json.loads(read(f"training/{JOB}/run.json"))
    assert record == evaluated | {"graph": record["graph"]}
    assert record["graph"].items() >= graph.items()
    proof = record["graph"]["proof"]
    assert (proof["images"], proof["runtime"]) == (IMAGES, onnxruntime.__version__)
    assert set(proof["differences"]) == {"batch transform"} | ({"PyTorch"} if form == "weights" else set())
    assert all(0 <= value < 1e-5 for value in proof["differences"].values())
    assert f"{IMAGES} validation images" in capsys.readouterr().out
    assert runs.model_entry(record, None)["graph"] == graph


def stored_graph(uri: str) -> bytes:
    """Return a graph, which must be beside the artifact."""
    prefix = f"s3://images/training/{JOB}/"
    assert uri.startswith(prefix)
    assert uri.endswith("/model.onnx")
    return read(uri.removeprefix("s3://images/"))


@pytest.mark.usefixtures("evaluated")
def test_another_export_leaves_the_graph_of_the_deployed_function_in_place() -> None:
    content = graphs.exported()
    deployed = []
    for version in (b"2.6", b"2.7"):
        # Field 15 of a protobuf message, which ONNX does not have: other bytes of the same graph.
        other = content + b"\x7a\x03" + version
        put(f"training/{JOB}/output/model.tar.gz", archive(model_onnx=other))
        assert export.main([]) == 0
        deployed.append(files.read_model(STAGE)["graph"])
    for graph in deployed:
        assert hashlib.sha256(stored_graph(graph["uri"])).hexdigest() == graph["sha256"]
    assert deployed[0] != deployed[1]


def refusal(capsys: pytest.CaptureFixture[str]) -> str:
    """Return the error of an export that is refused, after which nothing is recorded."""
    before = files.read_model(STAGE), read(f"training/{JOB}/run.json")
    assert export.main([]) == 1
    assert (files.read_model(STAGE), read(f"training/{JOB}/run.json")) == before
    listed = s3().list_objects_v2(Bucket="images", Prefix=f"training/{JOB}/")
    assert not [item["Key"] for item in listed["Contents"] if item["Key"].endswith(".onnx")]
    return capsys.readouterr().err


@pytest.mark.usefixtures("evaluated")
def test_a_graph_that_differs_from_the_recorded_scores_is_refused_with_the_numbers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    put(f"training/{JOB}/output/model.tar.gz", archive(model_onnx=graphs.exported()))
    table = read(f"training/{JOB}/predictions.csv").decode().replace(repr(score(2)), repr(score(2) + 0.002))
    put(f"training/{JOB}/predictions.csv", table.encode())
    error = refusal(capsys)
    assert "2.0e-03 from batch transform" in error
    assert "0.001" in error


@pytest.mark.usefixtures("evaluated")
def test_a_graph_of_images_of_another_size_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    put(f"training/{JOB}/output/model.tar.gz", archive(model_onnx=graphs.constant_output(side=128)))
    error = refusal(capsys)
    assert "128" in error
    assert "224" in error


@pytest.mark.usefixtures("evaluated")
@pytest.mark.parametrize(
    ("content", "named"),
    [
        (archive(**{"model-symbol_json": b"{}", "model-0004_params": b"x"}), "model-0004.params"),
        (b"no archive", "not a complete .tar.gz"),
        (archive(model_onnx=b"x" * 100_000)[:90], "not a complete .tar.gz"),
        (archive(model_onnx=b"x" * 100_000), "cannot load the graph"),
    ],
    ids=["another algorithm", "no archive", "truncated", "no graph"],
)
def test_an_artifact_without_a_graph_is_refused(content: bytes, named: str, capsys: pytest.CaptureFixture[str]) -> None:
    put(f"training/{JOB}/output/model.tar.gz", content)
    assert named in refusal(capsys)


@pytest.mark.usefixtures("evaluated")
def test_a_model_that_was_not_evaluated_is_refused_with_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    s3().delete_object(Bucket="images", Key=f"training/{JOB}/predictions.csv")
    assert f"python -m ml.transform --stage {STAGE}" in refusal(capsys)


@pytest.mark.usefixtures("evaluated")
def test_a_release_exports_the_model_and_for_a_function_writes_no_lease(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {"hosting": "function", "lease_hours": 8}
    (project / "cdk.json").write_text(json.dumps({"context": {"stage": STAGE, "defaults": settings}}))
    release(STAGE, archive(model_onnx=graphs.exported()))
    entry = files.read_model(STAGE)
    assert (entry["gate"], entry["threshold"]) == ("passed", 0.4)
    assert stored_graph(entry["graph"]["uri"]) == graphs.exported()
    assert f"lease:{STAGE}" not in files.read_context()
    assert entry["graph"]["uri"] in capsys.readouterr().out


@pytest.fixture
def mxnet_model(evaluated: dict[str, Any]) -> dict[str, float]:
    """The answers that batch transform gave for an evaluated model of the built-in algorithm, by file."""
    network = mxnet_builders.small()
    put(f"training/{JOB}/output/model.tar.gz", mxnet_builders.packed(mxnet_builders.files(network, 224, 224)))
    images = {file_of(number): phantom(number) for number in range(IMAGES)}
    pixels = np.stack([np.asarray(Image.open(io.BytesIO(image)).convert("RGB")) for image in images.values()])
    answers = dict(zip(images, mxnet_builders.expected(network, pixels)[:, 1].tolist(), strict=True))
    put(f"training/{JOB}/predictions.csv", table("model_probability", answers))
    return answers


def table(column: str, answers: dict[str, float]) -> bytes:
    """Return a table of answers by file."""
    return "".join(f"{file},{answer}\n" for file, answer in [("file", column), *answers.items()]).encode()


@pytest.mark.parametrize("framework", [None, "MXNet 1.9.1"])
def test_a_network_of_the_built_in_algorithm_is_exported_and_compared_with_all_recorded_answers(
    mxnet_model: dict[str, float], framework: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert np.ptp([*mxnet_model.values()]) > 0.001
    if framework:
        put(f"training/{JOB}/answers.csv", table(framework, mxnet_model))
    assert export.main([]) == 0
    record = json.loads(read(f"training/{JOB}/run.json"))["graph"]
    assert hashlib.sha256(stored_graph(record["uri"])).hexdigest() == record["sha256"]
    assert set(record["proof"]["differences"]) == {"batch transform", framework} - {None}
    assert all(0 <= value < 1e-5 for value in record["proof"]["differences"].values())
    assert (framework or "batch transform") in capsys.readouterr().out


def test_a_converted_network_that_differs_from_the_answers_of_the_framework_is_refused(
    mxnet_model: dict[str, float], capsys: pytest.CaptureFixture[str]
) -> None:
    put(
        f"training/{JOB}/answers.csv", table("MXNet 1.9.1", mxnet_model | {file_of(3): mxnet_model[file_of(3)] + 0.002})
    )
    assert "2.0e-03 from MXNet 1.9.1" in refusal(capsys)


@pytest.mark.parametrize(
    ("answers", "named"),
    [(table("MXNet 1.9.1", {file_of(0): 0.5}), file_of(1)), (b"file,MXNet 1.9.1\nx,high\n", "high")],
    ids=["incomplete", "no number"],
)
@pytest.mark.usefixtures("mxnet_model")
def test_answers_of_the_framework_that_cannot_be_used_are_refused(
    answers: bytes, named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    put(f"training/{JOB}/answers.csv", answers)
    error = refusal(capsys)
    assert named in error
    assert "answers.csv" in error


@pytest.mark.usefixtures("evaluated")
def test_a_network_of_another_number_of_classes_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    network = mxnet_builders.ResNet([1], [8, 8], classes=3)
    put(f"training/{JOB}/output/model.tar.gz", mxnet_builders.packed(mxnet_builders.files(network, 224, 224)))
    assert "3" in refusal(capsys)


@pytest.mark.usefixtures("evaluated")
def test_a_model_that_cannot_be_exported_is_released_without_a_graph(capsys: pytest.CaptureFixture[str]) -> None:
    release(STAGE, archive(**{"model-symbol_json": b"{}"}))
    entry = files.read_model(STAGE)
    assert (entry["gate"], "graph" in entry) == ("passed", False)
    assert "model-symbol.json" in capsys.readouterr().out


@pytest.mark.usefixtures("evaluated")
@pytest.mark.parametrize("hosting", ["realtime", "function"])
def test_a_wrong_graph_fails_only_the_release_of_a_function(
    hosting: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    defaults = {"hosting": hosting, "lease_hours": 0}
    (project / "cdk.json").write_text(json.dumps({"context": {"stage": STAGE, "defaults": defaults}}))
    packed = archive(model_onnx=graphs.constant_output())
    if hosting == "function":
        with pytest.raises(UserError, match="differs from the model"):
            release(STAGE, packed)
    else:
        release(STAGE, packed)
        assert "differs from the model" in capsys.readouterr().out.partition("released for deployment")[2]
    assert files.read_model(STAGE)["gate"] == "passed"


@pytest.mark.usefixtures("evaluated")
@pytest.mark.parametrize("package", ["onnxruntime", "torch"])
def test_a_missing_package_is_named_with_the_command_that_installs_it(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put(f"training/{JOB}/output/model.tar.gz", archive(weights_pt=weights(tmp_path)))
    monkeypatch.setitem(sys.modules, package, None)
    error = refusal(capsys)
    assert package in error
    assert "pip install -r requirements.txt" in error


@pytest.mark.usefixtures("evaluated")
def test_weights_of_another_network_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import torch

    weights(tmp_path)
    state = torch.load(tmp_path / "weights.pt", weights_only=True)
    state["weights"] = {f"old.{name}": value for name, value in state["weights"].items()}
    torch.save(state, tmp_path / "weights.pt")
    put(f"training/{JOB}/output/model.tar.gz", archive(weights_pt=(tmp_path / "weights.pt").read_bytes()))
    error = refusal(capsys)
    assert "weights.pt" in error
    assert "network/" in error
