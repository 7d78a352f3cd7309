"""What an endpoint runs: its config and models as they were when it was created or updated."""

import uuid

from localaws.sagemaker.store import Document


def make_plan(endpoint_name: str, config: Document, models: dict[str, Document]) -> Document:
    """Return what an endpoint runs: the config and its models as they are now; deleting them later changes nothing."""
    variants = [
        {
            "EndpointName": endpoint_name,
            "VariantName": variant["VariantName"],
            "Weight": variant.get("InitialVariantWeight", 1.0),
            "Ping": variant.get("ContainerStartupHealthCheckTimeoutInSeconds"),
            "Count": variant.get("InitialInstanceCount", 1),
            "Serverless": variant.get("ServerlessConfig"),
            "Model": models[variant["ModelName"].lower()],
        }
        for variant in config["ProductionVariants"]
    ]
    return {"Id": uuid.uuid4().hex, "EndpointConfigName": config["EndpointConfigName"], "Variants": variants}


def summary(variant: Document, now: float) -> Document:
    """Return a variant's ProductionVariantSummary. InstanceCount is the config's; one process serves here."""
    image = variant["Model"]["PrimaryContainer"]["Image"]
    found: Document = {
        "VariantName": variant["VariantName"],
        "DeployedImages": [{"SpecifiedImage": image, "ResolvedImage": image, "ResolutionTime": now}],
        "CurrentWeight": variant["Weight"],
        "DesiredWeight": variant["Weight"],
    }
    if variant["Serverless"]:
        return found | {
            "CurrentServerlessConfig": variant["Serverless"],
            "DesiredServerlessConfig": variant["Serverless"],
            "CurrentInstanceCount": 0,
        }
    return found | {"CurrentInstanceCount": variant["Count"], "DesiredInstanceCount": variant["Count"]}
