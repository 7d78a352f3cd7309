"""Read the settings: a value given with `-c` counts, else the stage's own, else the default.

The CDK CLI merges `-c name=value` into the context of cdk.json and does not mark which of the two a value came from.
cdk.json therefore has its settings under "defaults" and "stages", and only "stage" at the top of its context: any other
setting at the top comes from the command line. `ml.project.settings` reads the same file by the same rule;
tests/settings_cases.py holds both to one table of cases.
"""

from collections.abc import Collection, Mapping
from typing import Any

from pydantic import ValidationError

from infra.errors import SettingsError
from infra.setting_types import allowed, refused
from infra.settings import Settings

FIELDS = Settings.model_fields
OWN = FIELDS.keys() - {"stage"}
"""The settings that "defaults" and a stage can have."""


def read(context: Mapping[str, Any]) -> Settings:
    """Return the settings of the stage in the app's context.

    Keys with ":" or "@" belong to the CDK, to models and to leases.

    Raises:
        SettingsError: with one line for each fault of each layer, also of stages that are not deployed now.
    """
    given = {name: value for name, value in context.items() if ":" not in name and "@" not in name}
    layers, faults = split(given.pop("defaults", {}), given.pop("stages", {}))
    for path, layer in layers.items():
        faults += faults_of(path, layer, OWN)
    faults += faults_of("", given, FIELDS.keys())
    values = layers.get("defaults", {}) | layers.get(f"stages.{given.get('stage')}", {}) | given
    faults += [f'{name} is not set; add it to "defaults" in cdk.json' for name in FIELDS if name in OWN - values.keys()]
    if "stage" not in given:
        faults.append('stage is not set; add it to "context" in cdk.json')
    if not faults:
        try:
            return Settings.model_validate(values)
        except ValidationError as error:
            faults = [line for fault in error.errors() for line in str(fault["ctx"]["error"]).splitlines()]
    remedy = "Change cdk.json, or override a setting for one run with `-c name=value`."
    raise SettingsError.listing("the settings", faults, remedy)


def split(defaults: Any, stages: Any) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return the layers of cdk.json by their path in it, and the faults of those that cannot be read."""
    layers, faults = {"defaults": defaults}, []
    if isinstance(stages, dict):
        layers |= {f"stages.{name}": layer for name, layer in stages.items()}
        faults = [
            f"stages has {name!r}; a stage's name must be {allowed(FIELDS['stage'])}"
            for name in stages
            if refused(Settings, {"stage": name})
        ]
    else:
        layers["stages"] = stages
    faults += [
        f"{path} is {layer!r}; it must be an object of settings"
        for path, layer in layers.items()
        if not isinstance(layer, dict)
    ]
    return {path: layer for path, layer in layers.items() if isinstance(layer, dict)}, faults


def faults_of(path: str, layer: Mapping[str, Any], names: Collection[str]) -> list[str]:
    """Return the faults of one layer, which can have the settings in `names`."""
    where, start = (f" in {path}", f"{path}.") if path else ("", "")
    known = {name: value for name, value in layer.items() if name in names}
    return [
        f"unknown setting {name!r}{where}; allowed: {', '.join(sorted(names))}"
        for name in sorted(layer.keys() - known.keys())
    ] + [f"{start}{name} is {layer[name]!r}; it must be {allowed(FIELDS[name])}" for name in refused(Settings, known)]
