"""The hyperparameters of the built-in algorithm: what is refused, and what SageMaker itself adds."""

import pytest

from localaws.image_classification.errors import ClientError
from localaws.image_classification.hyperparameters import parse
from tests.localaws.image_classification.builders import HYPERPARAMETERS


def test_the_objective_metric_that_a_tuning_job_adds_is_accepted() -> None:
    given = {"num_classes": "2", "num_training_samples": "16"}
    assert parse(given | {"_tuning_objective_metric": "validation:accuracy"}) == parse(given)


@pytest.mark.parametrize(
    ("hyperparameters", "message"),
    [
        ({"epochs": "0"}, "'0' is not valid for 'epochs'"),
        ({"learning_rate": "2"}, "'2' is not valid for 'learning_rate'"),
        ({"optimizer": "lion"}, "'lion' is not valid for 'optimizer'"),
        ({"num_classes": "banana"}, "'banana' is not valid for 'num_classes'"),
        ({"colour": "blue"}, "'colour' was unexpected"),
        ({"use_pretrained_model": "1"}, "use_pretrained_model=1 needs image_shape 3,224,224"),
        ({"num_layers": "20"}, "image_shape 3,32,32 needs num_layers of (18, 34, 50, 101, 152, 200); received 20"),
        ({"checkpoint_frequency": "5"}, "checkpoint_frequency must not exceed epochs"),
    ],
)
def test_hyperparameters_that_cannot_be_trained_are_named(hyperparameters: dict[str, str], message: str) -> None:
    with pytest.raises(ClientError) as refused:
        parse(HYPERPARAMETERS | hyperparameters)
    assert message in str(refused.value)
