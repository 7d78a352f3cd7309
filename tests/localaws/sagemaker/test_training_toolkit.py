"""The stand-in for SageMaker's training toolkit, with a script that takes no time."""

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from localaws.sagemaker.container import training_toolkit
from localaws.sagemaker.container.registry import pytorch_inference, pytorch_training

SCRIPT = """
import json, os, pathlib, sys
pathlib.Path("seen.json").write_text(json.dumps([sys.argv[1:], dict(os.environ)]))
"""
SOURCE = "s3://bucket/sourcedir.tar.gz"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A job's folder in place of /opt/ml."""
    for name in ("input/config", "output", "code"):
        (tmp_path / name).mkdir(parents=True)
    resources = {"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "eth0"}
    write(tmp_path, "resourceconfig", resources)
    write(tmp_path, "inputdataconfig", {"train": {}, "train_lst": {}})
    return tmp_path


def write(root: Path, name: str, content: dict[str, Any]) -> None:
    (root / "input/config" / f"{name}.json").write_text(json.dumps(content))


def run(root: Path, script: str, **values: Any) -> int:
    """Run a script with hyperparameters in JSON, as the SageMaker SDK sends them."""
    (root / "code/train.py").write_text(script)
    own = {"sagemaker_program": "train.py", "sagemaker_submit_directory": SOURCE, "sagemaker_region": "us-east-1"}
    write(root, "hyperparameters", {name: json.dumps(value) for name, value in (own | values).items()})
    return training_toolkit.main(root)


def test_the_script_gets_its_arguments_in_the_order_of_their_names(root: Path) -> None:
    values = {"lr": 0.001, "epochs": 2, "early": True, "shape": "3,224,224", "x": None, "mix": {"b": 1, "a": 2}}
    assert run(root, SCRIPT, **values) == 0
    arguments, _ = json.loads((root / "code/seen.json").read_text())
    assert arguments == ["--early", "True", "--epochs", "2", "--lr", "0.001", "--mix", "a=2,b=1",
                         "--shape", "3,224,224", "-x", ""]  # fmt: skip


def test_a_value_that_is_not_json_is_a_string_and_tuning_adds_no_argument(root: Path) -> None:
    (root / "code/train.py").write_text(SCRIPT)
    given = {"sagemaker_program": "train.py", "optimizer": "adam", "_tuning_objective_metric": "validation:accuracy"}
    write(root, "hyperparameters", given)
    assert training_toolkit.main(root) == 0
    assert json.loads((root / "code/seen.json").read_text())[0] == ["--optimizer", "adam"]


def test_the_script_gets_its_folders_in_variables(root: Path) -> None:
    assert run(root, SCRIPT, epochs=2) == 0
    _, environment = json.loads((root / "code/seen.json").read_text())
    expected = {
        "SM_MODEL_DIR": str(root / "model"),
        "SM_OUTPUT_DATA_DIR": str(root / "output/data"),
        "SM_CHANNELS": '["train","train_lst"]',
        "SM_CHANNEL_TRAIN_LST": str(root / "input/data/train_lst"),
        "SM_HPS": '{"epochs":2}',
        "SM_HP_EPOCHS": "2",
        "SM_USER_ARGS": '["--epochs","2"]',
        "SM_MODULE_DIR": SOURCE,
        "SM_MODULE_NAME": "train",
        "SM_NUM_GPUS": "0",
        "SM_NUM_CPUS": str(os.cpu_count()),
        "PYTHONPATH": str(root / "code"),
    }
    assert {name: environment.get(name) for name in expected} == expected


def test_a_script_that_raises_fails_with_the_toolkits_words(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(root, "print('started')\nraise KeyError('colour')") == 1
    failure = (root / "output/failure").read_text()
    assert failure.startswith('ExecuteUserScriptError:\nExitCode 1\nErrorMessage "')
    assert "KeyError: 'colour'" in failure
    assert "started" not in failure
    assert failure.endswith(' train.py"')
    assert "started" in capfd.readouterr().out


def test_a_reason_that_the_script_has_written_stays(root: Path) -> None:
    script = f"import pathlib, sys; pathlib.Path({str(root)!r}, 'output/failure').write_text('no disk'); sys.exit(3)"
    assert run(root, script) == 1
    assert (root / "output/failure").read_text() == "no disk"


def test_a_killed_script_is_reported_as_out_of_memory(root: Path) -> None:
    assert run(root, "import os; os.kill(os.getpid(), 9)") == 1
    assert "ExitCode 137" in (root / "output/failure").read_text()
    assert "OutOfMemory" in (root / "output/failure").read_text()


def test_a_job_without_a_program_is_a_framework_error(root: Path) -> None:
    write(root, "hyperparameters", {"epochs": "2"})
    assert training_toolkit.main(root) == 1
    assert "sagemaker_program" in (root / "output/failure").read_text()


def test_a_stop_signal_does_not_reach_the_script(root: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert run(root, "import os, signal; os.kill(os.getppid(), signal.SIGTERM)") == 0
    finally:
        signal.signal(signal.SIGTERM, before)


def test_an_image_fails_at_the_command_that_it_does_not_have(tmp_path: Path) -> None:
    commands = {"train": pytorch_inference().train(tmp_path), "serve": pytorch_training().serve(tmp_path, 8080)}
    for name, command in commands.items():
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == 1
        assert f"no command {name}" in result.stderr
