"""The settings that cdk.json, a stage and `-c` values result in: one table for both readers, infra and ml."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Case:
    """A claim with the expected settings, or the parts of the expected error in `refused`."""

    claim: str
    stage: str = "prod"
    stages: Any = field(default_factory=lambda: {"prod": {"retain_data": True, "lease_hours": 0, "kms": "create"}})
    given: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    refused: tuple[str, ...] = ()

    def cdk_json(self) -> dict[str, Any]:
        """Return the shipped cdk.json with this case's stages."""
        shipped: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))
        shipped["context"]["stages"] = self.stages
        return shipped


CASES = [
    Case("a stage's own values override the defaults",
         settings={"retain_data": True, "lease_hours": 0, "kms": "create"}),
    Case("a setting that a stage does not set has the default", settings={"hosting": "realtime", "instance_count": 1}),
    Case("another stage has the defaults", stage="dev",
         settings={"retain_data": False, "lease_hours": 8, "kms": "none"}),
    Case("a stage without an entry has the defaults", stage="trial", settings={"stage": "trial", "lease_hours": 8}),
    Case("stages can be empty", stages={}, settings={"lease_hours": 8}),
    Case("an override has priority over the stage", given={"lease_hours": "3"},
         settings={"lease_hours": 3, "retain_data": True}),
    Case(
        "an override that equals the default has priority, too",
        given={"kms": "none", "lease_hours": "8", "retain_data": "false"},
        settings={"kms": "none", "lease_hours": 8, "retain_data": False},
    ),
    Case("text means the same as a typed value", stages={"prod": {"retain_data": "true", "lease_hours": "0"}},
         settings={"retain_data": True, "lease_hours": 0}),
    Case("an unknown setting of a stage is refused", stages={"prod": {"colour": "red"}}, refused=("'colour'", "kms")),
    Case("a stage cannot set the stage", stages={"prod": {"stage": "dev"}}, refused=("'stage'", "kms")),
    Case("a value of the wrong type is refused", stages={"prod": {"lease_hours": "eight"}},
         refused=("stages.prod.lease_hours", "'eight'", "a whole number")),
    Case("a fraction is not a whole number", stages={"prod": {"lease_hours": 2.5}},
         refused=("stages.prod.lease_hours", "2.5", "a whole number")),
    Case("a negative number is refused", stages={"prod": {"lease_hours": -1}},
         refused=("stages.prod.lease_hours", "-1", "a whole number")),
    Case("null is refused", stages={"prod": {"lease_hours": None}}, refused=("stages.prod.lease_hours", "None")),
    Case("true is not a number", stages={"prod": {"lease_hours": True}}, refused=("stages.prod.lease_hours", "True")),
    Case("a number is not text", stages={"prod": {"hosting": 7}}, refused=("stages.prod.hosting", "7")),
    Case("yes is not true", stages={"prod": {"retain_data": "yes"}}, refused=("'yes'", "true or false")),
    Case("a fault in a stage that is not deployed now is refused", stage="dev",
         stages={"prod": {"lease_hours": "eight"}}, refused=("stages.prod.lease_hours", "'eight'")),
    Case("an invalid name of a stage is refused", stages={"Prod": {"lease_hours": 0}},
         refused=("'Prod'", "lower-case")),
    Case("a list of stages is refused", stages=["prod"], refused=("stages", "['prod']")),
    Case("a stage that is not an object is refused", stages={"prod": 5}, refused=("stages.prod", "5")),
    Case("an unknown override is refused", given={"colour": "red"}, refused=("'colour'", "kms")),
    Case("an override of the wrong type is refused", given={"lease_hours": "eight"},
         refused=("'eight'", "a whole number")),
]  # fmt: skip
