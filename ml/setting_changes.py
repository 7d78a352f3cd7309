"""Compare the settings of a stage with the deployed ones, and refuse changes that lose data or end an endpoint."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ml.aws import clients, stacks
from ml.errors import UserError

STACKS = ("Storage", "Endpoint")
"""The stacks whose output `Settings` is their deployed settings as JSON."""


@dataclass(frozen=True)
class Rule:
    """A change of one setting that needs consent: `harms(deployed, next)`, and its effect."""

    setting: str
    harms: Callable[[Any, Any], bool]
    reason: str


def differs(deployed: Any, new: Any) -> bool:
    """Return whether any change harms."""
    return bool(deployed != new)


RULES = (
    Rule(
        "retain_data",
        lambda deployed, new: bool(deployed and not new),
        "`cdk destroy` would delete every data set, model and report of the stage",
    ),
    Rule(
        "kms",
        lambda deployed, new: deployed == "create" and new != "create",
        "training, endpoint and API could no longer read what the stage's key encrypted",
    ),
    Rule(
        "lease_hours",
        lambda deployed, new: deployed == 0 and new > 0,
        "the endpoint runs until it is deleted, and would be deleted when the lease ends",
    ),
    Rule(
        "hosting",
        differs,
        "SageMaker cannot change the hosting of an endpoint; it must be deleted first",
    ),
    Rule(
        "region",
        differs,
        "the stage would start empty in the new region, and its stacks in the old region would stay and cost money",
    ),
)
"""The changes that `ml.preflight` refuses unless `--accept` names the setting."""
NAMES = tuple(rule.setting for rule in RULES)


def compare(stage: str, settings: Mapping[str, Any], accepted: Collection[str]) -> str:
    """Return the differences between the deployed settings of a stage and those that would be deployed.

    Args:
        stage: the stage.
        settings: the settings that would be deployed.
        accepted: names of settings whose change is accepted.

    Raises:
        UserError: a change does harm and was not accepted.
    """
    recorded = deployed(stage)
    if not recorded:
        others = ", ".join(sorted(set(deployed_stages()) - {stage})) or "none"
        return f"no stack of stage {stage} has recorded settings; other stages in this region: {others}"
    harmless: list[str] = []
    consented: list[tuple[str, str]] = []
    refused: list[tuple[str, str]] = []
    for name, old in recorded.items():
        new = settings.get(name, old)
        if new == old:
            continue
        change = f"{name} {shown(old)} -> {shown(new)}"
        reason = next((rule.reason for rule in RULES if rule.setting == name and rule.harms(old, new)), None)
        if reason is None:
            harmless.append(change)
        else:
            (consented if name in accepted else refused).append((name, f"{change}: {reason}"))
    if refused:
        names = ",".join(name for name, _ in refused)
        sentences = "; ".join(sentence for _, sentence in refused)
        raise UserError(
            f"{sentences}. Restore the stage's settings in cdk.json, or accept the change with `--accept {names}`."
        )
    return "; ".join([*harmless, *(f"accepted: {sentence}" for _, sentence in consented)]) or "as deployed"


def deployed(stage: str) -> dict[str, Any]:
    """Return the settings that the stage's stacks were deployed with; empty if nothing is deployed."""
    settings: dict[str, Any] = {}
    for part in STACKS:
        try:
            outputs = stacks.outputs(stage, part)
        except UserError:
            continue  # not deployed: nothing that could be lost
        settings |= json.loads(outputs.get("Settings", "{}"))
    return settings


def deployed_stages() -> Iterator[str]:
    """Yield each stage whose storage stack is deployed in this region."""
    for page in clients.client("cloudformation").get_paginator("describe_stacks").paginate():
        for stack in page["Stacks"]:
            prefix, _, rest = stack["StackName"].partition("-")
            stage, _, part = rest.partition("-")
            if prefix == "Pneumonia" and part == "Storage":
                yield stage


def shown(value: Any) -> str:
    """Return a value as in cdk.json."""
    return value if isinstance(value, str) else json.dumps(value)
