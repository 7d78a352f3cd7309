"""The SageMaker Python SDK's typed resources work unmodified: they parse every answer strictly."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from localaws.environment import client_environment
from tests.localaws.sagemaker.builders import BUCKET, IMAGE, Cloud, put_model, unique


@pytest.fixture
def resources(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, value in client_environment(cloud.port).items():
        monkeypatch.setenv(name, value)
    from sagemaker.core import resources
    from sagemaker.core.utils import utils

    utils.SageMakerClient._instances.clear()  # one client for the life of a process, made for whoever came first
    yield resources
    utils.SageMakerClient._instances.clear()


def train(cloud: Cloud, resources: Any, hyperparameters: dict[str, str]) -> Any:
    from sagemaker.core import shapes

    source = shapes.S3DataSource(s3_data_type="S3Prefix", s3_uri=f"s3://{BUCKET}/open/train/")
    return resources.TrainingJob.create(
        training_job_name=unique("core"),
        hyper_parameters=hyperparameters,
        algorithm_specification=shapes.AlgorithmSpecification(training_image=IMAGE, training_input_mode="File"),
        role_arn=cloud.role,
        input_data_config=[shapes.Channel(channel_name="train", data_source=shapes.DataSource(s3_data_source=source))],
        output_data_config=shapes.OutputDataConfig(s3_output_path=f"s3://{BUCKET}/open/results"),
        resource_config=shapes.ResourceConfig(instance_type="ml.g4dn.xlarge", instance_count=1, volume_size_in_gb=10),
        stopping_condition=shapes.StoppingCondition(max_runtime_in_seconds=600),
    )


def test_a_training_job_is_waited_for_and_its_log_followed(
    cloud: Cloud, resources: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    job = train(cloud, resources, {"seconds": "0.5"})
    job.wait(poll=1, timeout=30, logs=True)
    assert job.training_job_status == "Completed"
    assert "Epoch[1] Train-accuracy=0.6" in caplog.text
    assert job.final_metric_data_list[0].metric_name == "train:accuracy"
    assert job.training_job_name in [listed.training_job_name for listed in resources.TrainingJob.get_all()]


def test_waiting_for_a_job_that_fails_raises_its_reason(cloud: Cloud, resources: Any) -> None:
    from sagemaker.core.utils.exceptions import FailedStatusError

    with pytest.raises(FailedStatusError, match=r"AlgorithmError: Too few images\., exit code: 1"):
        train(cloud, resources, {"exit": "1", "failure": "Too few images."}).wait(poll=1, timeout=30)


def test_a_transform_job_with_its_model_is_created_and_waited_for(cloud: Cloud, resources: Any) -> None:
    from sagemaker.core import shapes

    container = shapes.ContainerDefinition(image=IMAGE, model_data_url=put_model(cloud))
    model = resources.Model.create(
        model_name=unique("core"), primary_container=container, execution_role_arn=cloud.role
    )
    source = shapes.TransformS3DataSource(s3_data_type="S3Prefix", s3_uri=f"s3://{BUCKET}/open/train/")
    job = resources.TransformJob.create(
        transform_job_name=unique("core"),
        model_name=model.model_name,
        transform_input=shapes.TransformInput(data_source=shapes.TransformDataSource(s3_data_source=source)),
        transform_output=shapes.TransformOutput(s3_output_path=f"s3://{BUCKET}/open/core-out"),
        transform_resources=shapes.TransformResources(instance_type="ml.m5.large", instance_count=1),
    )
    job.wait(poll=1, timeout=30, logs=True)
    assert job.transform_job_status == "Completed"
    model.delete()


def test_an_endpoint_is_created_invoked_and_deleted(cloud: Cloud, resources: Any) -> None:
    from sagemaker.core import shapes

    container = shapes.ContainerDefinition(image=IMAGE, model_data_url=put_model(cloud, "8"))
    model = resources.Model.create(
        model_name=unique("core"), primary_container=container, execution_role_arn=cloud.role
    )
    variant = shapes.ProductionVariant(
        variant_name="all", model_name=model.model_name, instance_type="ml.m5.large", initial_instance_count=1
    )
    config = resources.EndpointConfig.create(endpoint_config_name=unique("core"), production_variants=[variant])
    endpoint = resources.Endpoint.create(endpoint_name=unique("core"), endpoint_config_name=config.endpoint_config_name)
    endpoint.wait_for_status("InService", poll=1, timeout=30)
    answer = endpoint.invoke(body=b"echo", content_type="image/png", accept="application/json")
    assert answer.body.read() == b"image/png application/json 8"
    endpoint.delete()
    endpoint.wait_for_delete(poll=1, timeout=30)
