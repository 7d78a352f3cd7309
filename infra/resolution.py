"""Which value of a setting counts: one given with `-c`, else the stage's own, else the default.

The CDK CLI merges `-c name=value` into the context of cdk.json and does not say which of the two a value came from. So
cdk.json holds no setting beside "stage" at the top of its context, but in "defaults" and "stages": a setting at the
top was given on the command line, also where it equals the default. `ml.project.settings` reads the same file by the
same rule; tests/settings_cases.py holds both to one table of cases.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Check = Callable[[Any], Any]


def resolve(context: Mapping[str, Any], checks: Mapping[str, Check]) -> tuple[dict[str, Any], list[str]]:
    """Return the checked value of each setting, and every fault of every layer, also of stages not deployed now.

    Keys with ":" or "@" belong to the CDK, to models and leases.

    Args:
        context: as the CDK CLI hands it over.
        checks: by the name of a setting; each returns the value in its type or raises ValueError with what is allowed.
    """
    given = {name: value for name, value in context.items() if ":" not in name and "@" not in name}
    defaults, stages = given.pop("defaults", {}), given.pop("stages", {})
    faults: list[str] = []
    values: dict[str, Any] = {}
    own = {name: check for name, check in checks.items() if name != "stage"}
    for place, layer in [("defaults", defaults), *entries(stages), ("", given)]:
        if not isinstance(layer, Mapping):
            faults.append(f"{place} is {layer!r}; it must be an object of settings")
            continue
        if place.startswith("stages."):
            faults += bad_name(place.removeprefix("stages."), checks["stage"])
        checked, wrong = check_layer(place, layer, own if place else checks)
        faults += wrong
        if place in ("", "defaults", f"stages.{given.get('stage')}"):
            values |= checked
    named = set(values).union(given, defaults if isinstance(defaults, Mapping) else ())
    faults += [f'{name} is not set; add it to "defaults" in cdk.json' for name in own if name not in named]
    if "stage" not in given:
        faults.append('stage is not set; add it to "context" in cdk.json')
    return values, faults


def entries(stages: Any) -> Iterator[tuple[str, Any]]:
    """Yield each stage's layer with its place in cdk.json; `resolve` refuses those that are not objects."""
    if not isinstance(stages, Mapping):
        yield "stages", stages
        return
    for name, layer in stages.items():
        yield f"stages.{name}", layer


def bad_name(stage: str, check: Check) -> list[str]:
    """Return the fault of a stage's name that no deployment can have."""
    try:
        check(stage)
    except ValueError as error:
        return [f"stages has {stage!r}; a stage's name must be {error}"]
    return []


def check_layer(place: str, layer: Mapping[str, Any], checks: Mapping[str, Check]) -> tuple[dict[str, Any], list[str]]:
    """Return the values of one layer in their types, and its faults."""
    where = f" in {place}" if place else ""
    allowed = ", ".join(sorted(checks))
    faults = [f"unknown setting {name!r}{where}; allowed: {allowed}" for name in sorted(layer.keys() - checks.keys())]
    values: dict[str, Any] = {}
    for name in [name for name in checks if name in layer]:
        try:
            values[name] = checks[name](layer[name])
        except ValueError as error:
            faults.append(f"{f'{place}.' if place else ''}{name} is {layer[name]!r}; it must be {error}")
    return values, faults
