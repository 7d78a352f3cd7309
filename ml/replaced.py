"""The models and endpoint configurations that updates of a stage's endpoint replaced.

CloudFormation keeps them, because an endpoint whose update is rolled back still uses them.
"""

from collections.abc import Iterator

from ml.aws import clients


def delete(stage: str, config: str) -> Iterator[str]:
    """Delete the replaced configurations and models; yield each name after its deletion.

    Args:
        config: the configuration in use, which stays with its models.
    """
    sagemaker, arns = clients.client("sagemaker"), replaced_arns(stage)
    variants = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    used = {config, *(variant["ModelName"] for variant in variants)}
    for page in list(sagemaker.get_paginator("list_endpoint_configs").paginate()):
        for listed in page["EndpointConfigs"]:
            name = listed["EndpointConfigName"]
            if listed["EndpointConfigArn"] in arns and name not in used:
                sagemaker.delete_endpoint_config(EndpointConfigName=name)
                yield f"Endpoint configuration {name}"
    for page in list(sagemaker.get_paginator("list_models").paginate()):
        for listed in page["Models"]:
            name = listed["ModelName"]
            if listed["ModelArn"] in arns and name not in used:
                sagemaker.delete_model(ModelName=name)
                yield f"Model {name}"


def replaced_arns(stage: str) -> set[str]:
    """Return the ARNs of what updates of the endpoint stack replaced. CloudFormation keeps its events for 90 days."""
    pages = clients.client("cloudformation").get_paginator("describe_stack_events")
    return {
        event["PhysicalResourceId"]
        for page in pages.paginate(StackName=f"Pneumonia-{stage}-Endpoint")
        for event in page["StackEvents"]
        if event["ResourceStatus"] == "DELETE_SKIPPED"
    }
