"""The notebook, executed against AWS on localhost."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from ..builders import ROOT, STAGE, Cloud

QUICK: dict[str, object] = {
    "preparing": ["--augment", "0", "--batch-size", "8"],
    "training": ["--algorithm", "pytorch", "--epochs", "1", "--use-pretrained-model", "0", "--mini-batch-size", "8"],
    "measuring": ["--force"],
}
"""Parameters for seconds instead of minutes; the quality of the model does not matter here."""
CELL_SECONDS = 600
NEEDED_TO_DELETE = ("parameters", "chosen", "set-up", "destroy")


@dataclass(frozen=True)
class Walk:
    """The executed cells by their ids, and the local cloud in which they ran."""

    cells: dict[str, Any]
    cloud: Cloud

    def text(self, cell: str) -> str:
        """Return what a cell printed, and the plain text of what it showed."""
        outputs = self.cells[cell].outputs
        return "".join(one.text if one.output_type == "stream" else one.data["text/plain"] for one in outputs)

    def shows(self, cell: str, media_type: str) -> bool:
        """Return whether a cell showed something of a media type."""
        return any(media_type in one.get("data", {}) for one in self.cells[cell].outputs)


def execute(cloud: Cloud, images: Path, delete: bool) -> dict[str, Any]:
    """Execute the cells on a folder of images: those that delete the stage, or all others. Return them by id."""
    notebook = nbformat.read(ROOT / "docs" / "walkthrough.ipynb", as_version=nbformat.NO_CONVERT)
    at = next(place for place, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", []))
    parameters = QUICK | {"stage": STAGE, "source": str(images)}
    chosen = "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
    notebook.cells.insert(at + 1, nbformat.v4.new_code_cell(chosen, id="chosen"))
    notebook.cells = [
        cell for cell in notebook.cells if (cell.id in NEEDED_TO_DELETE if delete else cell.id != "destroy")
    ]
    folders = {name: str(images.parent / name) for name in ("JUPYTER_RUNTIME_DIR", "IPYTHONDIR")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_RUNTIME_DIR", folders["JUPYTER_RUNTIME_DIR"])
        resources = {"metadata": {"path": str(cloud.project)}}
        NotebookClient(notebook, timeout=CELL_SECONDS, resources=resources).execute(env={**cloud.env, **folders})
    return {cell.id: cell for cell in notebook.cells}
