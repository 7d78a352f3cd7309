"""The demo itself: what it prints, and the model it made."""

import json
import re

from ..builders import STAGE, Demo
from .calls import post


def test_the_demo_prints_each_metric_with_n_and_interval(cloud: Demo) -> None:
    for metric in ("AUROC", "Average precision", "Balanced accuracy", "MCC", "Accuracy", "Sensitivity", "Specificity"):
        pattern = rf"^{metric} +[01]\.\d+ +\[\d\.\d+, \d\.\d+\] +\d+ (images|patients)$"
        assert re.search(pattern, cloud.output, re.MULTILINE), f"no {metric} in:\n{cloud.output}"


def test_the_demo_says_what_trains_here_before_it_shows_the_plan_for_aws(cloud: Demo) -> None:
    said, planned = (cloud.output.index(text) for text in ("localaws trains EfficientNet-Lite0", "ResNet-101, from"))
    assert said < planned


def test_the_model_passes_the_gate_without_force(cloud: Demo) -> None:
    context = json.loads((cloud.project / "cdk.context.json").read_text())
    assert context[f"model:{STAGE}"]["gate"] == "passed"
    assert "--force" not in cloud.output


def test_the_model_tells_normal_phantoms_from_pneumonia_phantoms(cloud: Demo) -> None:
    normal = [post(cloud, image).body["probability"] for image in cloud.images("NORMAL")]
    pneumonia = [post(cloud, image).body["probability"] for image in cloud.images("PNEUMONIA")]
    assert sum(pneumonia) / len(pneumonia) > sum(normal) / len(normal) + 0.2


def test_a_second_demo_at_once_stops_at_the_taken_port(cloud: Demo) -> None:
    port = cloud.env["AWS_ENDPOINT_URL"].rpartition(":")[2]
    done = cloud.run("python", "-m", "demo", "--once", "--port", port)
    assert done.returncode == 1
    assert f"Port {port} on 127.0.0.1 is taken" in done.stderr
