"""Compare the settings of a stage with the deployed ones, and refuse changes that lose data or end an endpoint."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ml.aws import clients, stacks
from ml.errors import UserError
from ml.leasing.entry import deployed_endpoint, endpoint_exists

STACKS = ("Storage", "Endpoint")
"""The stacks whose output `Settings` is their deployed settings as JSON."""
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Rule:
    """A change of one setting that is refused: `harms(deployed, new)`, its effect, and what to do.

    Attributes:
        live: AWS refuses the change while the endpoint exists, and `--accept` cannot allow it.
    """

    setting: str
    harms: Callable[[Values, Values], bool]
    reason: str
    live: bool = False


def scales(settings: Values) -> bool:
    """Return whether the number of instances follows the load."""
    maximum, count = settings.get("autoscaling_max_instances", 1), settings.get("instance_count", 1)
    return bool(settings.get("hosting") == "realtime" and maximum > count)


def hosts_on_other_instances(deployed: Values, new: Values) -> bool:
    """Return whether an endpoint stays, on another instance type."""
    return bool(new["hosting"] != "function" and deployed["instance_type"] != new["instance_type"])


RULES = (
    Rule(
        "retain_data",
        lambda deployed, new: bool(deployed["retain_data"] and not new["retain_data"]),
        "`cdk destroy` would delete every data set, model and report of the stage; delete stack "
        "Pneumonia-{stage}-Retention first",
    ),
    Rule(
        "kms",
        lambda deployed, new: bool(deployed["kms"] == "create" and new["kms"] != "create"),
        "training, endpoint and API could no longer read what the stage's key encrypted; delete stacks "
        "Pneumonia-{stage}-Endpoint and Pneumonia-{stage}-Api first, which import the key",
    ),
    Rule(
        "lease_hours",
        lambda deployed, new: bool(deployed["lease_hours"] == 0 and new["lease_hours"] > 0),
        "the endpoint runs until it is deleted, and would be deleted when the lease ends",
    ),
    # A change to hosting=function deletes the endpoint once the API no longer uses it.
    Rule(
        "hosting",
        lambda deployed, new: bool(new["hosting"] not in (deployed["hosting"], "function")),
        "SageMaker cannot change the hosting of an endpoint; run `python -m ml.lease end --stage {stage}`, then "
        "`python -m ml.lease extend --stage {stage}`, then deploy",
        live=True,
    ),
    Rule(
        "instance_type",
        lambda deployed, new: scales(deployed) and hosts_on_other_instances(deployed, new),
        "SageMaker cannot change the instance type of an endpoint that scales; deploy the old instance_type with "
        "autoscaling_max_instances equal to instance_count first, then the new settings",
        live=True,
    ),
    Rule(
        "region",
        lambda deployed, new: bool(deployed["region"] != new["region"]),
        "the stage would start empty in the new region, and its stacks in the old region would stay and cost money",
    ),
)
"""The changes that `ml.preflight` refuses."""
NAMES = tuple(rule.setting for rule in RULES if not rule.live)
"""The settings that `--accept` can name."""


def compare(stage: str, settings: Values, accepted: Collection[str]) -> str:
    """Return the differences between the deployed settings of a stage and those that would be deployed.

    Args:
        stage: the stage.
        settings: the settings that would be deployed.
        accepted: names of settings whose change is accepted.

    Raises:
        UserError: AWS refuses a change, or a change does harm and was not accepted.
    """
    recorded = deployed_settings(stage)
    if not recorded:
        others = ", ".join(sorted(set(deployed_stages()) - {stage})) or "none"
        return f"no stack of stage {stage} has recorded settings; other stages in this region: {others}"
    new = recorded | {name: value for name, value in settings.items() if name in recorded}
    changes = {name: f"{name} {shown(old)} -> {shown(new[name])}" for name, old in recorded.items() if new[name] != old}
    endpoint = deployed_endpoint(stage)
    exists = endpoint is not None and endpoint_exists(endpoint)
    violated = [rule for rule in violations(recorded, new) if exists or not rule.live]
    sentences = {rule.setting: f"{changes[rule.setting]}: {rule.reason.format(stage=stage)}" for rule in violated}
    if impossible := [sentences[rule.setting] for rule in violated if rule.live]:
        raise UserError("; ".join(impossible) + ".")
    if refused := [name for name in sentences if name not in accepted]:
        raise UserError(
            f"{'; '.join(sentences[name] for name in refused)}. Restore the stage's settings in cdk.json, or accept "
            f"the change with `--accept {','.join(refused)}`."
        )
    harmless = [change for name, change in changes.items() if name not in sentences]
    return "; ".join([*harmless, *(f"accepted: {sentence}" for sentence in sentences.values())]) or "as deployed"


def violations(recorded: Values, new: Values) -> list[Rule]:
    """Return the rules that a change from the recorded settings to `new` violates, in the order of the settings."""
    order = list(recorded)
    rules = [rule for rule in RULES if rule.setting in recorded and rule.harms(recorded, new)]
    return sorted(rules, key=lambda rule: order.index(rule.setting))


def deployed_settings(stage: str) -> dict[str, Any]:
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
