"""The entry point of a training job in SageMaker's PyTorch container (script mode).

SageMaker's training toolkit runs `python train.py --epochs 2 --learning_rate 0.001 ...` with the folders of the job in
environment variables. The same command trains on a laptop if SM_MODEL_DIR and the SM_CHANNEL_ variables are set.
"""

import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import torch

from network import checkpoint_file, hyperparameters, images, lists, networks, source, weights_file
from network.epoch import Trainer
from network.errors import InputError
from network.fit import Output, fit, make_repeatable
from network.hyperparameters import Hyperparameters, ScriptHyperparameters
from network.images import Channel, EncodedImage
from network.log import log
from network.networks import Ensemble
from network.recipe import Recipe


def main(arguments: Sequence[str]) -> int:
    """Train; return 0, or 1 after an error that the user can correct."""
    try:
        train(hyperparameters.parse(pairs(arguments), ScriptHyperparameters))
    except InputError as error:
        # The toolkit copies into FailureReason what follows the first line with the name of a Python exception.
        print(f"ValueError: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def pairs(arguments: Sequence[str]) -> dict[str, str]:
    """Return the values of `--name value` by name.

    Raises:
        InputError: the arguments have another form.
    """
    names, values = arguments[::2], arguments[1::2]
    if len(names) != len(values) or not all(name.startswith("--") for name in names):
        raise InputError(f"The arguments are {' '.join(arguments)!r}; expected pairs of --name and value.")
    return {name[2:]: value for name, value in zip(names, values, strict=True)}


def train(given: ScriptHyperparameters) -> None:
    """Train on the channels and leave the best network with its code in the model folder.

    The checkpoints are beside the model folder, as /opt/ml/checkpoints is in the container.

    Raises:
        InputError: a channel, list or image cannot be used.
    """
    log(f"Final configuration: {given}")
    make_repeatable()
    model = folder("SM_MODEL_DIR")
    training, validation = load_channel("train", given), load_channel("validation", given)
    samples = len(training.labels)
    if given.num_training_samples not in (None, samples):
        log(f"num_training_samples={given.num_training_samples}, but the list has {samples} lines.")
    network = networks.build(given.num_classes, bool(given.use_pretrained_model), given.recipe)
    if given.use_pretrained_model:
        networks.load_imagenet(network, imagenet_weights())
    recipe = Recipe(by_loss=True)
    trainer = Trainer(network, given, recipe, samples, lambda generator: torch.randperm(samples, generator=generator))
    checkpoints = model.parent / "checkpoints"

    def store(best: Ensemble, _epoch: int) -> None:
        source.copy(model / "code")
        weights_file.save(best, given, model)

    # A job that is stopped without weights must leave no artifact. With a checkpoint, fit restores the weights first.
    if (checkpoints / checkpoint_file.FILE).is_file():
        source.copy(model / "code")
    fit(trainer, training, validation, Output(model, checkpoints, store), threading.Event())


def folder(variable: str) -> Path:
    """Return the folder that an environment variable names.

    Raises:
        InputError: the variable is not set, or the folder does not exist.
    """
    value = os.environ.get(variable, "")
    if not value or not Path(value).is_dir():
        raise InputError(
            f"{variable} is {value!r}; it must name a folder. The job needs the channels train, validation, train_lst "
            "and validation_lst, and weights if use_pretrained_model is 1."
        )
    return Path(value)


def load_channel(name: str, given: Hyperparameters) -> Channel:
    """Read the list of a channel and decode its images.

    Raises:
        InputError: the channel, its list or an image cannot be used, or there are fewer images than a batch holds.
    """
    variable = f"SM_CHANNEL_{name.upper()}"
    examples = lists.read_list(folder(variable), folder(f"{variable}_LST"), given.num_classes)
    if len(examples) < given.mini_batch_size:
        raise InputError(
            f"Channel {name} has {len(examples)} images, fewer than mini_batch_size={given.mini_batch_size}; use a "
            "smaller mini_batch_size or more images."
        )
    decoded = images.load([EncodedImage(example.path.name, example.path) for example in examples], given.image_shape)
    log(f"Decoded {len(decoded)} images of channel {name}.")
    return Channel(decoded, torch.tensor([example.label for example in examples]))


def imagenet_weights() -> Path:
    """Return the file in the channel `weights`.

    Raises:
        InputError: there is no such channel, or it does not hold one file.
    """
    files = [path for path in folder("SM_CHANNEL_WEIGHTS").rglob("*") if path.is_file()]
    if len(files) != 1:
        raise InputError(f"The channel weights has {len(files)} files; it must hold one, the ImageNet weights.")
    return files[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
