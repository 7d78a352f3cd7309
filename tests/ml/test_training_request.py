"""The training request and its hyperparameters: right before anything is created."""

import dataclasses

import pytest

from ml.errors import UserError
from ml.training import hyperparameters, request

PLACE = request.Place("images", "arn:aws:iam::123456789012:role/execution", "registry/image-classification:1")


def built(**compute: object) -> dict[str, object]:
    sent = hyperparameters.resolve({}, 4566, 2)
    return request.build("job", "chest-xray/0123", PLACE, sent, request.Compute(**compute))  # type: ignore[arg-type]


def test_the_request_is_one_that_sagemaker_takes() -> None:
    """botocore checks names, types and required members against SageMaker's own model."""
    import botocore.session
    from botocore.validate import ParamValidator

    model = botocore.session.get_session().get_service_model("sagemaker")
    shape = model.operation_model("CreateTrainingJob").input_shape
    assert ParamValidator().validate(built(), shape).generate_report() == ""


def test_the_four_channels_are_the_data_sets_prefixes() -> None:
    channels = built()["InputDataConfig"]
    assert isinstance(channels, list)
    uris = {one["ChannelName"]: one["DataSource"]["S3DataSource"]["S3Uri"] for one in channels}
    assert uris == {
        name: f"s3://images/datasets/chest-xray/0123/{name}/"
        for name in ("train", "validation", "train_lst", "validation_lst")
    }
    assert {one["ContentType"] for one in channels} == {"application/x-image"}


def test_records_are_two_channels_and_no_lists() -> None:
    sent = hyperparameters.resolve({}, 4566, 2)
    channels = request.build("job", "chest-xray/0123", PLACE, sent, request.Compute(), "recordio")["InputDataConfig"]
    assert [one["ChannelName"] for one in channels] == ["train", "validation"]
    assert {one["ContentType"] for one in channels} == {"application/x-recordio"}
    source = channels[0]["DataSource"]["S3DataSource"]
    assert source["S3Uri"] == "s3://images/datasets/chest-xray/0123/recordio/train/"


@pytest.mark.parametrize(
    ("instance_type", "taken"), [("ml.g4dn.xlarge", False), ("ml.g5.xlarge", False), ("ml.p3.2xlarge", True)]
)
def test_a_volume_gets_the_key_only_where_sagemaker_takes_one(instance_type: str, taken: bool) -> None:
    place = dataclasses.replace(PLACE, key="arn:aws:kms:us-east-1:123456789012:key/k")
    sent = hyperparameters.resolve({}, 4566, 2)
    found = request.build("job", "chest-xray/0123", place, sent, request.Compute(instance_type))
    assert found["OutputDataConfig"]["KmsKeyId"] == place.key
    assert ("VolumeKmsKeyId" in found["ResourceConfig"]) is taken


def test_spot_with_checkpoints_is_the_default_and_can_be_left() -> None:
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
    ("compute", "told"),
    [
        ({"instance_type": "ml.g6.xlarge"}, "ml.g6.xlarge cannot run the algorithm; use ml.p2"),
        ({"instance_type": "g4dn.xlarge"}, "g4dn.xlarge cannot run"),
        ({"max_runtime": 10}, "must be from 60 to"),
        ({"max_wait": 100}, "must be at least --max-runtime"),
        ({"max_runtime": -1}, "--max-runtime -1 must be from 60 to 2419200"),
        ({"max_runtime": 2419201}, "--max-runtime 2419201 must be from 60 to 2419200"),
        ({"max_wait": 14399}, "--max-wait 14399 must be at least --max-runtime"),
        ({"volume_gb": 1}, "must be from 5 to 16384"),
        ({"volume_gb": 16385}, "--volume-gb 16385 must be from 5 to 16384"),
    ],
)
def test_compute_that_is_not_allowed_is_refused_with_what_is(compute: dict[str, object], told: str) -> None:
    with pytest.raises(UserError, match=told) as caught:
        built(**compute)
    assert caught.value.code == 2


def test_the_number_of_samples_is_that_of_the_list() -> None:
    assert hyperparameters.resolve({}, 4566, 2)["num_training_samples"] == "4566"


def test_by_default_nothing_mirrors_the_images() -> None:
    assert "augmentation_type" not in hyperparameters.resolve({}, 4566, 2)


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("epochs", "0", "a whole number at least 1"),
        ("epochs", "2.5", "a whole number at least 1"),
        ("learning_rate", "1.1", "a number from 0 to 1"),
        ("learning_rate", "nan", "a number from 0 to 1"),
        ("num_layers", "100", "one of 18, 34, 50, 101, 152, 200"),
        ("optimizer", "lion", "one of sgd, adam, rmsprop, nag"),
        ("early_stopping", "true", "one of True, False"),
    ],
)
def test_a_value_out_of_range_is_refused_with_the_range(name: str, value: str, allowed: str) -> None:
    option = "--" + name.replace("_", "-")
    with pytest.raises(UserError, match=f"{option} {value} is not allowed; it must be {allowed}") as caught:
        hyperparameters.resolve({name: value}, 4566, 2)
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"mini_batch_size": "64"}, "exceeds the 40 training images"),
        ({"checkpoint_frequency": "9"}, "must not exceed --epochs"),
        ({"early_stopping": "True"}, "set --early-stopping-min-epochs"),
    ],
)
def test_values_that_do_not_go_together_are_refused(given: dict[str, str], told: str) -> None:
    with pytest.raises(UserError, match=told):
        hyperparameters.resolve(given, 40, 2)
