"""What the notebook's cells show. The last test executes the last cell, which deletes the stage."""

import json
import re
from pathlib import Path

from ..builders import STAGE
from .builders import Walk, execute


def test_the_images_are_in_their_channels_and_on_the_screen(walk: Walk) -> None:
    for channel in (
        "train/NORMAL",
        "validation/PNEUMONIA",
        "validation_perturbed/NORMAL",
        "test/PNEUMONIA",
        "train_lst",
    ):
        assert f"'{channel}': " in walk.text("channels")
    assert walk.shows("images", "image/png")


def test_the_model_is_the_projects_own_network_in_the_pytorch_container(walk: Walk) -> None:
    context = json.loads((walk.cloud.project / "cdk.context.json").read_text())
    model = context[f"model:{STAGE}"]
    assert (model["algorithm"], "pytorch-inference" in model["image"]) == ("pytorch", True)


def test_the_price_is_told_before_anything_is_created(walk: Walk) -> None:
    assert re.search(r"^One training run: .* USD", walk.text("cost"), re.MULTILINE)
    assert re.search(r"^Estimate: ", walk.text("train"), re.MULTILINE)


def test_each_metric_has_n_and_its_interval(walk: Walk) -> None:
    for metric in ("AUROC", "Sensitivity", "Specificity", "Accuracy"):
        pattern = rf"^{metric} +[01]\.\d+ +\[\d\.\d+, \d\.\d+\] +\d+ (images|patients)$"
        assert re.search(pattern, walk.text("metrics"), re.MULTILINE), walk.text("metrics")


def test_the_api_answers_with_a_label_that_follows_its_threshold(walk: Walk) -> None:
    answer = json.loads(walk.text("predict"))
    expected = "PNEUMONIA" if answer["probability"] >= answer["threshold"] else "NORMAL"
    assert (answer["label"], "Not a medical device" in answer["disclaimer"]) == (expected, True)
    assert "is in service with" in walk.text("verify")


def test_the_heat_map_is_shown(walk: Walk) -> None:
    assert walk.shows("heat-map", "image/png")


def test_no_cell_shows_the_key(walk: Walk) -> None:
    shown = json.dumps([cell.get("outputs", []) for cell in walk.cells.values()])
    assert "x-api-key" not in shown
    assert "API_KEY" not in shown


def test_the_last_cell_leaves_only_the_role_of_the_regions_api_gateway(walk: Walk, images: Path) -> None:
    execute(walk.cloud, images, delete=True)
    client = walk.cloud.session.client
    sagemaker = client("sagemaker")
    assert sagemaker.list_endpoints()["Endpoints"] == []
    assert sagemaker.list_endpoint_configs()["EndpointConfigs"] == []
    assert sagemaker.list_models()["Models"] == []
    assert client("lambda").list_functions()["Functions"] == []
    assert client("apigateway").get_rest_apis()["items"] == []
    assert client("apigateway").get_api_keys()["items"] == []
    assert [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"] if "cdk-" not in bucket["Name"]] == []
    roles = [role["RoleName"] for role in client("iam").list_roles()["Roles"]]
    (kept,) = (name for name in roles if name.lower().startswith("pneumonia-"))
    assert "ApiCloudWatchRole" in kept
