"""Jobs of the project's own network: the requests of SageMaker's Python SDK, and files that are uploaded once."""

import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import boto3
import pytest

from ml.algorithms import BUILT_IN, PYTORCH
from ml.aws import image_uris
from ml.errors import UserError
from ml.training import hyperparameters, plan, prices, request, runs, script_mode

from .training_builders import RESOURCES

SDK = json.loads(Path(__file__).with_name("pytorch_requests.json").read_text(encoding="utf-8"))
"""What SDK v2's PyTorch and PyTorchModel send (benchmarks/clients/pytorch_requests.py)."""
SENT = {"epochs": "2", "learning_rate": "0.001", "optimizer": "adam", "image_shape": "3,224,224"}
PROGRAM = script_mode.Program(
    SDK["CreateTrainingJob"]["AlgorithmSpecification"]["TrainingImage"],
    "us-east-1",
    "s3://images/job/source/sourcedir.tar.gz",
    "s3://images/weights/",
)
COMPUTE = request.Compute("ml.m5.4xlarge", algorithm=PYTORCH)


def built() -> dict[str, Any]:
    """Return the request of a training job in script mode."""
    return request.build("job", "chest-xray/0123", RESOURCES, PROGRAM, SENT, COMPUTE)


def test_the_training_request_is_that_of_the_sdk_without_debugger_and_with_the_defaults_of_channels() -> None:
    sdk = json.loads(json.dumps(SDK["CreateTrainingJob"]))
    assert sdk.pop("DebugHookConfig").keys() | sdk.pop("ProfilerConfig").keys() == {
        "CollectionConfigurations",
        "DisableProfiler",
        "S3OutputPath",
    }
    # The default of a job with metric definitions (CreateTrainingJob, EnableSageMakerMetricsTimeSeries).
    assert sdk["AlgorithmSpecification"].pop("EnableSageMakerMetricsTimeSeries") is True
    for channel in sdk["InputDataConfig"]:
        channel |= {"CompressionType": "None", "RecordWrapperType": "None"}
    assert built() == sdk
    assert image_uris.training_image(PYTORCH, "us-east-1") == PROGRAM.image


def test_the_model_is_that_of_the_sdk_whose_artifact_holds_its_code() -> None:
    sdk = SDK["CreateModel"]["PrimaryContainer"]
    container = image_uris.inference_container(PYTORCH, "us-east-1")
    assert container["image"] == sdk["Image"]
    assert container["environment"] == sdk["Environment"]


def test_the_version_of_pytorch_is_the_newest_that_trains_and_serves() -> None:
    from sagemaker.core import image_uris as core

    tables = core.config_for_framework("pytorch")
    versions = [
        version
        for version in tables["training"]["versions"]
        if image_uris.PYTHON_VERSION in tables["training"]["versions"][version].get("py_versions", [])
        and image_uris.PYTHON_VERSION in tables["inference"]["versions"].get(version, {}).get("py_versions", [])
    ]
    assert max(versions, key=lambda version: [int(part) for part in version.split(".")]) == image_uris.PYTORCH_VERSION


def test_hyperparameters_are_json_and_come_back_as_they_were_given() -> None:
    sent = built()["HyperParameters"]
    assert (sent["epochs"], sent["optimizer"]) == ("2", '"adam"')
    assert script_mode.decoded(sent) == SENT
    assert script_mode.decoded(SENT) == SENT
    assert (script_mode.algorithm_of(sent), script_mode.algorithm_of(SENT)) == ("pytorch", "image-classification")


@pytest.mark.parametrize("instance_type", ["ml.g4dn.xlarge", "ml.trn1.2xlarge", "ml.m5.3xlarge", "ml.c6g.xlarge"])
def test_a_type_with_an_accelerator_or_not_offered_for_training_is_refused(instance_type: str) -> None:
    with pytest.raises(UserError, match=rf"{instance_type} cannot run the algorithm pytorch; .* such as ml\.m5\.4xl"):
        request.Compute(instance_type, algorithm=PYTORCH).check()


@pytest.mark.parametrize("instance_type", ["ml.m5.4xlarge", "ml.c7i.4xlarge", "ml.c5.2xlarge"])
def test_a_cpu_type_is_accepted(instance_type: str) -> None:
    request.Compute(instance_type, algorithm=PYTORCH).check()


@pytest.mark.parametrize("name", hyperparameters.NOT_OF_PYTORCH)
def test_a_hyperparameter_that_the_network_does_not_apply_is_refused_and_not_sent(name: str) -> None:
    allowed = {"num_layers": "50", "lr_scheduler_step": "1", "augmentation_type": "crop", "precision_dtype": "float32"}
    with pytest.raises(UserError, match=f"pytorch does not apply {name}"):
        hyperparameters.resolve({name: allowed.get(name, "1")}, 4566, 2, PYTORCH)
    assert name not in hyperparameters.resolve({}, 4566, 2, PYTORCH)


def test_the_network_decays_its_weights_with_every_optimizer() -> None:
    assert hyperparameters.resolve({"weight_decay": "0.01"}, 4566, 2, PYTORCH)["weight_decay"] == "0.01"
    with pytest.raises(UserError, match="adam ignores momentum"):
        hyperparameters.resolve({"momentum": "0.9"}, 4566, 2, PYTORCH)


@pytest.mark.parametrize("recipe", ["laptop", "cloud"])
def test_the_network_has_defaults_for_each_recipe(recipe: str) -> None:
    sent = hyperparameters.resolve({"recipe": recipe}, 4566, 2, PYTORCH)
    assert sent.items() >= {"recipe": recipe, "learning_rate": "0.001", "mini_batch_size": "32"}.items()
    assert sent["epochs"] == str(hyperparameters.RECIPE_DEFAULTS[recipe]["epochs"])


def test_the_laptop_recipe_is_the_default() -> None:
    sent = hyperparameters.resolve({}, 4566, 2, PYTORCH)
    assert sent == hyperparameters.resolve({"recipe": "laptop"}, 4566, 2, PYTORCH)
    assert (sent["epochs"], sent["learning_rate"]) == ("2", "0.001")


def test_the_built_in_algorithm_has_no_recipe() -> None:
    with pytest.raises(UserError, match=r"--recipe cloud: .* image-classification .* --algorithm pytorch") as caught:
        hyperparameters.resolve({"recipe": "cloud"}, 4566, 2, BUILT_IN)
    assert caught.value.code == 2
    assert "recipe" not in hyperparameters.resolve({}, 4566, 2, BUILT_IN)


def test_the_cloud_recipe_is_in_the_plan_and_in_the_hyperparameters_that_a_run_records() -> None:
    sent = hyperparameters.resolve({"recipe": "cloud"}, 18264, 2, PYTORCH)
    job = request.build("job", "chest-xray/0123", RESOURCES, PROGRAM, sent, COMPUTE)
    estimate = prices.training(prices.read(None), "ml.m5.4xlarge", "cloud", 18264, int(sent["epochs"]))
    assert script_mode.decoded(job["HyperParameters"])["recipe"] == "cloud"
    assert (
        "two EfficientNet-Lite0 from ImageNet weights and a small ResNet from random weights, recipe cloud"
        in plan.describe(job, 18264, 640, estimate)
    )


def test_the_plan_names_the_network_and_the_price_of_cpus() -> None:
    sent = hyperparameters.resolve({}, 18264, 2, PYTORCH)
    job = request.build("job", "chest-xray/0123", RESOURCES, PROGRAM, sent, COMPUTE)
    estimate = prices.training(prices.read(None), "ml.m5.4xlarge", "laptop", 18264, 2)
    shown = plan.describe(job, 18264, 640, estimate)
    assert "EfficientNet-Lite0 from ImageNet weights" in shown
    assert "ResNet-" not in shown
    assert "batches of 32" in shown
    assert estimate.seconds == pytest.approx(
        200 + 2 * (18264 / (prices.NETWORK_SPEED["laptop"] * prices.PARALLEL * 16) + 2)
    )
    assert f"about {estimate.seconds / 3600 * 0.922:.2f} USD" in shown


def test_batch_transform_of_the_network_is_estimated_with_a_worker_for_each_vcpu() -> None:
    for recipe, speed in prices.NETWORK_SCORING.items():
        estimate = prices.transform(prices.read(None), "ml.m5.4xlarge", 19_040, PYTORCH, recipe)
        assert estimate.seconds == pytest.approx(360 + 19_040 / (speed * prices.PARALLEL * 16))
        assert "16 workers" in estimate.basis


def test_equal_files_give_equal_code_and_another_file_gives_other_code(tmp_path: Path) -> None:
    first, second = tmp_path / "first.py", tmp_path / "second.py"
    for path in (first, second):
        path.write_text("print(1)\n")
    os.utime(second, (0, 0))
    code = script_mode.tarball({"train.py": first, "network/train.py": first})
    assert script_mode.tarball({"network/train.py": second, "train.py": second}) == code
    with tarfile.open(fileobj=io.BytesIO(code)) as archive:
        assert archive.getnames() == ["network/train.py", "train.py"]
    second.write_text("print(2)\n")
    assert script_mode.tarball({"network/train.py": second, "train.py": first}) != code


@pytest.mark.usefixtures("aws")
def test_code_and_weights_are_uploaded_once_and_lie_where_the_job_reads_them() -> None:
    files, bucket = script_mode.ScriptFiles(pretrained=True), boto3.Session().resource("s3").Bucket("images")
    files.upload("images")
    first = {item.key: item.last_modified for item in bucket.objects.all()}
    files.upload("images")
    assert {item.key: item.last_modified for item in bucket.objects.all()} == first
    program = files.program("image", "us-east-1", "images")
    code, weights = sorted(first)
    assert (program.source, weights.startswith(program.weights.removeprefix("s3://images/"))) == (
        f"s3://images/{code}",
        True,
    )
    with tarfile.open(fileobj=io.BytesIO(bucket.Object(code).get()["Body"].read()), mode="r:gz") as archive:
        assert {"train.py", "inference.py", "network/networks.py"} <= {*archive.getnames()}


def test_random_weights_need_no_channel() -> None:
    assert script_mode.ScriptFiles(pretrained=False).program("image", "us-east-1", "images").weights == ""


def test_the_entry_of_the_model_has_the_algorithm_and_what_serves_it() -> None:
    run = {
        "training_job": "job",
        "artifact": "s3://images/training/job/output/model.tar.gz",
        "algorithm": PYTORCH,
        **image_uris.inference_container(PYTORCH, "us-east-1"),
        "classes": ["NORMAL", "PNEUMONIA"],
        "dataset": "chest-xray/0123",
        "resize_mode": "squash",
        "ended": "2026-11-24T03:15:00+00:00",
    }
    entry = runs.model_entry(run, None)
    assert entry["algorithm"] == "pytorch"
    assert entry["image"].endswith("/pytorch-inference:2.6.0-cpu-py312")
    assert entry["environment"]["SAGEMAKER_PROGRAM"] == "inference.py"
