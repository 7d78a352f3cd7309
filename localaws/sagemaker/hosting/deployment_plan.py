"""The plan of a deployment: an endpoint's config and models at the time of its creation or update."""

import uuid

from localaws.sagemaker.store import Document


def make_plan(endpoint_name: str, config: Document, models: dict[str, Document]) -> Document:
    """Return the plan of an endpoint. Deleting the config or its models later does not change it."""
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
    """Return a variant's ProductionVariantSummary. InstanceCount is the config's, although one process serves."""
    image = variant["Model"]["PrimaryContainer"]["Image"]
    members: Document = {
        "VariantName": variant["VariantName"],
        "DeployedImages": [{"SpecifiedImage": image, "ResolvedImage": image, "ResolutionTime": now}],
        "CurrentWeight": variant["Weight"],
        "DesiredWeight": variant["Weight"],
    }
    if variant["Serverless"]:
        return members | {
            "CurrentServerlessConfig": variant["Serverless"],
            "DesiredServerlessConfig": variant["Serverless"],
            "CurrentInstanceCount": 0,
        }
    return members | {"CurrentInstanceCount": variant["Count"], "DesiredInstanceCount": variant["Count"]}
