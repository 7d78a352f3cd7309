"""The parts of the project share contracts, not code: who may import whom."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PARTS = {"radiograph", "ml", "infra", "localaws", "frontend", "inference_proxy"}
ALLOWED = {
    "radiograph": set(),
    "infra": set(),
    "localaws": set(),
    "frontend": {"radiograph"},
    "lambda": {"radiograph", "inference_proxy"},
    "ml": {"radiograph"},
}


def imported(path: Path) -> set[str]:
    """Return the parts of the project that a file imports, at any depth."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names & PARTS


@pytest.mark.parametrize("part", sorted(ALLOWED))
def test_a_part_imports_only_what_lies_below_it(part: str) -> None:
    files = sorted((ROOT / part).rglob("*.py"))
    assert files
    found = {(path.relative_to(ROOT), name) for path in files for name in imported(path) - {part} - ALLOWED[part]}
    assert found == set()


@pytest.mark.parametrize("part", ["infra", "ml", "lambda", "frontend"])
def test_no_part_that_runs_on_aws_asks_whether_it_is_local(part: str) -> None:
    named = [path for path in (ROOT / part).rglob("*.py") if "localaws" in path.read_text(encoding="utf-8").lower()]
    assert named == []
