"""The project's folder: the stage and its settings in cdk.json, and the model in cdk.context.json."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ml import atomic
from ml.errors import UserError

STAGE = re.compile(r"[a-z][a-z0-9]{0,15}")


def root() -> Path:
    """Return the folder that holds cdk.json: the working folder, or one above it.

    Raises:
        UserError: there is no cdk.json.
    """
    working = Path.cwd()
    for folder in (working, *working.parents):
        if (folder / "cdk.json").is_file():
            return folder
    raise UserError(f"No cdk.json in {working} or above it; run this from the project's folder.", code=2)


def stage(given: str | None) -> str:
    """Return the stage to work on: the given one, or cdk.json's.

    Raises:
        UserError: the name is not allowed.
    """
    name = read_cdk_json().get("stage", "dev") if given is None else given
    if not is_stage(name):
        raise UserError(
            f"Stage {name!r} is not allowed; it must be a lower-case letter, then at most 15 letters and digits, "
            "as in dev.",
            2,
        )
    return str(name)


def is_stage(name: Any) -> bool:
    """Return whether a stage can have this name."""
    return isinstance(name, str) and STAGE.fullmatch(name) is not None


def read_cdk_json() -> dict[str, Any]:
    """Return the context of cdk.json.

    Raises:
        UserError: the file is not a JSON object with a "context" object.
    """
    path = root() / "cdk.json"
    try:
        context: Any = json.loads(path.read_text(encoding="utf-8"))["context"]
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f'{path} is not a JSON object with a "context" ({error}); correct it.') from error
    if not isinstance(context, dict):
        raise UserError(f'{path}: "context" is {context!r}; it must be an object.')
    return dict(context)


def settings(stage_name: str, given: Sequence[str] = ()) -> dict[str, Any]:
    """Return the settings that `cdk deploy -c stage=STAGE` with the `given` overrides would deploy.

    An override takes precedence over the stage's entry in "stages", and that over "defaults". `infra` follows the same
    rule; tests/settings_cases.py tests both. Types are those of the defaults; `cdk deploy` checks ranges.

    Args:
        stage_name: the stage.
        given: NAME=VALUE, as after `-c`.

    Raises:
        UserError: a setting is unknown or of the wrong type; all stages are checked, not only this one.
    """
    context = {name: value for name, value in read_cdk_json().items() if ":" not in name and "@" not in name}
    defaults: dict[str, Any] = context.pop("defaults", {})
    stages: dict[str, Any] = context.pop("stages", {})
    for section, layer in {"defaults": defaults, "stages": stages}.items():
        if not isinstance(layer, dict):
            raise UserError(f"cdk.json: {section} is {layer!r}; it must be an object of settings.")
    own: dict[str, Any] = {}
    for name, entry in stages.items():
        if not is_stage(name):
            raise UserError(
                f"cdk.json: stages has {name!r}; a stage's name is at most 16 lower-case letters and digits."
            )
        if not isinstance(entry, dict):
            raise UserError(f"cdk.json: stages.{name} is {entry!r}; it must be an object of settings.")
        checked = {key: typed(f"cdk.json: stages.{name}.{key}", value, defaults, key) for key, value in entry.items()}
        own |= checked if name == stage_name else {}
    return defaults | own | context | {"stage": stage_name} | overrides(given, defaults | context)


def overrides(given: Sequence[str], known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings in NAME=VALUE texts, in the types of the `known` settings.

    Raises:
        UserError: a text has no "=", or its setting is the stage, unknown, or of the wrong type.
    """
    values = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise UserError(f"-c {text}: give NAME=VALUE, as in hosting=serverless.", 2)
        if name == "stage":
            raise UserError(f"-c {text}: give the stage as --stage {value} to use its own settings.", 2)
        values[name] = typed(f"-c {text}: {name}", value, known, name, code=2)
    return values


def typed(origin: str, value: Any, known: Mapping[str, Any], name: str, code: int = 1) -> Any:
    """Return a setting's value in the type of its known value; `origin` starts an error message.
    Raises:
        UserError: there is no such setting, or the value has another type.
    """
    if name not in known:
        allowed = ", ".join(sorted(known.keys() - {"stage"}))
        raise UserError(f"{origin}: unknown setting {name!r}; allowed: {allowed}.", code)
    text = str(value)
    match known[name]:
        case bool():
            if text.lower() in ("true", "false"):
                return text.lower() == "true"
            allowed = "true or false"
        case int():
            if not isinstance(value, bool) and re.fullmatch(r"[0-9]{1,9}", text):
                return int(text)
            allowed = "a whole number"
        case _:
            if isinstance(value, str):
                return value
            allowed = "text"
    raise UserError(f"{origin} is {value!r}; it must be {allowed}.", code)


def read_context() -> dict[str, Any]:
    """Return cdk.context.json; empty if the file does not exist.

    Raises:
        UserError: it is not a JSON object.
    """
    path = root() / "cdk.context.json"
    if not path.exists():
        return {}
    try:
        context = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path} is not JSON ({error}); correct it or delete it.") from error
    if not isinstance(context, dict):
        raise UserError(f"{path} is not a JSON object; correct it or delete it.")
    return context


def read_model(stage_name: str) -> dict[str, Any]:
    """Return the entry of the stage's model.

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
    """Write the stage's model to cdk.context.json; return the file's path."""
    return write(f"model:{stage_name}", model)


def write(key: str, value: dict[str, Any]) -> Path:
    """Write a value to cdk.context.json, keeping every other key; return the file's path."""
    path = root() / "cdk.context.json"
    context = read_context() | {key: value}
    atomic.write(path, json.dumps(context, indent=2, sort_keys=True) + "\n")
    return path
