"""A training run: its log, its artifact, and its failures."""

import contextlib
import io
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from localaws.image_classification import train
from localaws.image_classification.serve import ServedModel
from ml.dataset import recordio
from network import checkpoint_file
from network.epoch import Trainer
from tests.localaws.image_classification.builders import as_records, configure, image, write_root

ACCURACY = re.compile(
    r"\[\d\d/\d\d/\d{4} \d\d:\d\d:\d\d INFO \d+\] Epoch\[(\d+)\] (Train|Validation)-accuracy=(\d\.\d{6})"
)


def failure(root: Path) -> str:
    """Run a job that fails and return its FailureReason."""
    assert train.run(root) == 1
    return (root / "output/failure").read_text()


def accuracies(log: str, name: str) -> list[float]:
    return [float(value) for _, channel, value in ACCURACY.findall(log) if channel == name]


def probability(root: Path, label: int, seed: int) -> float:
    path = root / "image.jpg"
    image(label, seed).save(path, quality=95)
    return ServedModel(root / "model/model.onnx").score(path.read_bytes())[1]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder and the log of a finished training."""
    root, log = write_root(tmp_path_factory.mktemp("trained"), images=32, epochs="6"), io.StringIO()
    with contextlib.redirect_stdout(log):
        assert train.run(root) == 0
    return root, log.getvalue()


def test_the_model_tells_unseen_images_apart(trained: tuple[Path, str]) -> None:
    scores = [[probability(trained[0], label, 5000 + seed) for seed in range(8)] for label in (0, 1)]
    assert max(scores[0]) < min(scores[1])


def test_each_epoch_logs_both_accuracies_as_the_container_does(trained: tuple[Path, str]) -> None:
    assert len(accuracies(trained[1], "Train")) == len(accuracies(trained[1], "Validation")) == 6


def test_the_log_says_that_this_is_a_stand_in(trained: tuple[Path, str]) -> None:
    assert "stand-in for the built-in Image Classification" in trained[1]


def test_an_augmentation_type_is_accepted_and_logged_as_not_applied(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    logs = []
    for name, hyperparameters in (("plain", {}), ("augmented", {"augmentation_type": "crop_color_transform"})):
        assert train.run(write_root(tmp_path / name, **hyperparameters)) == 0
        logs.append(capfd.readouterr().out)
    assert "augmentation_type=crop_color_transform is not applied" in logs[1]
    assert ACCURACY.findall(logs[0]) == ACCURACY.findall(logs[1])


def test_the_epoch_with_the_best_validation_is_the_one_that_is_kept(trained: tuple[Path, str]) -> None:
    validation = accuracies(trained[1], "Validation")
    epoch = json.loads((trained[0] / "model/stand-in.json").read_text())["epoch"]
    assert epoch == validation.index(max(validation)) + 1


def test_the_artifact_is_what_serving_needs_and_nothing_half_written(trained: tuple[Path, str]) -> None:
    names = {path.name for path in (trained[0] / "model").iterdir()}
    assert names == {"model.onnx", "model-shapes.json", "stand-in.json"}


def test_the_same_input_gives_the_same_accuracies(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    logs = []
    for name in ("one", "two"):
        assert train.run(write_root(tmp_path / name)) == 0
        logs.append(ACCURACY.findall(capfd.readouterr().out))
    assert len(logs[0]) == 4
    assert logs[0] == logs[1]


def test_every_faulty_hyperparameter_is_named_at_once(tmp_path: Path) -> None:
    root = write_root(tmp_path / "root")
    configure(root, epochs="0", momentum="7")
    reason = failure(root)
    assert "'epochs'" in reason
    assert "'momentum'" in reason


def test_fewer_images_than_a_batch_fail(tmp_path: Path) -> None:
    root = write_root(tmp_path / "root", images=4)
    assert "must be bigger or equal to the mini_batch_size" in failure(root)


def test_a_missing_channel_is_named(tmp_path: Path) -> None:
    root = write_root(tmp_path / "root")
    (root / "input/data/validation_lst").rename(root / "input/data/elsewhere")
    assert "Channel 'validation_lst' is missing" in failure(root)


def test_a_broken_image_is_named(tmp_path: Path) -> None:
    root = write_root(tmp_path / "root")
    (root / "input/data/train/5.jpg").write_bytes(b"no image")
    assert "5.jpg" in failure(root)


def test_a_stop_keeps_the_best_model_and_is_no_failure(tmp_path: Path) -> None:
    root = write_root(tmp_path / "root", epochs="100000")
    command = [sys.executable, "-m", "localaws.image_classification", "train", "--root", str(root)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (root / "model/stand-in.json").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert not (root / "output/failure").exists()
    assert len(ServedModel(root / "model/model.onnx").score((root / "input/data/train/0.jpg").read_bytes())) == 2


def test_the_most_accurate_epoch_is_stored_whatever_its_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    results = iter([(0.9, 0.5), (0.8, 0.4), (0.8, 0.6)])
    monkeypatch.setattr(Trainer, "validate", lambda *_: next(results))
    assert train.run(write_root(tmp_path / "root", epochs="3")) == 0
    stored = [line.rpartition(" ")[2] for line in capfd.readouterr().out.splitlines() if "Storing the best" in line]
    assert stored == ["0.900000"]


def test_a_job_that_was_interrupted_goes_on_where_it_was(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    whole, halves = write_root(tmp_path / "whole", epochs="4"), write_root(tmp_path / "halves", epochs="4")
    for root in (whole, halves):
        (root / "checkpoints").mkdir()
    assert train.run(whole) == 0
    expected = accuracies(capfd.readouterr().out, "Validation")
    interrupt_after(halves, 2)
    first = accuracies(capfd.readouterr().out, "Validation")
    for path in (halves / "model").iterdir():
        path.unlink()  # an interrupted job loses /opt/ml/model
    assert train.run(halves) == 0
    log = capfd.readouterr().out
    assert "Resuming from a checkpoint after 2 epochs" in log
    assert first + accuracies(log, "Validation") == expected
    assert (halves / "model/model.onnx").is_file()


def interrupt_after(root: Path, epochs: int) -> None:
    """Train `epochs` of the configured epochs, then interrupt the job."""

    class InterruptedError(Exception):
        pass

    def save(folder: Path, model: Path, trainer: Trainer, progress: checkpoint_file.TrainingProgress) -> None:
        original(folder, model, trainer, progress)
        if progress.epochs == epochs:
            raise InterruptedError

    original = checkpoint_file.save
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint_file, "save", save)
        with pytest.raises(InterruptedError):
            train.run(root)


def test_fine_tuning_starts_from_imagenet_weights(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    root = write_root(
        tmp_path / "root", images=8, side=224, use_pretrained_model="1", num_layers="101", image_shape="3,224,224",
        epochs="1", learning_rate="0.001",
    )  # fmt: skip
    assert train.run(root) == 0
    assert "Using pretrained model" in capfd.readouterr().out
    notes = json.loads((root / "model/stand-in.json").read_text())
    assert notes["network"].startswith("EfficientNet-Lite0 (ImageNet weights")


def test_record_files_train_the_model_that_the_image_files_train(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    logs = []
    for root in (write_root(tmp_path / "images"), as_records(write_root(tmp_path / "records"))):
        assert train.run(root) == 0
        logs.append(ACCURACY.findall(capfd.readouterr().out))
    assert logs[0] == logs[1]


def test_a_record_that_is_no_image_is_named(tmp_path: Path) -> None:
    root = as_records(write_root(tmp_path / "root"))
    folder = root / "input/data/train"
    (folder / "broken.jpg").write_bytes(b"no image")
    recordio.write([(0, folder / "0.jpg")] * 9 + [(1, folder / "broken.jpg")], folder / "train.rec")
    assert "record 9 of train.rec cannot be decoded" in failure(root)


def test_a_record_with_a_label_out_of_range_is_named(tmp_path: Path) -> None:
    root = as_records(write_root(tmp_path / "root"))
    folder = root / "input/data/train"
    recordio.write([(0, folder / "0.jpg")] * 9 + [(2, folder / "1.jpg")], folder / "train.rec")
    assert "Record 9 of train.rec has label 2" in failure(root)


def test_a_checkpoint_of_another_network_is_refused_with_its_cause(tmp_path: Path) -> None:
    root = write_root(tmp_path, epochs="1")
    (root / "checkpoints").mkdir()
    assert train.run(root) == 0
    configure(root, num_training_samples="16", epochs="2", optimizer="sgd", num_classes="3")
    assert "num_classes" in failure(root)
