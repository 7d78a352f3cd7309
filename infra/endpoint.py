"""The SageMaker model, endpoint configuration and endpoint, from the artifact in context."""

import aws_cdk as cdk
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra import image_uris
from infra.model import TrainedModel
from infra.settings import Settings
from infra.storage import execution_role_export

VARIANT = "AllTraffic"


class EndpointStack(cdk.Stack):
    """Hosts one trained model; CloudFormation names model and configuration, so that it can replace them.

    Attributes:
        endpoint_name: the endpoint's fixed name.
    """

    def __init__(self, scope: Construct, settings: Settings, model: TrainedModel) -> None:
        super().__init__(scope, settings.stack_name("Endpoint"), env=cdk.Environment(region=settings.region))
        self.endpoint_name = settings.endpoint_name
        served = sagemaker.CfnModel(
            self,
            "Model",
            execution_role_arn=cdk.Fn.import_value(execution_role_export(settings)),
            # Serverless endpoints do not offer network isolation; the container needs no network in either mode.
            enable_network_isolation=settings.hosting == "realtime" or None,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                image=image_uris.image_uri(settings.region), model_data_url=model.artifact
            ),
        )
        config = sagemaker.CfnEndpointConfig(self, "Config", production_variants=[variant(served, settings)])
        endpoint = sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=self.endpoint_name,
            endpoint_config_name=config.attr_endpoint_config_name,
        )
        cdk.CfnOutput(self, "EndpointName", value=endpoint.attr_endpoint_name)
        cdk.CfnOutput(self, "EndpointConfigName", value=config.attr_endpoint_config_name)


def variant(model: sagemaker.CfnModel, settings: Settings) -> sagemaker.CfnEndpointConfig.ProductionVariantProperty:
    """Return the one production variant, for either hosting mode."""
    if settings.hosting == "serverless":
        return sagemaker.CfnEndpointConfig.ProductionVariantProperty(
            model_name=model.attr_model_name,
            variant_name=VARIANT,
            initial_variant_weight=1,
            serverless_config=sagemaker.CfnEndpointConfig.ServerlessConfigProperty(
                memory_size_in_mb=settings.serverless_memory_mb, max_concurrency=settings.serverless_concurrency
            ),
        )
    return sagemaker.CfnEndpointConfig.ProductionVariantProperty(
        model_name=model.attr_model_name,
        variant_name=VARIANT,
        initial_variant_weight=1,
        instance_type=settings.instance_type,
        initial_instance_count=settings.instance_count,
    )
