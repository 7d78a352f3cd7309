"""The recipes: the stand-in's own, and the container's."""

from pathlib import Path

import pytest
import torch

from localaws.image_classification import recipes, train
from localaws.image_classification.hyperparameters import BuiltInHyperparameters, parse
from localaws.image_classification.recipes import CONTAINER, STAND_IN, VARIABLE
from network import networks
from network.epoch import Trainer
from tests.localaws.image_classification.builders import HYPERPARAMETERS, write_root


def new_trainer(recipe: str, given: BuiltInHyperparameters) -> Trainer:
    return Trainer(networks.build(2, False), given, recipes.recipe(recipe, given), 64, lambda _: torch.arange(64))


@pytest.mark.parametrize(("recipe", "follows"), [("container", True), ("stand-in", False)])
def test_only_the_containers_recipe_follows_the_steps_of_the_learning_rate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], recipe: str, follows: bool
) -> None:
    monkeypatch.setenv(VARIABLE, recipe)
    assert train.run(write_root(tmp_path, epochs="1", lr_scheduler_step="1")) == 0
    log = capfd.readouterr().out
    assert f"The recipe is {recipe}" in log
    assert ("lr_scheduler_step is not applied" in log) is not follows
    given = parse(HYPERPARAMETERS | {"lr_scheduler_step": "1", "lr_scheduler_factor": "0.5"})
    trainer = new_trainer(recipe, given)
    assert (trainer.schedule(0) / trainer.schedule(1) == 2) is follows


def test_the_containers_recipe_scores_the_current_weights_and_decays_none_for_adam() -> None:
    given = parse(HYPERPARAMETERS)
    trainers = {name: new_trainer(name, given) for name in (STAND_IN, CONTAINER)}
    inputs, labels = torch.rand(8, 1, 224, 224) * 255, torch.tensor([0, 1] * 4)
    for trainer in trainers.values():
        for _ in range(2):
            trainer.update(inputs, labels, None, 0)

    def equal(trainer: Trainer) -> bool:
        pairs = zip(trainer.averaged.parameters(), trainer.network.parameters(), strict=True)
        return all(bool(torch.equal(mean, value)) for mean, value in pairs)

    assert equal(trainers["container"])
    assert not equal(trainers["stand-in"])
    decays = {name: trainer.optimizer.param_groups[0]["weight_decay"] for name, trainer in trainers.items()}
    assert decays == {"container": 0.0, "stand-in": given.weight_decay}
