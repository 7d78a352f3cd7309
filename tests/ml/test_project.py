"""cdk.context.json: written whole, other keys kept, a damaged one left as it is."""

import json
from pathlib import Path

import pytest

from ml import project as files
from ml.errors import UserError
from ml.training import runs
from tests.settings_cases import CASES, Case


def test_the_model_is_added_and_everything_else_kept(project: Path) -> None:
    path = project / "cdk.context.json"
    path.write_text(json.dumps({"availability-zones": ["a"], "model:prod": {"artifact": "s3://x"}}))
    files.write_model("dev", {"artifact": "s3://y"})
    assert json.loads(path.read_text()) == {
        "availability-zones": ["a"],
        "model:prod": {"artifact": "s3://x"},
        "model:dev": {"artifact": "s3://y"},
    }
    assert [path.name for path in project.iterdir() if "tmp" in path.name] == []


@pytest.mark.parametrize("content", ["{", "[]", ""])
def test_a_damaged_context_is_refused_and_left_as_it_is(project: Path, content: str) -> None:
    path = project / "cdk.context.json"
    path.write_text(content)
    with pytest.raises(UserError, match=r"cdk\.context\.json"):
        files.write_model("dev", {"artifact": "s3://y"})
    assert path.read_text() == content


def test_a_stage_without_a_model_is_told_what_to_run(project: Path) -> None:
    with pytest.raises(UserError, match=r"no model for stage dev; run `python -m ml\.train --stage dev`"):
        files.read_model("dev")


@pytest.mark.parametrize("stage", ["Dev", "9dev", "a-b", "x" * 17])
def test_a_name_that_is_no_stage_is_refused(project: Path, stage: str) -> None:
    with pytest.raises(UserError, match="is not allowed"):
        files.stage(stage)


def test_outside_of_a_project_the_command_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"No cdk\.json"):
        files.root()


@pytest.mark.parametrize(
    ("passed", "forced", "released"), [(True, False, True), (False, True, True), (False, False, False)]
)
def test_only_a_model_that_passed_or_was_forced_is_released(passed: bool, forced: bool, released: bool) -> None:
    run = {
        "artifact": "s3://images/training/job/output/model.tar.gz",
        "training_job": "job",
        "algorithm": "image-classification",
        "image": "811284229777.dkr.ecr.us-east-1.amazonaws.com/image-classification:1",
        "environment": {},
        "classes": ["NORMAL", "PNEUMONIA"],
        "dataset": "images/0123",
        "resize_mode": "squash",
        "ended": "2026-11-24T03:15:00+00:00",
    }
    metrics = {
        "threshold": 0.4,
        "threshold_source": "sensitivity of at least 0.95 on 64 validation images",
        "dataset": "images/0123",
        "calibration": {"method": "none", "slope": 1.0, "intercept": 0.0},
        "gate": {"passed": passed, "sentence": "" if passed else "AUROC may be as low as 0.7"},
        "forced": forced,
        "splits": {"test": {}},
        "report": "s3://images/training/job/report.html",
    }
    entry = runs.model_entry(run, metrics)
    assert (entry["gate"] in ("passed", "forced")) is released
    assert runs.model_entry(run, None)["gate"].startswith("it was not evaluated yet")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.claim)
def test_what_counts_is_the_override_then_the_stage_then_the_default(project: Path, case: Case) -> None:
    (project / "cdk.json").write_text(json.dumps(case.cdk_json()))
    given = [f"{name}={value}" for name, value in case.given.items()]
    if not case.refused:
        resolved = files.settings(case.stage, given)
        assert {name: resolved[name] for name in case.settings} == case.settings
        return
    with pytest.raises(UserError) as caught:
        files.settings(case.stage, given)
    assert not [part for part in case.refused if part not in str(caught.value)], str(caught.value)
    assert caught.value.code == (2 if case.given else 1)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"context": 5}'])
def test_a_damaged_cdk_json_is_refused(project: Path, content: str) -> None:
    (project / "cdk.json").write_text(content)
    with pytest.raises(UserError, match=r"cdk\.json"):
        files.settings("dev")


def test_the_stage_is_no_override(project: Path) -> None:
    """It would give the settings of one stage under the name of another."""
    (project / "cdk.json").write_text(json.dumps(CASES[0].cdk_json()))
    with pytest.raises(UserError, match=r"-c stage=prod.*--stage prod") as refused:
        files.settings("dev", ["stage=prod"])
    assert refused.value.code == 2
