"""The model in context is checked before the stacks are synthesised."""

from typing import Any

import pytest

from infra import deployed_model
from infra.errors import SettingsError
from radiograph import RESIZE_MODES

from .builders import MODEL

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"artifact": None}, "an s3:// URI"),
    ({"artifact": "https://bucket.s3.amazonaws.com/training/job/output/model.tar.gz"}, "an s3:// URI"),
    ({"artifact": "/tmp/model.tar.gz"}, "an s3:// URI"),  # noqa: S108
    ({"artifact": "s3://images/training/job/output/model.zip"}, "an s3:// URI"),
    ({"artifact": "s3://Images/training/model.tar.gz"}, "an s3:// URI"),
    ({"image": None}, "Amazon ECR"),
    ({"image": "docker.io/library/python:3.12"}, "Amazon ECR"),
    ({"image": "811284229777.dkr.ecr.us-east-1.amazonaws.com/image-classification"}, "with a tag"),
    ({"environment": None}, "an object of texts"),
    ({"environment": {"SAGEMAKER_PROGRAM": 1}}, "an object of texts"),
    ({"training_job": ""}, "training job"),
    ({"training_job": None}, "training job"),
    ({"training_job": 12}, "training job"),
    ({"training_job": "a" * 64}, "training job"),
    ({"classes": ["PNEUMONIA", "NORMAL"]}, '["NORMAL", "PNEUMONIA"]'),
    ({"classes": ["NORMAL", "PNEUMONIA", "COVID"]}, '["NORMAL", "PNEUMONIA"]'),
    ({"classes": "NORMAL,PNEUMONIA"}, '["NORMAL", "PNEUMONIA"]'),
    ({"resize_mode": "crop"}, "squash, pad"),
    ({"resize_mode": None}, "squash, pad"),
    ({"calibration": {"slope": 0, "intercept": 0}}, "slope"),
    ({"calibration": {"slope": 1}}, "slope"),
    ({"calibration": {"slope": True, "intercept": 0}}, "slope"),
    ({"calibration": {"slope": 1, "intercept": float("inf")}}, "intercept"),
    ({"calibration": [1, 0]}, "slope"),
    ({"gate": ""}, "passed"),
    ({"gate": " "}, "forced"),
    ({"threshold": 1.5}, "from 0 to 1"),
    ({"threshold": float("nan")}, "from 0 to 1"),
    ({"threshold": "0.5"}, "from 0 to 1"),
    ({"threshold": True}, "from 0 to 1"),
    ({"threshold_source": ""}, "a sentence"),
    ({"threshold_source": 5}, "a sentence"),
    ({"report": "report.html"}, "an s3:// URI"),
]


def test_the_resize_modes_are_those_of_radiograph() -> None:
    assert deployed_model.RESIZE_MODES == RESIZE_MODES


def refusal(entry: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        deployed_model.read({"model:dev": entry}, "dev")
    return str(caught.value)


@pytest.mark.parametrize(("changes", "allowed"), REFUSED)
def test_an_invalid_entry_is_refused_with_its_value_what_is_allowed_and_a_remedy(
    changes: dict[str, Any], allowed: str
) -> None:
    first, fault, *rest = refusal(MODEL | changes).splitlines()
    ((name, value),) = changes.items()
    assert "model:dev in cdk.context.json" in first
    assert f"{name} is {value!r}" in fault
    assert allowed in fault
    assert "python -m ml.train --stage dev" in rest[0]
    assert len(rest) == 1


def test_all_faults_of_an_entry_are_named_at_once() -> None:
    message = refusal(MODEL | {"gate": "", "classes": [], "threshold": 2})
    assert all(part in message for part in ("gate is ''", "classes is []", "threshold is 2"))
    assert "pydantic" not in message.lower()


@pytest.mark.parametrize(
    "name",
    [
        "artifact",
        "image",
        "environment",
        "training_job",
        "classes",
        "resize_mode",
        "threshold",
        "threshold_source",
        "gate",
    ],
)
def test_a_missing_part_is_refused(name: str) -> None:
    assert name in refusal({key: value for key, value in MODEL.items() if key != name})


@pytest.mark.parametrize("entry", ["s3://images/model.tar.gz", [MODEL], 5, {}])
def test_an_entry_of_another_shape_is_refused(entry: Any) -> None:
    assert "cannot be used" in refusal(entry)


@pytest.mark.parametrize(("gate", "deployable"), [("passed", True), ("forced", True), ("AUROC is too low", False)])
def test_only_a_released_model_is_deployable(gate: str, deployable: bool) -> None:
    model = deployed_model.read({"model:dev": MODEL | {"gate": gate}}, "dev")
    assert model is not None
    assert model.deployable is deployable


def test_a_stage_without_an_entry_has_no_model() -> None:
    assert deployed_model.read({"model:prod": MODEL}, "dev") is None


def test_other_keys_are_ignored() -> None:
    model = deployed_model.read({"model:dev": MODEL | {"anything": {"new": 1}}}, "dev")
    assert model is not None
    assert model.artifact == MODEL["artifact"]
    assert model.classes == ("NORMAL", "PNEUMONIA")
    assert model.threshold == MODEL["threshold"]


def test_a_threshold_of_one_may_be_written_as_an_integer() -> None:
    model = deployed_model.read({"model:dev": MODEL | {"threshold": 1}}, "dev")
    assert model is not None
    assert model.threshold == 1.0
