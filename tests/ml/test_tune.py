"""The tuning job's request has documented ranges only, fits its budget, and is valid for SageMaker."""

import botocore.session
import pytest
from botocore.validate import ParamValidator

from ml import tune
from ml.errors import UserError
from ml.training import hyperparameters, plan, prices, request
from ml.training.ranges import DEFAULT, check_ranges, parameter_ranges, parse_range

from .training_builders import PROGRAM, RESOURCES


def built(*ranges: str) -> dict[str, object]:
    """Return the request of a search over these ranges, or over the default ones of sgd."""
    search = tune.Search(tuple(map(parse_range, ranges)) or DEFAULT["sgd"], "sgd")
    sent = hyperparameters.resolve({"optimizer": "sgd"}, 4566, 2)
    static = {name: value for name, value in sent.items() if name not in {searched.name for searched in search.ranges}}
    definition = request.build("job", "chest-xray/0123", RESOURCES, PROGRAM, static, request.Compute())
    return tune.tuning_request("pneu-dev", definition, search)


@pytest.mark.parametrize("ranges", [[], ["mini_batch_size=16:64", "optimizer=adam,sgd"]])
def test_sagemakers_api_model_accepts_the_request(ranges: list[str]) -> None:
    model = botocore.session.get_session().get_service_model("sagemaker")
    shape = model.operation_model("CreateHyperParameterTuningJob").input_shape
    assert ParamValidator().validate(built(*ranges), shape).generate_report() == ""


def test_no_hyperparameter_is_both_fixed_and_searched() -> None:
    static = built()["TrainingJobDefinition"]["StaticHyperParameters"]  # type: ignore[index]
    assert {"learning_rate", "momentum", "weight_decay"}.isdisjoint(static)
    assert static["num_layers"] == "101"


def test_the_training_jobs_of_a_search_share_no_checkpoints() -> None:
    assert "CheckpointConfig" not in built()["TrainingJobDefinition"]  # type: ignore[operator]


@pytest.mark.parametrize("optimizer", hyperparameters.OPTIMIZERS)
def test_the_default_ranges_are_used_by_their_optimizer(optimizer: str) -> None:
    check_ranges(DEFAULT[optimizer], optimizer)


@pytest.mark.parametrize(
    ("ranges", "ignored", "optimizer"),
    [
        (["weight_decay=1e-6:1e-2"], "weight_decay=1e-06:0.01", "adam"),
        (["momentum=0:0.9", "optimizer=rmsprop,sgd"], "momentum=0:0.9", "rmsprop"),
        (["beta_1=0.8:0.9", "optimizer=sgd,nag"], "beta_1=0.8:0.9", "sgd"),
    ],
)
def test_a_range_that_an_optimizer_of_the_search_ignores_is_refused(
    ranges: list[str], ignored: str, optimizer: str
) -> None:
    with pytest.raises(UserError, match=f"--range {ignored}: .*{optimizer} ignores") as caught:
        check_ranges([*map(parse_range, ranges)], "adam")
    assert caught.value.code == 2


def test_a_hyperparameter_is_searched_over_one_range() -> None:
    with pytest.raises(UserError, match="gamma is given twice"):
        check_ranges([parse_range("gamma=0.8:0.9"), parse_range("gamma=0.1:0.2")], "rmsprop")


def test_ranges_are_sent_as_text_on_a_scale_that_fits() -> None:
    members = parameter_ranges([parse_range("learning_rate=1e-5:1e-2"), parse_range("momentum=0:0.9")])
    assert members["ContinuousParameterRanges"] == [
        {
            "Name": "learning_rate",
            "MinValue": "1e-05",
            "MaxValue": "0.01",
            "ScalingType": "Logarithmic",
        },
        {"Name": "momentum", "MinValue": "0.0", "MaxValue": "0.9", "ScalingType": "Linear"},
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epochs=1:10", "'epochs' cannot be tuned; allowed: learning_rate"),
        ("learning_rate=1:2", "within 1e-06:0.5"),
        ("learning_rate=0.1:0.01", "within 1e-06:0.5"),
        ("learning_rate=fast", "learning_rate=LOW:HIGH"),
        ("optimizer=adam", "two or more of optimizer=sgd,adam,rmsprop,nag"),
        ("optimizer=adam,lion", "two or more of"),
    ],
)
def test_a_range_outside_the_documented_one_is_refused(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_range(text)


def test_a_search_above_its_budget_is_refused_with_what_would_fit() -> None:
    estimate = prices.training(prices.read(None), "ml.g4dn.xlarge", 101, 18264, 4)
    assert estimate.cost is not None
    plan.check_budget(estimate, 8, estimate.cost * 8.01)
    with pytest.raises(UserError, match="--jobs 3 would fit"):
        plan.check_budget(estimate, 8, estimate.cost * 3.5)
    with pytest.raises(UserError, match="One training job alone"):
        plan.check_budget(estimate, 8, estimate.cost / 2)
    unknown = prices.training(prices.read(None), "ml.p2.xlarge", 101, 18264, 4)
    with pytest.raises(UserError, match=r"cannot be kept: .*no price"):
        plan.check_budget(unknown, 8, 5)
