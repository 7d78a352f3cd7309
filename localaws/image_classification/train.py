"""`train`: train on the channels under a root folder and write the epoch with the best validation as an ONNX model."""

import json
import os
import signal
import threading
import time
from pathlib import Path
from types import FrameType

import torch

from localaws.image_classification import checkpoint_file, export, images, lists, networks, records
from localaws.image_classification.container_log import log
from localaws.image_classification.epoch import Trainer
from localaws.image_classification.errors import ClientError
from localaws.image_classification.hyperparameters import Hyperparameters, parse
from localaws.image_classification.images import Channel, Source
from localaws.image_classification.networks import SmallResNet
from localaws.image_classification.recipe import RECIPES, STAND_IN, VARIABLE, Recipe

SEED = 20250913
"""Fixed, because the built-in algorithm has no seed hyperparameter."""


def run(root: Path) -> int:
    """Train and return 0; after a failure write the reason to output/failure and return 1."""
    stop = threading.Event()

    def on_signal(_signum: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    try:
        given = parse(json.loads((root / "input/config/hyperparameters.json").read_text(encoding="utf-8")))
        recipe = RECIPES[os.environ.get(VARIABLE, STAND_IN.name)]
        announce(given, recipe)
        fit(root, given, recipe, stop)
    except ClientError as error:
        (root / "output").mkdir(exist_ok=True)
        (root / "output/failure").write_text(str(error), encoding="utf-8")
        log(str(error))
        return 1
    return 0


def announce(given: Hyperparameters, recipe: Recipe) -> None:
    """Log that this is a stand-in, and which hyperparameters it accepts without applying them."""
    names = [networks.EfficientNetLite0.name] if given.use_pretrained_model else []
    log("This is localaws's stand-in for the built-in Image Classification algorithm, not MXNet's ResNet.")
    log(f"num_layers={given.num_layers} is not applied: the network is {' and '.join([*names, SmallResNet.name])}.")
    log(f"The recipe is {recipe}.")
    if given.lr_scheduler_step and not recipe.follows_steps:
        log("lr_scheduler_step is not applied: this recipe has a learning rate schedule of its own.")
    if given.augmentation_type:
        log(f"augmentation_type={given.augmentation_type} is not applied: the stand-in does not augment images.")
    log(f"Final configuration: {given}")
    if given.use_pretrained_model:
        log("Using pretrained model for initializing weights and transfer learning.")
    else:
        log("Performing random weight initialization")
    if given.checkpoint_frequency is not None:
        log("checkpoint_frequency is not applied: the stand-in stores the best model only.")
    else:
        log("checkpoint_frequency not set, will store the best model")
    if given.early_stopping:
        log("Using early stopping for training")
        log(f"Early stopping tolerance: {given.early_stopping_tolerance}")


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
    log(f"Decoded {len(decoded)} images of channel {name}.")
    return Channel(decoded, torch.tensor([label for _, label in examples]), [source.size for source in sources])


def find_examples(root: Path, name: str, classes: int) -> list[tuple[Source, int]]:
    """Return (image, class) pairs of a channel: from its .rec file if its content type is RecordIO, else from its list.

    Raises:
        ClientError: the list or the record file cannot be used.
    """
    configuration = root / "input/config/inputdataconfig.json"
    channels = json.loads(configuration.read_text(encoding="utf-8")) if configuration.is_file() else {}
    if str(channels.get(name, {}).get("ContentType", "")).startswith("application/x-recordio"):
        return records.read_channel(root, name, classes)
    log(f"Searching for .lst files in /opt/ml/input/data/{name}_lst.")
    examples = lists.read_channel(root, name, classes)
    log(f"Creating record files for the list of {name}")
    log("Done creating record files...")
    return [(Source(example.path.name, example.path), example.label) for example in examples]


def fit(root: Path, given: Hyperparameters, recipe: Recipe, stop: threading.Event) -> None:
    """Train epoch by epoch and write the model whenever validation improves.

    Raises:
        ClientError: the input cannot be used.
    """
    if (root / "input/data/model").exists():
        raise ClientError(
            "ClientError: Unable to initialize the algorithm. Channel 'model' (incremental training) is not available "
            "in localaws; remove the channel, or train on AWS."
        )
    torch.manual_seed(SEED)
    torch.use_deterministic_algorithms(True)
    # PyTorch then also fills new tensors, in case one is read before it is written. No operation here does that.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    train, validation = load_channel(root, "train", given), load_channel(root, "validation", given)
    if given.num_training_samples != len(train.labels):
        log(f"num_training_samples={given.num_training_samples}, but the list has {len(train.labels)} lines.")
    network = networks.build(given.num_classes, pretrained=bool(given.use_pretrained_model))
    trainer = Trainer(network, given, recipe, len(train.labels), SEED)
    first = checkpoint_file.restore(root, trainer)
    best = checkpoint_file.best(root)
    unimproved_epochs = 0
    for epoch in range(first, given.epochs):
        started = time.monotonic()
        accuracy = trainer.train(train, epoch, stop)
        log(f"Epoch[{epoch}] Train-accuracy={accuracy:.6f}")
        log(f"Epoch[{epoch}] Time cost={time.monotonic() - started:.3f}")
        validated = trainer.accuracy(validation)
        log(f"Epoch[{epoch}] Validation-accuracy={validated:.6f}")
        improved = validated > best * (1 + given.early_stopping_tolerance)
        if validated > best:
            best = validated
            log(f"Storing the best model with validation accuracy: {validated:.6f}")
            export.write(trainer.averaged, given, epoch + 1, root / "model")
            log(f'Saved checkpoint to "/opt/ml/model/image-classification-{epoch + 1:04d}.params"')
        checkpoint_file.save(root, trainer, epoch + 1, best)
        unimproved_epochs = 0 if improved else unimproved_epochs + 1
        if stop.is_set():
            log("Stop requested. The model directory holds the best model so far.")
            return
        patient = unimproved_epochs < given.early_stopping_patience or epoch + 1 < given.early_stopping_min_epochs
        if given.early_stopping and not patient:
            log("Early stopping criteria met.")
            return
