"""The steps of the demo, and a model that misses the gate."""

import json
import os
import sys
from pathlib import Path

import pytest

from demo import scoring, walk
from demo.commands import Runner, StepFailedError
from network import networks

TRANSFORM = """
import json, pathlib, sys
context, forced = pathlib.Path("cdk.context.json"), "--force" in sys.argv
model = {"gate": "forced" if forced else sys.argv[1]} | ({"metrics": {}} if sys.argv[2] == "measured" else {})
context.write_text(json.dumps({"model:demo": model}))
raise SystemExit(0 if forced or model["gate"] == "passed" else 1)
"""
"""Ends as `ml.transform` does: with 1 and the reason in context if the model missed the gate without --force."""


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    (tmp_path / "transform.py").write_text(TRANSFORM)
    return Runner(tmp_path, os.environ, total=1)


def score(runner: Runner, gate: str, state: str) -> str:
    """Score with a model of this verdict; return the verdict in context."""
    scoring.score(runner, "Score", "demo", [sys.executable, "transform.py", gate, state])
    context = json.loads((runner.root / "cdk.context.json").read_text())
    return str(context["model:demo"]["gate"])


def test_a_model_that_passes_is_released_without_force(runner: Runner, capfd: pytest.CaptureFixture[str]) -> None:
    assert score(runner, "passed", "measured") == "passed"
    assert "--force" not in capfd.readouterr().out


def test_a_model_that_misses_the_gate_is_released_by_force_and_the_demo_says_why(
    runner: Runner, capfd: pytest.CaptureFixture[str]
) -> None:
    assert score(runner, "Specificity is 0.36", "measured") == "forced"
    shown = capfd.readouterr().out
    assert "missed the gate: Specificity is 0.36" in shown
    assert "--force" in shown
    assert [title for title, _ in runner.seconds] == ["Score"]


def test_a_transform_that_measured_nothing_ends_the_demo(runner: Runner) -> None:
    with pytest.raises(StepFailedError, match=r"transform\.py.* ended with exit code 1"):
        score(runner, "it was not evaluated yet", "unmeasured")


def test_the_demo_names_the_networks_that_train_here() -> None:
    assert networks.build(2, fine_tuned=True).name in walk.TRAINING_NOTE
