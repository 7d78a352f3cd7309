"""The notebook: what is committed of it, and what its cells show when they run against AWS on localhost.

The tests with the cells run last: the last cell deletes the stage.
"""

import ast
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import nbformat
import pytest
from nbclient import NotebookClient

from radiograph.phantom import write_dataset

from .conftest import ROOT, STAGE, Cloud

NOTEBOOK = ROOT / "docs" / "walkthrough.ipynb"
IMAGES = 60
QUICK: dict[str, object] = {
    "preparing": ["--augment", "0", "--batch-size", "8"],
    "training": ["--epochs", "1", "--use-pretrained-model", "0", "--learning-rate", "0.001", "--mini-batch-size", "8"],
    "measuring": ["--force"],
}
"""Parameters for seconds instead of minutes; what such a model says is of no interest here."""
CELL_SECONDS = 180


def committed() -> Any:
    return nbformat.read(NOTEBOOK, as_version=nbformat.NO_CONVERT)


def test_it_is_committed_without_outputs_and_in_its_format() -> None:
    notebook = committed()
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    # nbformat gives a second cell of the same name another one while it reads.
    names = [cell["id"] for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]]
    assert len(names) == len({*names})
    for cell in notebook.cells:
        assert (cell.get("outputs", []), cell.get("execution_count")) == ([], None), cell.id
    assert NOTEBOOK.read_text(encoding="utf-8").endswith("}\n")


def test_no_cell_asks_where_it_runs() -> None:
    for cell in committed().cells:
        if cell.cell_type == "code":
            assert not re.search("local|AWS_ENDPOINT_URL|127.0.0.1", cell.source), cell.id


def test_its_cells_define_one_function_and_call_the_projects() -> None:
    cells = [cell.source for cell in committed().cells if cell.cell_type == "code" and cell.source[:2] != "%%"]
    nodes = [node for source in cells for node in ast.walk(ast.parse(source))]
    assert [node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)] == ["done"]
    called = {node.func.value.id for node in nodes if is_main(node)}
    assert called == {"preflight", "prepare", "cost", "train", "transform", "verify"}


def is_main(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "main"


@pytest.mark.parametrize("cell", ["predict", "explain"])
def test_where_a_prediction_is_read_stands_what_it_is_not(cell: str) -> None:
    cells = committed().cells
    at = [one.id for one in cells].index(cell)
    above = next(one for one in reversed(cells[:at]) if one.cell_type == "markdown")
    assert re.search("Not a medical device|not a finding", above.source)


@dataclass(frozen=True)
class Walk:
    """The executed cells by their ids, and the local cloud they ran against."""

    cells: dict[str, Any]
    session: boto3.Session

    def text(self, cell: str) -> str:
        """Return what a cell printed, and the plain text of what it showed."""
        outputs = self.cells[cell].outputs
        return "".join(one.text if one.output_type == "stream" else one.data["text/plain"] for one in outputs)

    def shows(self, cell: str, media_type: str) -> bool:
        """Return whether a cell showed something of a media type."""
        return any(media_type in one.get("data", {}) for one in self.cells[cell].outputs)


@pytest.fixture(scope="module")
def walk(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """The notebook, executed on few images and the stage of the demo."""
    folder = tmp_path_factory.mktemp("walkthrough")
    write_dataset(folder / "images", IMAGES)
    env = {**cloud.env, "JUPYTER_RUNTIME_DIR": str(folder / "runtime"), "IPYTHONDIR": str(folder / "ipython")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_RUNTIME_DIR", env["JUPYTER_RUNTIME_DIR"])
        cells = executed(cloud.project, env, stage=STAGE, source=str(folder / "images"))
    return Walk({cell.id: cell for cell in cells}, cloud.session)


def executed(project: Path, env: Mapping[str, str], **parameters: object) -> list[Any]:
    """Return the cells after they ran in `project`, with some parameters set anew below their cell."""
    notebook = committed()
    at = next(place for place, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", []))
    chosen = "\n".join(f"{name} = {value!r}" for name, value in (QUICK | parameters).items())
    notebook.cells.insert(at + 1, nbformat.v4.new_code_cell(chosen))
    NotebookClient(notebook, timeout=CELL_SECONDS, resources={"metadata": {"path": str(project)}}).execute(env=env)
    return list(notebook.cells)


@pytest.mark.e2e
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


@pytest.mark.e2e
def test_the_price_is_told_before_anything_is_created(walk: Walk) -> None:
    assert re.search(r"^One training run: .* USD", walk.text("cost"), re.MULTILINE)
    assert re.search(r"^Estimate: ", walk.text("train"), re.MULTILINE)


@pytest.mark.e2e
def test_each_metric_has_n_and_its_interval(walk: Walk) -> None:
    for metric in ("AUROC", "Sensitivity", "Specificity", "Accuracy"):
        pattern = rf"^{metric} +[01]\.\d+ +\[\d\.\d+, \d\.\d+\] +\d+ (images|patients)$"
        assert re.search(pattern, walk.text("metrics"), re.MULTILINE), walk.text("metrics")


@pytest.mark.e2e
def test_the_api_answers_with_a_label_that_follows_its_threshold(walk: Walk) -> None:
    answer = json.loads(walk.text("predict"))
    expected = "PNEUMONIA" if answer["probability"] >= answer["threshold"] else "NORMAL"
    assert (answer["label"], "Not a medical device" in answer["disclaimer"]) == (expected, True)
    assert "is in service with" in walk.text("verify")


@pytest.mark.e2e
def test_the_heat_map_is_shown(walk: Walk) -> None:
    assert walk.shows("heat-map", "image/png")


@pytest.mark.e2e
def test_no_cell_shows_the_key(walk: Walk) -> None:
    shown = json.dumps([cell.get("outputs", []) for cell in walk.cells.values()])
    assert "x-api-key" not in shown
    assert "API_KEY" not in shown


@pytest.mark.e2e
def test_the_last_cell_leaves_only_the_role_of_the_regions_api_gateway(walk: Walk) -> None:
    client = walk.session.client
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
