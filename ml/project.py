"""The project's folder: the stage in cdk.json, and the model in cdk.context.json."""

import json
import re
from pathlib import Path
from typing import Any

from ml import files
from ml.errors import UserError

STAGE = re.compile(r"[a-z][a-z0-9]{0,15}")


def root() -> Path:
    """Return the folder that holds cdk.json: the working folder, or one above it.

    Raises:
        UserError: there is none.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "cdk.json").is_file():
            return folder
    raise UserError(f"No cdk.json in {here} or above it; run this from the project's folder.", code=2)


def stage(given: str | None) -> str:
    """Return the stage to work on: the given one, or cdk.json's.

    Raises:
        UserError: it is no name of a stage.
    """
    name = given or json.loads((root() / "cdk.json").read_text(encoding="utf-8"))["context"].get("stage", "dev")
    if not STAGE.fullmatch(name):
        raise UserError(f"Stage {name!r} is not allowed; use at most 16 lower-case letters and digits, as in dev.", 2)
    return str(name)


def read_context() -> dict[str, Any]:
    """Return cdk.context.json, empty when there is none.

    Raises:
        UserError: it is no JSON object.
    """
    path = root() / "cdk.context.json"
    if not path.exists():
        return {}
    try:
        context = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path} is not JSON ({error}); mend it or delete it.") from error
    if not isinstance(context, dict):
        raise UserError(f"{path} is not a JSON object; mend it or delete it.")
    return context


def read_model(stage_name: str) -> dict[str, Any]:
    """Return what is known of the stage's model.

    Raises:
        UserError: no model was trained for this stage yet.
    """
    model = read_context().get(f"model:{stage_name}")
    if not isinstance(model, dict):
        raise UserError(
            f"cdk.context.json has no model for stage {stage_name}; "
            f"run `python -m ml.train --stage {stage_name}` first."
        )
    return model


def write_model(stage_name: str, model: dict[str, Any]) -> Path:
    """Put the stage's model into cdk.context.json; return the file's path."""
    return write(f"model:{stage_name}", model)


def settings() -> dict[str, Any]:
    """Return the deployment settings in cdk.json."""
    context: dict[str, Any] = json.loads((root() / "cdk.json").read_text(encoding="utf-8"))["context"]
    return context


def write(key: str, value: dict[str, Any]) -> Path:
    """Put a value into cdk.context.json, keeping every other key; return the file's path."""
    path = root() / "cdk.context.json"
    context = read_context() | {key: value}
    files.write(path, json.dumps(context, indent=2, sort_keys=True) + "\n")
    return path
