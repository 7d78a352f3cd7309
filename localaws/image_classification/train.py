"""`train`: from the channels under a root folder to an ONNX model, keeping the best epoch on validation."""

import json
import signal
import threading
import time
from pathlib import Path
from types import FrameType

import torch

from localaws.image_classification import checkpoint_file, export, images, lists, networks, records
from localaws.image_classification.epoch import Trainer
from localaws.image_classification.errors import ClientError
from localaws.image_classification.hyperparameters import Hyperparameters, parse
from localaws.image_classification.images import Channel, Source
from localaws.image_classification.journal import info

SEED = 20250913
"""The built-in algorithm has no seed hyperparameter; this stand-in always starts from the same one."""


def run(root: Path) -> int:
    """Train; return 0, or 1 after writing the reason to output/failure."""
    stop = threading.Event()

    def on_signal(_signum: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    try:
        given = parse(json.loads((root / "input/config/hyperparameters.json").read_text(encoding="utf-8")))
        announce(given)
        fit(root, given, stop)
    except ClientError as error:
        (root / "output").mkdir(exist_ok=True)
        (root / "output/failure").write_text(str(error), encoding="utf-8")
        info(str(error))
        return 1
    return 0


def announce(given: Hyperparameters) -> None:
    """Say what this is, and what it does with hyperparameters that mean another network."""
    names = [networks.EfficientNetLite0.name] if given.use_pretrained_model else []
    info("This is localaws's stand-in for the built-in Image Classification algorithm, not MXNet's ResNet.")
    info(f"num_layers={given.num_layers} is accepted; here it is {' and '.join([*names, networks.SmallResNet.name])}.")
    info(f"Final configuration: {given}")
    if given.use_pretrained_model:
        info("Using pretrained model for initializing weights and transfer learning.")
    else:
        info("Performing random weight initialization")
    if given.checkpoint_frequency is None:
        info("checkpoint_frequency not set, will store the best model")
    if given.early_stopping:
        info("Using early stopping for training")
        info(f"Early stopping tolerance: {given.early_stopping_tolerance}")


def load_channel(root: Path, name: str, given: Hyperparameters) -> Channel:
    """Read a list and decode its images.

    Raises:
        ClientError: the list or an image cannot be used, or there are fewer images than a batch holds.
    """
    examples = find_examples(root, name, given.num_classes)
    if len(examples) < given.mini_batch_size:
        raise ClientError(
            "ClientError: The number of input images must be bigger or equal to the mini_batch_size. "
            f"Channel {name} has {len(examples)}, mini_batch_size is {given.mini_batch_size}."
        )
    sources = [source for source, _ in examples]
    decoded = images.load(sources, given.image_shape, given.resize)
    info(f"Decoded {len(decoded)} images of channel {name}.")
    return Channel(decoded, torch.tensor([label for _, label in examples]), [source.size for source in sources])


def find_examples(root: Path, name: str, classes: int) -> list[tuple[Source, int]]:
    """Return (image, class) of a channel: of its .rec file when its content type is RecordIO, else of its list.

    Raises:
        ClientError: the list or the record file cannot be used.
    """
    configuration = root / "input/config/inputdataconfig.json"
    channels = json.loads(configuration.read_text(encoding="utf-8")) if configuration.is_file() else {}
    if str(channels.get(name, {}).get("ContentType", "")).startswith("application/x-recordio"):
        return records.read_channel(root, name, classes)
    info(f"Searching for .lst files in {root / 'input/data' / f'{name}_lst'}.")
    examples = lists.read_channel(root, name, classes)
    info(f"Creating record files for {name}.lst")
    info("Done creating record files...")
    return [(Source(example.path.name, example.path), example.label) for example in examples]


def fit(root: Path, given: Hyperparameters, stop: threading.Event) -> None:
    """Train epoch by epoch; write the best model each time there is a better one.

    Raises:
        ClientError: the input cannot be used.
    """
    torch.manual_seed(SEED)
    torch.use_deterministic_algorithms(True)
    train, validation = load_channel(root, "train", given), load_channel(root, "validation", given)
    if given.num_training_samples != len(train.labels):
        info(f"num_training_samples={given.num_training_samples}, but the list has {len(train.labels)} lines.")
    network = networks.build(given.num_classes, pretrained=bool(given.use_pretrained_model))
    trainer = Trainer(network, given, len(train.labels), SEED)
    first = checkpoint_file.restore(root, trainer)
    best = checkpoint_file.best(root)
    without_gain = 0
    for epoch in range(first, given.epochs):
        started = time.monotonic()
        accuracy = trainer.train(train, epoch, stop)
        info(f"Epoch[{epoch}] Train-accuracy={accuracy:.6f}")
        info(f"Epoch[{epoch}] Time cost={time.monotonic() - started:.3f}")
        found = trainer.accuracy(validation)
        info(f"Epoch[{epoch}] Validation-accuracy={found:.6f}")
        gained = found > best * (1 + given.early_stopping_tolerance)
        if found > best:
            best = found
            info(f"Storing the best model with validation accuracy: {found:.6f}")
            export.write(trainer.averaged, given, epoch + 1, root / "model")
            info(f'Saved checkpoint to "/opt/ml/model/image-classification-{epoch + 1:04d}.params"')
        checkpoint_file.save(root, trainer, epoch + 1, best)
        without_gain = 0 if gained else without_gain + 1
        if stop.is_set():
            info("Stop requested; the best model so far is kept.")
            return
        patient = without_gain < given.early_stopping_patience or epoch + 1 < given.early_stopping_min_epochs
        if given.early_stopping and not patient:
            info("Early stopping criteria met.")
            return
