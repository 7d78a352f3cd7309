"""The function's code can be zipped, put on sys.path and started quickly."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LAMBDA = ROOT / "lambda"


def in_fresh_interpreter(code: str) -> str:
    """Return the output of `code`, run as in AWS Lambda with the asset's folder first on sys.path."""
    preamble = f"import sys; sys.path[:0] = [{str(LAMBDA)!r}, {str(ROOT)!r}]; "
    result = subprocess.run(
        [sys.executable, "-P", "-c", preamble + code], capture_output=True, text=True, timeout=60, check=True
    )
    return result.stdout


def test_no_module_of_the_function_loads_what_is_slow_or_not_deployed() -> None:
    code = (
        "import handler, importlib, inference_proxy, pkgutil; "
        "names = [module.name for module in pkgutil.iter_modules(inference_proxy.__path__)]; "
        "[importlib.import_module(f'inference_proxy.{name}') for name in names]; "
        "print(*sys.modules)"
    )
    modules = set(in_fresh_interpreter(code).split())
    assert "inference_proxy.explain" in modules
    unwanted = {
        "boto3",
        "botocore.session",
        "botocore.loaders",
        "numpy",
        "pydicom",
        "requests",
        "pydantic",
        "api_types",
    }
    assert not modules & unwanted


def test_the_handler_imports_without_any_environment_variable() -> None:
    code = "import os; os.environ.clear(); import handler; print(callable(handler.handler))"
    assert in_fresh_interpreter(code).strip() == "True"


def test_no_module_of_the_asset_hides_another_package() -> None:
    names = {path.stem for path in LAMBDA.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert {"handler", "inference_proxy"} <= names
    assert not names & sys.stdlib_module_names
    # -P and no preamble: only the standard library and site-packages are searched.
    code = (
        f"import importlib.util, json; print(json.dumps([n for n in {sorted(names)!r} if importlib.util.find_spec(n)]))"
    )
    result = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=60, check=True, cwd=ROOT
    )
    assert json.loads(result.stdout) == []


def test_the_handler_is_where_the_function_looks_for_it() -> None:
    spec = importlib.util.find_spec("handler")
    assert spec is not None
    assert spec.origin == str(LAMBDA / "handler.py")
