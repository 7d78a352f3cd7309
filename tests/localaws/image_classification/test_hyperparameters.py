"""Hyperparameters that SageMaker itself adds to a job."""

from localaws.image_classification.hyperparameters import parse


def test_the_objective_metric_that_a_tuning_job_adds_is_accepted() -> None:
    given = {"num_classes": "2", "num_training_samples": "16"}
    assert parse(given | {"_tuning_objective_metric": "validation:accuracy"}) == parse(given)
