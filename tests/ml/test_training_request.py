"""The training request and its hyperparameters: right before anything is created."""

import dataclasses

import pytest

from ml.algorithms import PYTORCH
from ml.errors import UserError
from ml.training import hyperparameters, request

from .training_builders import PROGRAM, RESOURCES, built


def test_the_request_is_one_that_sagemaker_takes() -> None:
    """botocore checks names, types and required members against SageMaker's own model."""
    import botocore.session
    from botocore.validate import ParamValidator

    model = botocore.session.get_session().get_service_model("sagemaker")
    shape = model.operation_model("CreateTrainingJob").input_shape
    assert ParamValidator().validate(built(), shape).generate_report() == ""


def test_the_container_keeps_the_epoch_that_is_best_on_the_perturbed_validation() -> None:
    channels = built()["InputDataConfig"]
    assert isinstance(channels, list)
    uris = {channel["ChannelName"]: channel["DataSource"]["S3DataSource"]["S3Uri"] for channel in channels}
    assert uris == {
        "train": "s3://images/datasets/chest-xray/0123/train/",
        "validation": "s3://images/datasets/chest-xray/0123/validation_perturbed/",
        "train_lst": "s3://images/datasets/chest-xray/0123/train_lst/",
        "validation_lst": "s3://images/datasets/chest-xray/0123/validation_perturbed_lst/",
    }
    assert {channel["ContentType"] for channel in channels} == {"application/x-image"}


def test_the_recordio_format_has_two_channels_and_no_lists() -> None:
    sent = hyperparameters.resolve({}, 4566, 2)
    channels = request.build("job", "chest-xray/0123", RESOURCES, PROGRAM, sent, request.Compute(), "recordio")[
        "InputDataConfig"
    ]
    assert {channel["ChannelName"]: channel["DataSource"]["S3DataSource"]["S3Uri"] for channel in channels} == {
        "train": "s3://images/datasets/chest-xray/0123/recordio/train/",
        "validation": "s3://images/datasets/chest-xray/0123/recordio/validation_perturbed/",
    }
    assert {channel["ContentType"] for channel in channels} == {"application/x-recordio"}


@pytest.mark.parametrize(
    ("instance_type", "taken"), [("ml.g4dn.xlarge", False), ("ml.g5.xlarge", False), ("ml.p3.2xlarge", True)]
)
def test_a_volume_gets_the_key_only_where_sagemaker_takes_one(instance_type: str, taken: bool) -> None:
    resources = dataclasses.replace(RESOURCES, key="arn:aws:kms:us-east-1:123456789012:key/k")
    sent = hyperparameters.resolve({}, 4566, 2)
    sent_request = request.build("job", "chest-xray/0123", resources, PROGRAM, sent, request.Compute(instance_type))
    assert sent_request["OutputDataConfig"]["KmsKeyId"] == resources.key
    assert ("VolumeKmsKeyId" in sent_request["ResourceConfig"]) is taken


def test_spot_with_checkpoints_is_the_default_and_can_be_disabled() -> None:
    spot, on_demand = built(), built(spot=False)
    assert spot["EnableManagedSpotTraining"] is True
    assert spot["CheckpointConfig"] == {"S3Uri": "s3://images/checkpoints/job"}
    assert spot["StoppingCondition"] == {"MaxRuntimeInSeconds": 14400, "MaxWaitTimeInSeconds": 28800}
    assert on_demand["EnableManagedSpotTraining"] is False
    assert "CheckpointConfig" not in on_demand
    assert on_demand["StoppingCondition"] == {"MaxRuntimeInSeconds": 14400}
    assert built(max_runtime=36000)["StoppingCondition"] == {
        "MaxRuntimeInSeconds": 36000,
        "MaxWaitTimeInSeconds": 50400,
    }


@pytest.mark.parametrize(
    ("compute", "message"),
    [
        ({"instance_type": "ml.g6.xlarge"}, "ml.g6.xlarge cannot run the algorithm image-classification; use ml.p2"),
        ({"instance_type": "g4dn.xlarge"}, "g4dn.xlarge cannot run"),
        ({"max_runtime": 10}, "must be from 60 to"),
        ({"max_wait": 100}, "must be at least --max-runtime"),
        ({"max_runtime": -1}, "--max-runtime -1 must be from 60 to 2419200"),
        ({"max_runtime": 2419201}, "--max-runtime 2419201 must be from 60 to 2419200"),
        ({"max_wait": 14399}, "--max-wait 14399 must be at least --max-runtime"),
    ],
)
def test_compute_that_is_not_allowed_is_refused_with_what_is(compute: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        built(**compute)
    assert caught.value.code == 2


def test_the_number_of_samples_is_that_of_the_list() -> None:
    assert hyperparameters.resolve({}, 4566, 2)["num_training_samples"] == "4566"


def test_by_default_nothing_mirrors_the_images() -> None:
    assert "augmentation_type" not in hyperparameters.resolve({}, 4566, 2)


@pytest.mark.parametrize(
    ("epochs", "steps"), [(1, None), (2, "1"), (3, "1,2"), (4, "2,3"), (20, "10,15"), (100, "50,75")]
)
def test_the_learning_rate_falls_after_half_and_three_quarters_of_the_epochs(epochs: int, steps: str | None) -> None:
    sent = hyperparameters.resolve({"epochs": epochs}, 4566, 2)
    assert (sent.get("lr_scheduler_step"), sent["lr_scheduler_factor"]) == (steps, "0.1")


@pytest.mark.parametrize(("optimizer", "sent"), [("adam", False), ("rmsprop", False), ("sgd", True), ("nag", True)])
def test_a_default_is_sent_only_to_an_optimizer_that_uses_it(optimizer: str, sent: bool) -> None:
    assert ("weight_decay" in hyperparameters.resolve({"optimizer": optimizer}, 4566, 2)) is sent


@pytest.mark.parametrize("optimizer", hyperparameters.OPTIMIZERS)
def test_the_own_network_takes_weight_decay_with_every_optimizer(optimizer: str) -> None:
    given = {"optimizer": optimizer, "weight_decay": "1e-2"}
    assert hyperparameters.resolve(given, 4566, 2, PYTORCH)["weight_decay"] == "1e-2"


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("epochs", "0", "a whole number of at least 1"),
        ("epochs", "2.5", "a whole number of at least 1"),
        ("learning_rate", "1.1", "a number from 0 to 1"),
        ("learning_rate", "nan", "a number from 0 to 1"),
        ("epochs", "1_0", "a whole number"),
        ("weight_decay", " 0.1", "a number from 0 to 1"),
        ("num_layers", "100", "one of 18, 34, 50, 101, 152, 200"),
        ("optimizer", "lion", "one of sgd, adam, rmsprop, nag"),
        ("early_stopping", "true", "one of True, False"),
        ("lr_scheduler_step", "10,", "as in 10,20"),
        ("lr_scheduler_step", "2,1", "as in 10,20"),
        ("lr_scheduler_step", "1,1", "as in 10,20"),
        ("beta_1", "inf", "a number from 0 to 1"),
        ("epochs", "1_0", "a whole number of at least 1"),
        ("epochs", "+1", "a whole number of at least 1"),
        ("epochs", "\u0661", "a whole number of at least 1"),
        ("early_stopping_patience", " 1 ", "a whole number of at least 1"),
        ("beta_1", "0_1e-1", "a number from 0 to 1"),
        ("beta_1", " 0.1", "a number from 0 to 1"),
        ("lr_scheduler_step", "1\u0661", "as in 10,20"),
    ],
)
def test_a_value_out_of_range_is_refused_with_the_range(name: str, value: str, allowed: str) -> None:
    with pytest.raises(UserError, match=allowed) as caught:
        hyperparameters.resolve({name: value}, 4566, 2)
    assert hyperparameters.option(name) + value in str(caught.value)
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"mini_batch_size": "64"}, "exceeds the 40 training images"),
        ({"checkpoint_frequency": "9"}, "checkpoint_frequency=9: must be at most --epochs 4"),
        ({"early_stopping": "True"}, "early_stopping_min_epochs=N with N at most 4"),
        ({"lr_scheduler_step": "2,4"}, "lr_scheduler_step=2,4: must be increasing epochs below --epochs 4"),
        ({"momentum": "0.9"}, "--set momentum=0.9: the optimizer adam ignores momentum, .* sgd and nag"),
        ({"weight_decay": "0.001"}, "adam ignores weight_decay"),
        ({"gamma": "0.9", "optimizer": "nag"}, "nag ignores gamma"),
        ({"beta_1": "0.9", "optimizer": "rmsprop"}, "rmsprop ignores beta_1, .* adam"),
    ],
)
def test_values_that_do_not_go_together_are_refused(given: dict[str, str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        hyperparameters.resolve(given, 40, 2)
