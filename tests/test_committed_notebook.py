"""The notebook as it is committed."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

NOTEBOOK = Path(__file__).parents[1] / "docs" / "walkthrough.ipynb"


def committed() -> Any:
    """Return the notebook as it is committed."""
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
