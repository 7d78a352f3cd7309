"""The cost estimate: the measured formula, a dated table, another table where given."""

import json
import re
from pathlib import Path

import pytest

from ml import cost
from ml.errors import UserError
from ml.scoring.scorer import INSTANCE_TYPE
from ml.training import hyperparameters, plan, prices, runs, script_mode
from tests.settings_cases import Case

from .training_builders import built


def test_the_formula_gives_what_one_real_run_was_billed() -> None:
    """19 epochs of 4,956 images on a T4 were billed 1,664 s (docs of the run: about 0.70 USD at 1.505 an hour)."""
    estimated = prices.training(prices.read(None), "ml.g4dn.4xlarge", 101, 4956, 19)
    assert estimated.seconds == pytest.approx(1664, rel=0.03)
    assert estimated.cost == pytest.approx(0.70, abs=0.03)
    assert "measured" in estimated.basis


def test_what_was_not_measured_is_called_inferred_and_is_not_cheaper_in_time() -> None:
    table = prices.read(None)
    known, other = (
        prices.training(table, instance_type, 101, 5000, 4) for instance_type in ("ml.g4dn.xlarge", "ml.g5.xlarge")
    )
    assert "inferred from ResNet-101 on ml.g4dn.4xlarge" in other.basis
    assert "inferred from ResNet-101 on ml.g4dn.4xlarge" in known.basis
    assert other.seconds >= known.seconds
    assert prices.training(table, "ml.g4dn.xlarge", 18, 5000, 4).seconds < known.seconds


def test_without_a_price_the_sum_is_unknown_and_not_zero() -> None:
    estimated = prices.training(prices.read(None), "ml.p2.xlarge", 101, 5000, 4)
    assert estimated.cost is None
    assert "unknown" in str(estimated)


def test_another_table_is_used(tmp_path: Path) -> None:
    table = prices.read(None)
    table["training_hour"]["ml.g4dn.xlarge"] = 36.0
    (tmp_path / "prices.json").write_text(json.dumps(table))
    estimated = prices.training(prices.read(tmp_path / "prices.json"), "ml.g4dn.xlarge", 101, 6500, 1)
    assert estimated.cost == pytest.approx(302 * 0.01)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"training_hour": 5}'])
def test_a_file_that_is_no_price_table_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "prices.json").write_text(text)
    with pytest.raises(UserError, match=r"--prices .*copy .*prices\.json and change it") as caught:
        prices.read(tmp_path / "prices.json")
    assert caught.value.code == 2


def test_an_evaluation_takes_as_long_as_one_public_run_took_and_says_that_this_is_inferred() -> None:
    """624 images took 230 s after the start, with 7 workers on 8 vCPUs."""
    estimated = prices.transform(prices.read(None), "ml.m4.2xlarge", 624)
    assert estimated.seconds - prices.TRANSFORM_START == pytest.approx(230, rel=0.02)
    assert estimated.cost is None
    assert "7 workers, inferred from one public run" in estimated.basis
    default = prices.transform(prices.read(None), INSTANCE_TYPE, 1904)
    assert default.cost == pytest.approx((360 + 1904 / (15 * 0.39)) * 0.922 / 3600, abs=0.001)
    several = prices.transform(prices.read(None), INSTANCE_TYPE, 1904, instances=4)
    assert several.seconds == pytest.approx(4 * 360 + 1904 / (15 * 0.39))
    assert "15 workers on each instance" in several.basis


@pytest.mark.parametrize(
    ("instance_type", "count"),
    [("ml.t2.medium", 1), ("ml.m5.large", 1), ("ml.c5.xlarge", 3), ("ml.m5.4xlarge", 15), ("ml.m7i-flex.8xlarge", 31)],
)
def test_the_container_has_a_worker_for_each_vcpu_but_one(instance_type: str, count: int) -> None:
    assert prices.workers(instance_type) == count


@pytest.mark.parametrize(
    "instance_type", ["", "m5.large", "ml.m5", "ml.m5.huge", "ml.m5.large; rm", "ml.m5.\u0664xlarge"]
)
def test_what_is_no_instance_type_is_refused(instance_type: str) -> None:
    with pytest.raises(UserError, match=re.escape(f"--instance-type {instance_type} ")) as caught:
        prices.workers(instance_type)
    assert caught.value.code == 2


def test_the_plan_says_what_will_be_made_and_what_it_costs() -> None:
    estimate = prices.training(prices.read(None), "ml.g4dn.xlarge", 101, 4566, 4)
    text = plan.describe(built(), 4566, 640, estimate)
    for part in ("ResNet-101, from ImageNet weights", "1 x ml.g4dn.xlarge", "spot", "4 epochs", "USD", "read 2026-"):
        assert part in text, part
    assert "0.0005 (times 0.1 after epoch 2,3)" in text
    assert "50 GB" not in text
    assert "50 GB" in plan.describe(built(instance_type="ml.p3.2xlarge"), 4566, 640, estimate)


def test_the_plan_warns_of_a_batch_size_that_does_not_divide_the_validation_images() -> None:
    estimate = prices.training(prices.read(None), "ml.g4dn.xlarge", 101, 4566, 4)
    assert "Warning" not in plan.describe(built(), 4566, 640, estimate)
    text = plan.describe(built(), 4566, 650, estimate)
    assert "the 650 validation images are not a multiple of the batch size 32" in text
    assert "ml.prepare --batch-size 32" in text
    own = {
        "sagemaker_program": "train.py",
        **{n: script_mode.encoded(v) for n, v in built()["HyperParameters"].items()},
    }
    assert "Warning" not in plan.describe({**built(), "HyperParameters": own}, 4566, 650, estimate)


@pytest.mark.parametrize("algorithm", ["image-classification", "pytorch"])
def test_the_cost_of_fewer_images_than_a_batch_is_printed(algorithm: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cost.main(["--images", "10", "--algorithm", algorithm]) == 0
    assert "One training run: " in capsys.readouterr().out


def test_a_job_fits_when_its_estimate_with_a_margin_does() -> None:
    estimate = prices.JobEstimate(1000.0, 1.0, "USD", "65 images/s")
    plan.check_runtime(estimate, 1300)
    with pytest.raises(UserError, match=r"1000 s .*1300 s .*--max-runtime 1299.*--max-runtime 1300, or") as caught:
        plan.check_runtime(estimate, 1299)
    assert caught.value.code == 2


def test_a_job_beyond_sagemakers_own_limit_is_not_told_to_take_longer() -> None:
    with pytest.raises(UserError, match="faster --instance-type, or fewer --epochs"):
        plan.check_runtime(prices.JobEstimate(2e6, None, "USD", "65 images/s"), 14400)


def test_without_any_speed_the_time_is_unknown_and_the_plan_says_so() -> None:
    table = prices.read(None) | {"images_per_second": {}}
    estimate = prices.training(table, "ml.g4dn.xlarge", 101, 4566, 4000)
    plan.check_runtime(estimate, 60)
    text = plan.describe(built(), 4566, 640, estimate)
    assert "an unknown time, an unknown price" in text
    assert "--max-runtime cannot be checked" in text


@pytest.mark.parametrize(
    ("trained", "billed", "message"),
    [
        (920, 276, "276 s billed of 920 (spot saved 70%), about 0.06 USD paid"),
        (276, 276, "276 s billed, about 0.06 USD"),
    ],
)
def test_the_billed_seconds_of_a_run_are_what_was_paid(trained: int, billed: int, message: str) -> None:
    run = {
        "validation_accuracy": 0.9,
        "epochs": [{"validation_accuracy": 0.9}],
        "hyperparameters": {"epochs": "4"},
        "training_seconds": trained,
        "billable_seconds": billed,
        "cost": prices.cost(billed, 0.7364),
        "currency": "USD",
    }
    assert runs.summary(run).startswith("validation accuracy 0.9000 after 1 of 4 epochs, ")
    assert message in runs.summary(run)
    assert "on demand" not in runs.summary(run)


def test_without_a_terminal_nothing_is_created_unasked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("y\n")
    with (tmp_path / "empty").open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        with pytest.raises(UserError, match="add --yes"):
            plan.confirm()


@pytest.mark.parametrize(
    ("settings", "month"),
    [
        ({"hosting": "realtime", "instance_type": "ml.m5.large", "instance_count": "2"}, 2 * 0.115 * 730),
        ({"hosting": "serverless", "serverless_memory_mb": 3072}, 1000 * 3 * 0.00002),
        ({"hosting": "function", "function_memory_mb": 4096}, 1000 * (4 * 0.0000166667 + 0.2 / 1e6)),
    ],
)
def test_an_endpoint_costs_what_its_hosting_costs(settings: dict[str, object], month: float) -> None:
    hour, estimated, _ = cost.endpoint(prices.read(None), settings, requests=1000, seconds=1.0)
    assert estimated == pytest.approx(month)
    assert hour == pytest.approx(month / 730)


def test_the_cost_of_the_projects_own_settings_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cost.main([]) == 0
    shown = capsys.readouterr().out
    assert "1 x ml.m5.large: 0.1150 USD an hour, 83.95 USD a month" in shown
    assert "One evaluation of 1,904 images: 11 billed minutes, about 0.18 USD on ml.m5.4xlarge" in shown
    assert "One training run: 22 billed minutes, about 0.27 USD" in shown


@pytest.mark.parametrize("options", [["--algorithm", "pytorch"], ["-c", "algorithm=pytorch"]])
def test_the_cost_is_that_of_the_algorithm(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cost.main(options) == 0
    shown = capsys.readouterr().out
    table = prices.read(None)
    assert f"One training run: {prices.training(table, 'ml.m5.4xlarge', 'laptop', 18264, 2)} on ml.m5.4xlarge" in shown
    assert str(prices.transform(table, INSTANCE_TYPE, 1904, "pytorch", "laptop")) in shown


def test_the_cost_is_that_of_the_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    assert cost.main(["--algorithm", "pytorch", "--recipe", "cloud"]) == 0
    epochs = int(hyperparameters.RECIPE_DEFAULTS["cloud"]["epochs"])
    expected = prices.training(prices.read(None), "ml.m5.4xlarge", "cloud", 18264, epochs)
    assert f"One training run: {expected} on ml.m5.4xlarge" in capsys.readouterr().out


def test_the_built_in_algorithm_has_no_cost_of_a_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    assert cost.main(["--algorithm", "image-classification", "--recipe", "cloud"]) == 2
    assert "--recipe cloud: the algorithm image-classification has no recipe" in capsys.readouterr().err


def test_the_cost_includes_the_largest_number_of_instances_and_waf(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["-c", "autoscaling_max_instances=4", "-c", "waf=true", "--requests", "1000000"]
    assert cost.main(options) == 0
    shown = capsys.readouterr().out
    assert f"up to 4 instances: 0.4600 USD an hour, {4 * 0.115 * 730:.2f} USD a month" in shown
    assert f"AWS WAF: {5 + 2 * 1 + 0.6:.2f} USD a month" in shown


def test_the_cost_is_that_of_the_stages_own_settings(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cdk_json = Case("three instances", stages={"prod": {"instance_count": 3}}).cdk_json()
    (project / "cdk.json").write_text(json.dumps(cdk_json))
    assert cost.main(["--stage", "prod"]) == 0
    assert "Hosting: 3 x ml.m5.large" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["-c", "hosting"], 2, "NAME=VALUE"),
        (["-c", "colour=blue"], 2, "unknown setting 'colour'"),
        (["-c", "instance_count=two"], 2, "'two'; it must be a whole number"),
        (["-c", "serverless_memory_mb=lots"], 2, "'lots'; it must be a whole number"),
        (["-c", "hosting=async"], 2, "it must be realtime, serverless or function"),
        (["-c", "instance_type=ml.x9.large"], 1, "no price for hosting ml.x9.large"),
        (["--instance-type", "ml.g6.xlarge"], 2, "cannot run the algorithm"),
    ],
)
def test_what_has_no_price_is_refused(
    options: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cost.main(options) == code
    assert message in capsys.readouterr().err
