"""SageMaker Python SDK v3: ModelTrainer, HyperparameterTuner, Transformer and ModelBuilder."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import steps
from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.parameter import ContinuousParameter
from sagemaker.core.shapes import OutputDataConfig
from sagemaker.core.transformer import Transformer
from sagemaker.serve import ModelBuilder
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData
from sagemaker.train.tuner import HyperparameterTuner
from steps import step

ROLE, IMAGES = sys.argv[1], Path(sys.argv[2])
SESSION = Session()
BUCKET = SESSION.default_bucket()
CONTAINER = image_uris.retrieve("image-classification", SESSION.boto_region_name)


def trainer(name: str) -> ModelTrainer:
    """Return a trainer of the built-in algorithm."""
    return ModelTrainer(
        sagemaker_session=SESSION,
        training_image=CONTAINER,
        role=ROLE,
        base_job_name=name,
        compute=Compute(instance_type=steps.TRAINING_INSTANCE, instance_count=1),
        hyperparameters=dict(steps.HYPERPARAMETERS),
        output_data_config=OutputDataConfig(s3_output_path=f"s3://{BUCKET}/{name}"),
    )


def channels() -> list[InputData]:
    """Return the four channels of images and lists."""
    return [
        InputData(channel_name=name, data_source=f"s3://{BUCKET}/v3/images/{name}/", content_type="application/x-image")
        for name in steps.CHANNELS
    ]


def notebook() -> None:
    """Upload, train, deploy, predict and transform."""
    with step("Session.upload_data to default_bucket()"):
        SESSION.upload_data(str(IMAGES), key_prefix="v3/images")
    with step("ModelTrainer for a role with a path"):
        training = trainer("trainer")
    with step("ModelTrainer.train with logs"):
        training.train(channels(), wait=True, logs=True)
    artifact = training._latest_training_job.model_artifacts.s3_model_artifacts
    builder = ModelBuilder(
        image_uri=CONTAINER,
        s3_model_data_url=artifact,
        role_arn=ROLE,
        sagemaker_session=SESSION,
        instance_type=steps.HOSTING_INSTANCE,
    )
    with step("ModelBuilder.build"):
        model = builder.build()
    with step("ModelBuilder.deploy"):
        endpoint = builder.deploy(endpoint_name="sdk-v3", instance_type=steps.HOSTING_INSTANCE)
    with step("Endpoint.invoke"):
        image = next((IMAGES / "test" / "PNEUMONIA").iterdir()).read_bytes()
        body = endpoint.invoke(body=image, content_type="application/x-image").body
        scores = json.loads(body.read() if hasattr(body, "read") else body)
        steps.check(len(scores) == 2 and abs(sum(scores) - 1) < 1e-4, f"received {scores}")
    with step("Transformer.transform with logs"):
        output = f"s3://{BUCKET}/v3/transformed"
        transformer = Transformer(
            model.model_name, 1, steps.HOSTING_INSTANCE, output_path=output, sagemaker_session=SESSION
        )
        transformer.transform(f"s3://{BUCKET}/v3/images/test/", content_type="application/x-image")
    with step("Endpoint.delete, Model.delete"):
        endpoint.delete()
        model.delete()


def tuning() -> None:
    """Search and read the best job."""
    tuner = HyperparameterTuner(
        trainer("tuner"),
        "validation:accuracy",
        {"learning_rate": ContinuousParameter(0.0001, 0.01)},
        max_jobs=2,
    )
    with step("HyperparameterTuner.tune"):
        tuner.tune(channels(), wait=True)
    with step("HyperparameterTuner.best_training_job"):
        steps.check(tuner.best_training_job(), "no best training job")


steps.run(notebook, tuning)
