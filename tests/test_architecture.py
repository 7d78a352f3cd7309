"""Who may import whom: the rules that keep one code path for AWS and for this machine."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

from tests.imports import imported_modules

ROOT = Path(__file__).resolve().parents[1]
PARTS = {"demo", "frontend", "inference_proxy", "infra", "localaws", "ml", "network", "radiograph"}
MAY_IMPORT = {
    "radiograph": set(),
    "network": set(),
    "demo": set(),
    "infra": set(),
    "localaws": {"network"},
    "ml": {"network", "radiograph"},
    "lambda": {"inference_proxy", "radiograph"},
    "frontend": {"radiograph"},
}
"""`lambda` cannot be imported by name (a keyword of Python); its package is `inference_proxy`."""


def imported_packages(path: Path) -> set[str]:
    """Return the top-level packages that a module imports, anywhere in it."""
    return {name.split(".")[0] for name in imported_modules(path)}


@pytest.mark.parametrize("part", sorted(MAY_IMPORT))
def test_each_part_imports_only_what_lies_below_it(part: str) -> None:
    modules = sorted((ROOT / part).rglob("*.py"))
    assert modules, f"{part}/ holds no module"
    for module in modules:
        above = imported_packages(module) & PARTS - MAY_IMPORT[part] - {part}
        assert not above, f"{module.relative_to(ROOT)} imports {sorted(above)}"


def test_no_command_imports_another() -> None:
    commands = {path.stem for path in (ROOT / "ml").glob("*.py") if "__main__" in path.read_text(encoding="utf-8")}
    assert {"prepare", "train", "transform"} <= commands
    for module in sorted((ROOT / "ml").rglob("*.py")):
        imported = imported_modules(module) & {f"ml.{command}" for command in commands}
        assert not imported, f"{module.relative_to(ROOT)} imports {sorted(imported)}"


def test_only_localaws_ministack_imports_ministack_and_it_imports_nothing_of_sagemaker() -> None:
    folder = ROOT / "localaws" / "ministack"
    for module in sorted((ROOT / "localaws").rglob("*.py")):
        if folder in module.parents:
            imported = {name for name in imported_modules(module) if name.startswith("localaws.sagemaker")}
        else:
            imported = imported_packages(module) & {"ministack"}
        assert not imported, f"{module.relative_to(ROOT)} imports {sorted(imported)}"


def test_the_folders_of_localaws_sagemaker_import_only_what_lies_below_them() -> None:
    below = {
        "api": {"checks", "jobs", "hosting", "container", "aws"},
        "jobs": {"checks", "container", "aws"},
        "hosting": {"container", "aws"},
        "checks": {"container", "aws"},
        "container": {"aws"},
        "aws": set(),
    }
    for folder, allowed in below.items():
        for module in sorted((ROOT / "localaws" / "sagemaker" / folder).glob("*.py")):
            parts = {name.split(".")[2] for name in imported_modules(module) if name.startswith("localaws.sagemaker.")}
            above = parts & below.keys() - allowed - {folder}
            assert not above, f"{module.relative_to(ROOT)} imports {sorted(above)}"


@pytest.mark.parametrize("part", ["infra", "lambda", "frontend"])
def test_nothing_but_ml_and_localaws_speaks_boto3(part: str) -> None:
    for module in sorted((ROOT / part).rglob("*.py")):
        assert "boto3" not in imported_packages(module), module.relative_to(ROOT)


@pytest.mark.parametrize("part", ["infra", "ml", "lambda", "frontend"])
def test_the_product_never_asks_whether_it_runs_locally(part: str) -> None:
    for module in sorted((ROOT / part).rglob("*.py")):
        text = module.read_text(encoding="utf-8").lower()
        for word in ("localaws", "localhost", "ministack", "is_local"):
            assert word not in text, f"{module.relative_to(ROOT)} mentions {word}"


@pytest.mark.parametrize("part", sorted(MAY_IMPORT))
def test_every_public_function_and_class_is_documented(part: str) -> None:
    """A protocol's members, whose body is an ellipsis, are described by their protocol."""
    missing = []
    for module in sorted((ROOT / part).rglob("*.py")):
        tree = ast.parse(module.read_text(encoding="utf-8"))
        public = [
            node
            for parent in ast.walk(tree)
            if isinstance(parent, ast.Module) or (isinstance(parent, ast.ClassDef) and parent.name[:1] != "_")
            for node in parent.body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            and not node.name.startswith("_")
            and ast.unparse(node.body) != "..."
        ]
        missing += [f"{module.relative_to(ROOT)}: {node.name}" for node in public if ast.get_docstring(node) is None]
        if ast.get_docstring(tree) is None:
            missing.append(f"{module.relative_to(ROOT)}: the module")
    assert missing == []


def test_no_two_modules_define_a_public_class_of_the_same_name() -> None:
    """Except `lambda/api_types.py` and `frontend/api_models.py`, the two sides of the API's contract."""
    contract = {"lambda/api_types.py", "frontend/api_models.py"}
    modules: defaultdict[str, set[str]] = defaultdict(set)
    for module in sorted(path for part in MAY_IMPORT for path in (ROOT / part).rglob("*.py")):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                modules[node.name].add(module.relative_to(ROOT).as_posix())
    assert {name: sorted(paths) for name, paths in modules.items() if len(paths) > 1 and paths != contract} == {}
