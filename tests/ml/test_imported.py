"""A model that was trained elsewhere becomes a run of the stage, and is then evaluated and deployed as any other."""

import hashlib
import json
import tarfile
from pathlib import Path

import pytest

from ml import project as files
from ml import train
from ml.training import runs

from .conftest import STAGE
from .released_builders import BUCKET, DATASET, archive, put, read

RECORDED = Path(__file__).parents[1] / "network" / "mxnet"
VERSION = DATASET.rpartition("/")[2]


@pytest.fixture
def prepared(aws: None, project: Path) -> None:
    """A data set in the account, which was prepared last."""
    name, version = DATASET.split("/")
    content = {
        "name": name, "version": version, "classes": ["NORMAL", "PNEUMONIA"], "settings": {"resize_mode": "pad"},
    }  # fmt: skip
    for each in (VERSION, "0456"):
        put(f"datasets/{name}/{each}/dataset.json", json.dumps(content | {"version": each}).encode())
    put("datasets/latest.json", json.dumps({"name": name, "version": version}).encode())


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    """An artifact that MXNet wrote, as the algorithm packs it."""
    path = tmp_path / "model.tar.gz"
    with tarfile.open(path, "w:gz") as packed:
        for name in ("image-classification-0002.params", "image-classification-symbol.json", "model-shapes.json"):
            packed.add(RECORDED / name, name)
    return path


@pytest.mark.usefixtures("prepared")
def test_an_artifact_of_mxnet_becomes_the_model_of_the_stage_and_a_run(
    artifact: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train.main(["--import", str(artifact)]) == 0
    job = f"imported-{hashlib.sha256(artifact.read_bytes()).hexdigest()[:16]}-{VERSION}"
    assert read(f"training/{job}/output/model.tar.gz") == artifact.read_bytes()
    model = files.read_model(STAGE)
    assert model["artifact"] == f"s3://{BUCKET}/training/{job}/output/model.tar.gz"
    assert (model["training_job"], model["algorithm"], model["dataset"]) == (job, "image-classification", DATASET)
    assert (model["resize_mode"], model["environment"]) == ("pad", {})
    assert "/image-classification:" in model["image"]
    assert "not evaluated" in model["gate"]
    assert DATASET in capsys.readouterr().out
    assert train.main(["--list"]) == 0
    assert any(job in line and "Imported" in line for line in capsys.readouterr().out.splitlines())


@pytest.mark.usefixtures("prepared")
def test_importing_again_keeps_the_record_and_another_data_set_makes_another_run(artifact: Path) -> None:
    assert train.main(["--import", str(artifact)]) == 0
    first = files.read_model(STAGE)
    record = runs.find(BUCKET, first["training_job"]) | {"graph": {"uri": "s3://images/model.onnx", "sha256": "0"}}
    runs.put(first["artifact"], "run.json", json.dumps(record).encode())
    assert train.main(["--import", str(artifact)]) == 0
    assert runs.find(BUCKET, first["training_job"]) == record
    other = DATASET.replace(VERSION, "0456")
    assert train.main(["--import", str(artifact), "--dataset", other]) == 0
    second = files.read_model(STAGE)
    assert second["dataset"] == other
    assert second["training_job"] != first["training_job"]


@pytest.mark.usefixtures("prepared")
def test_an_artifact_with_weights_of_the_projects_network_is_taken_as_such(tmp_path: Path) -> None:
    path = tmp_path / "model.tar.gz"
    path.write_bytes(archive(weights_pt=b"weights"))
    assert train.main(["--import", str(path)]) == 0
    model = files.read_model(STAGE)
    assert (model["algorithm"], model["environment"]["SAGEMAKER_PROGRAM"]) == ("pytorch", "inference.py")


@pytest.mark.usefixtures("prepared")
@pytest.mark.parametrize("kind", ["another network", "no archive", "truncated"])
def test_another_file_is_refused_with_its_name_and_nothing_is_stored(
    kind: str, artifact: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = {
        "another network": archive(saved_model_pb=b"graph"),
        "no archive": b"no archive",
        "truncated": artifact.read_bytes()[:20_000],
    }
    artifact.write_bytes(content[kind])
    assert train.main(["--import", str(artifact)]) == 2
    error = capsys.readouterr().err
    assert str(artifact) in error
    assert {"another network": "saved.model.pb"}.get(kind, ".tar.gz") in error
    assert runs.every(BUCKET) == []
    with pytest.raises(Exception, match="no model for stage"):
        files.read_model(STAGE)


def test_an_artifact_is_taken_only_when_there_is_a_data_set_to_evaluate_it_on(
    artifact: Path, aws: None, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train.main(["--import", str(artifact)]) == 1
    assert "ml.prepare" in capsys.readouterr().err
    assert runs.every(BUCKET) == []
    assert train.main(["--import", str(artifact), "--list"]) == 2
    assert "--list and --import" in capsys.readouterr().err
