"""SageMaker Python SDK v2: a notebook from upload to prediction, and the calls of AWS's notebooks."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import sagemaker
import steps
from sagemaker import image_uris
from sagemaker.analytics import TrainingJobAnalytics
from sagemaker.deserializers import JSONDeserializer
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.model import Model
from sagemaker.predictor import Predictor
from sagemaker.s3 import S3Downloader
from sagemaker.serializers import IdentitySerializer
from sagemaker.tuner import ContinuousParameter, HyperparameterTuner
from steps import step

ROLE, IMAGES = sys.argv[1], Path(sys.argv[2])
SESSION = sagemaker.Session()
BUCKET = SESSION.default_bucket()
CONTAINER = image_uris.retrieve("image-classification", SESSION.boto_region_name)
TEST_IMAGE = next((IMAGES / "test" / "PNEUMONIA").iterdir()).read_bytes()


def estimator(name: str, **hyperparameters: object) -> Estimator:
    """Return an estimator of the built-in algorithm."""
    made = Estimator(
        CONTAINER,
        ROLE,
        instance_count=1,
        instance_type=steps.TRAINING_INSTANCE,
        output_path=f"s3://{BUCKET}/{name}",
        sagemaker_session=SESSION,
        **{key: hyperparameters.pop(key) for key in ("checkpoint_s3_uri",) if key in hyperparameters},
    )
    made.set_hyperparameters(**steps.HYPERPARAMETERS | hyperparameters)
    return made


def channels() -> dict[str, TrainingInput]:
    """Return the four channels of images and lists."""
    return {
        name: TrainingInput(f"s3://{BUCKET}/images/{name}/", content_type="application/x-image")
        for name in steps.CHANNELS
    }


def predict(predictor: Predictor) -> None:
    """Ask an endpoint about a test image, and delete endpoint and model."""
    predictor.serializer = IdentitySerializer("application/x-image")
    predictor.deserializer = JSONDeserializer()
    with step("predict"):
        scores = predictor.predict(TEST_IMAGE)
        steps.check(len(scores) == 2 and abs(sum(scores) - 1) < 1e-4, f"received {scores}")
    with step("delete_model, delete_endpoint"):
        predictor.delete_model()
        predictor.delete_endpoint()


def notebook() -> None:
    """Upload, train, transform, deploy and predict."""
    with step("Session.upload_data to default_bucket()"):
        SESSION.upload_data(str(IMAGES), key_prefix="images")
    trained = estimator("notebook")
    with step("Estimator.fit with logs"):
        trained.fit(channels(), logs="All")
    model = Model(CONTAINER, trained.model_data, ROLE, sagemaker_session=SESSION)
    with step("Model.transformer, transform with logs"):
        output = f"s3://{BUCKET}/transformed"
        transformer = model.transformer(1, "ml.m5.4xlarge", output_path=output, accept="application/jsonlines")
        transformer.transform(f"s3://{BUCKET}/images/test/", content_type="application/x-image", logs=True)
    with step("S3Downloader.download"):
        with tempfile.TemporaryDirectory() as folder:
            S3Downloader.download(output, folder, sagemaker_session=SESSION)
            scores = [json.loads(path.read_text())["prediction"] for path in Path(folder).rglob("*.out")]
        steps.check(len(scores) == len(list((IMAGES / "test").rglob("*.jpeg"))), f"{len(scores)} outputs")
    with step("Estimator.deploy"):
        predictor = trained.deploy(1, steps.HOSTING_INSTANCE)
    predict(predictor)
    with step("Estimator.attach, transformer of the attached estimator"):
        attached = Estimator.attach(trained.latest_training_job.name, SESSION)
        steps.check(attached.model_data == trained.model_data, f"received {attached.model_data}")
        attached.transformer(1, steps.HOSTING_INSTANCE)
    with step("TrainingJobAnalytics.dataframe"):
        frame = TrainingJobAnalytics(trained.latest_training_job.name, sagemaker_session=SESSION).dataframe()
        names = {"train:accuracy", "validation:accuracy"}
        steps.check(names <= set(frame["metric_name"]), f"received {frame}")


def tuning() -> None:
    """Search, read the results and deploy the best model."""
    tuner = HyperparameterTuner(
        estimator("tuning"),
        "validation:accuracy",
        {"learning_rate": ContinuousParameter(0.0001, 0.01)},
        max_jobs=2,
        max_parallel_jobs=1,
    )
    with step("HyperparameterTuner.fit"):
        tuner.fit(channels())
        tuner.wait()
    with step("HyperparameterTuner.analytics().dataframe"):
        steps.check(len(tuner.analytics().dataframe()) == 2, "fewer than two jobs")
    with step("HyperparameterTuner.attach, best_training_job, best_estimator"):
        attached = HyperparameterTuner.attach(tuner.latest_tuning_job.name, SESSION)
        steps.check(attached.best_training_job() == tuner.best_training_job(), "two best jobs")
        attached.best_estimator()
    with step("HyperparameterTuner.deploy"):
        predictor = tuner.deploy(1, steps.HOSTING_INSTANCE)
    predict(predictor)


def record_files() -> None:
    """Train from RecordIO."""
    sources = {
        name: TrainingInput(f"s3://{BUCKET}/images/{name}_rec/", content_type="application/x-recordio")
        for name in ("train", "validation")
    }
    with step("Estimator.fit from RecordIO"):
        estimator("records").fit(sources, logs="None")


def checkpoints() -> None:
    """Continue a second job from the first one's checkpoint."""
    uri = f"s3://{BUCKET}/checkpoints"
    with step("Estimator.fit with checkpoint_s3_uri"):
        estimator("first", checkpoint_s3_uri=uri, checkpoint_frequency=1).fit(channels(), logs="None")
    with step("Estimator.fit continues from the checkpoint"):
        second = estimator("second", checkpoint_s3_uri=uri, checkpoint_frequency=1, epochs=2)
        second.fit(channels(), logs="None")
        name = second.latest_training_job.name
        frame = TrainingJobAnalytics(name, ["train:accuracy"], SESSION).dataframe()
        steps.check(len(frame) == 1, f"the second job trained {len(frame)} epochs, not 1")


steps.run(notebook, tuning, record_files, checkpoints)
