"""The model in context is checked before anything is synthesised from it."""

from typing import Any

import pytest

from infra import deployed_model
from infra.errors import SettingsError
from radiograph import RESIZE_MODES

from .conftest import MODEL

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"artifact": None}, "artifact must be an s3:// URI"),
    ({"artifact": "https://bucket.s3.amazonaws.com/training/job/output/model.tar.gz"}, "artifact must be an s3:// URI"),
    ({"artifact": "/tmp/model.tar.gz"}, "artifact must be an s3:// URI"),  # noqa: S108
    ({"artifact": "s3://images/training/job/output/model.zip"}, "artifact must be an s3:// URI"),
    ({"artifact": "s3://Images/training/model.tar.gz"}, "artifact must be an s3:// URI"),
    ({"training_job": ""}, "training_job must be a job's name"),
    ({"training_job": None}, "training_job must be a job's name"),
    ({"training_job": 12}, "training_job must be a job's name"),
    ({"training_job": "a" * 64}, "training_job must be a job's name"),
    ({"classes": ["PNEUMONIA", "NORMAL"]}, "NORMAL and PNEUMONIA in label order"),
    ({"classes": ["NORMAL", "PNEUMONIA", "COVID"]}, "NORMAL and PNEUMONIA in label order"),
    ({"classes": "NORMAL,PNEUMONIA"}, "NORMAL and PNEUMONIA in label order"),
    ({"resize_mode": "crop"}, "resize_mode must be squash or pad"),
    ({"resize_mode": None}, "resize_mode must be squash or pad"),
    ({"calibration": {"slope": 0, "intercept": 0}}, "calibration must be slope above 0 and intercept"),
    ({"calibration": {"slope": 1}}, "calibration must be slope above 0 and intercept"),
    ({"calibration": [1, 0]}, "calibration must be slope above 0 and intercept"),
    ({"gate": ""}, "gate must be passed, forced, or a reason"),
    ({"threshold": 1.5}, "threshold must be a number from 0 to 1"),
    ({"threshold": float("nan")}, "threshold must be a number from 0 to 1"),
    ({"threshold": "0.5"}, "threshold must be a number from 0 to 1"),
    ({"threshold": True}, "threshold must be a number from 0 to 1"),
    ({"threshold_source": ""}, "threshold_source must be a sentence"),
    ({"threshold_source": 5}, "threshold_source must be a sentence"),
]


def test_the_policies_are_those_of_radiograph() -> None:
    assert deployed_model.RESIZE_MODES == RESIZE_MODES


def refusal(entry: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        deployed_model.read({"model:dev": entry}, "dev")
    return str(caught.value)


@pytest.mark.parametrize(("changes", "sentence"), REFUSED)
def test_an_unusable_entry_is_refused_with_its_key_and_a_remedy(changes: dict[str, Any], sentence: str) -> None:
    found = refusal(MODEL | changes)
    assert sentence in found
    (value,) = changes.values()
    assert f"but is {value!r}" in found
    assert found.startswith("model:dev in cdk.context.json")
    assert "python -m ml.train --stage dev" in found


@pytest.mark.parametrize(
    "name", ["artifact", "training_job", "classes", "resize_mode", "threshold", "threshold_source", "gate"]
)
def test_a_missing_part_is_refused(name: str) -> None:
    assert name in refusal({key: value for key, value in MODEL.items() if key != name})


@pytest.mark.parametrize("entry", ["s3://images/model.tar.gz", [MODEL], 5, {}])
def test_an_entry_of_another_shape_is_refused(entry: Any) -> None:
    assert "cannot be used" in refusal(entry)


@pytest.mark.parametrize(("gate", "deployable"), [("passed", True), ("forced", True), ("AUROC is too low", False)])
def test_only_a_released_model_is_deployable(gate: str, deployable: bool) -> None:
    found = deployed_model.read({"model:dev": MODEL | {"gate": gate}}, "dev")
    assert found is not None
    assert found.deployable is deployable


def test_no_entry_is_no_model() -> None:
    assert deployed_model.read({"model:prod": MODEL}, "dev") is None


def test_further_keys_are_left_alone() -> None:
    found = deployed_model.read({"model:dev": MODEL | {"anything": {"new": 1}}}, "dev")
    assert found is not None
    assert found.artifact == MODEL["artifact"]
    assert found.classes == ("NORMAL", "PNEUMONIA")
    assert found.threshold == MODEL["threshold"]


def test_a_threshold_of_one_may_be_written_as_an_integer() -> None:
    found = deployed_model.read({"model:dev": MODEL | {"threshold": 1}}, "dev")
    assert found is not None
    assert found.threshold == 1.0
