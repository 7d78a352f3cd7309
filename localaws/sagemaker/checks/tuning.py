"""What SageMaker and localaws refuse in a tuning job's request beyond the API model."""

import math
from typing import Any

from localaws.errors import invalid
from localaws.sagemaker.store import Document


def check_tuning(request: Document) -> None:
    """Check that a tuning job's request can run here.

    Raises:
        ServiceError: ValidationException.
    """
    config = request["HyperParameterTuningJobConfig"]
    for name in ("TrainingJobDefinitions", "WarmStartConfig", "Autotune"):
        if name in request:
            raise invalid(f"{name} is not available in localaws; send one TrainingJobDefinition.")
    if "TrainingJobDefinition" not in request:
        raise invalid("The request must have a TrainingJobDefinition.")
    resource_config(request["TrainingJobDefinition"])
    if "HyperParameterTuningJobObjective" not in config or "ParameterRanges" not in config:
        raise invalid("HyperParameterTuningJobConfig must have an objective and ParameterRanges.")
    if config.get("TrainingJobEarlyStoppingType", "Off") != "Off":
        raise invalid("TrainingJobEarlyStoppingType must be Off in localaws.")
    if "MaxNumberOfTrainingJobs" not in config["ResourceLimits"]:
        raise invalid("ResourceLimits must have MaxNumberOfTrainingJobs.")
    check_ranges(config["ParameterRanges"])
    static = request["TrainingJobDefinition"].get("StaticHyperParameters", {})
    for kind in ("Integer", "Continuous", "Categorical"):
        for parameter in config["ParameterRanges"].get(f"{kind}ParameterRanges", []):
            if parameter["Name"] in static:
                raise invalid(f"{parameter['Name']} is both a static hyperparameter and a range.")


def resource_config(definition: Document) -> dict[str, Any]:
    """Return the ResourceConfig of a TrainingJobDefinition's training jobs.

    A HyperParameterTuningResourceConfig gives the first of its InstanceConfigs or, without that list, its own instance.

    Raises:
        ServiceError: ValidationException; the definition must have exactly one of the two structures.
    """
    members = [name for name in ("ResourceConfig", "HyperParameterTuningResourceConfig") if name in definition]
    if len(members) != 1:
        raise invalid(
            "TrainingJobDefinition must have either ResourceConfig or HyperParameterTuningResourceConfig; received "
            f"{' and '.join(members) or 'neither'}."
        )
    resources = dict(definition[members[0]])
    resources.pop("AllocationStrategy", None)
    configs = resources.pop("InstanceConfigs", [])
    if configs and (single := [name for name in configs[0] if name in resources]):
        raise invalid(f"Do not specify {', '.join(single)} together with InstanceConfigs.")
    return resources | (configs[0] if configs else {})


def check_ranges(ranges: dict[str, Any]) -> None:
    """Check that every range can be sampled.

    Raises:
        ServiceError: ValidationException.
    """
    names: list[str] = []
    for kind, parse in (("Integer", int), ("Continuous", float)):
        for parameter in ranges.get(f"{kind}ParameterRanges", []):
            names.append(parameter["Name"])
            try:
                low, high = parse(parameter["MinValue"]), parse(parameter["MaxValue"])
            except ValueError:
                raise invalid(f"The ends of range {parameter['Name']} must be numbers of its type.") from None
            scaling = parameter.get("ScalingType", "Auto")
            positive = low > 0 if scaling == "Logarithmic" else True
            below_one = low >= 0 and high < 1 if scaling == "ReverseLogarithmic" else True
            if not (math.isfinite(low) and math.isfinite(high) and low < high and positive and below_one):
                raise invalid(
                    f"Range {parameter['Name']} from {low} to {high} cannot be searched with scaling {scaling}."
                )
    names += [parameter["Name"] for parameter in ranges.get("CategoricalParameterRanges", [])]
    if not names or len(set(names)) < len(names):
        raise invalid("ParameterRanges must hold at least one range, and each hyperparameter once.")
