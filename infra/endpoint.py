"""The SageMaker model, endpoint configuration and endpoint, from the artifact in context."""

import re

import aws_cdk as cdk
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra import rollback
from infra.deployed_model import DeployedModel
from infra.exports import bucket_export, execution_role_export, key_export, settings_output
from infra.lease_schedule import Lease, add_schedule, schedule_name
from infra.settings import Settings

VARIANT = "AllTraffic"
CAPTURE = "capture"
"""Prefix of the data bucket for captured requests and responses."""
EBS_ONLY = re.compile(r"ml\.(p[23]|[cmrt]\d+[a-ce-z]*)\.[a-z0-9]+")
"""Instance types without local disks. The hardware encrypts local disks, and a key does not apply to them
(CreateEndpointConfig, KmsKeyId)."""


class EndpointStack(cdk.Stack):
    """Hosts one model. CloudFormation names the model and its configuration, so it can replace them.

    With hosting=function, it has no resources. `cdk deploy` deletes a stack without resources, or skips it.
    """

    def __init__(self, scope: Construct, settings: Settings, model: DeployedModel, lease: Lease) -> None:
        super().__init__(scope, settings.stack_name("Endpoint"), env=cdk.Environment(region=settings.region))
        self.settings = settings
        if settings.in_function:
            reason = "`cdk deploy` deletes the endpoint of an earlier deployment with this stack."
            cdk.Validations.of(self).acknowledge(cdk.Acknowledgment(id="CloudFormation-Validate::F0001", reason=reason))
        else:
            self._host(model, lease)

    def _host(self, model: DeployedModel, lease: Lease) -> None:
        settings = self.settings
        name = lease.endpoint_name(settings.stage)
        config = sagemaker.CfnEndpointConfig(
            self,
            "Config",
            production_variants=[variant(self._model(model), settings)],
            data_capture_config=self._capture() if settings.data_capture_percent else None,
            kms_key_id=cdk.Fn.import_value(key_export(settings)) if has_keyed_volume(settings) else None,
        )
        keep_replaced(config)
        rolls_back = settings.realtime and settings.rollback_wait_minutes > 0
        endpoint = sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=name,
            endpoint_config_name=config.attr_endpoint_config_name,
            deployment_config=rollback.deployment_config(self, name, VARIANT, settings) if rolls_back else None,
            # Without it, an update resets the number of instances to that of the configuration.
            retain_all_variant_properties=True if settings.scales else None,
        )
        if settings.scales:
            add_scaling(self, name, settings).add_resource_dependency(endpoint)
        if lease.ends:
            add_schedule(self, lease, settings).add_resource_dependency(endpoint)
            cdk.CfnOutput(self, "LeaseSchedule", value=schedule_name(settings.stage))
        cdk.CfnOutput(self, "EndpointName", value=endpoint.attr_endpoint_name)
        cdk.CfnOutput(self, "EndpointConfigName", value=config.attr_endpoint_config_name)
        settings_output(self, "Endpoint", settings)

    def _model(self, model: DeployedModel) -> sagemaker.CfnModel:
        network = None
        if self.settings.vpc_subnets:
            network = sagemaker.CfnModel.VpcConfigProperty(
                subnets=list(self.settings.vpc_subnets), security_group_ids=list(self.settings.vpc_security_groups)
            )
        resource = sagemaker.CfnModel(
            self,
            "Model",
            execution_role_arn=cdk.Fn.import_value(execution_role_export(self.settings)),
            # Serverless endpoints do not support network isolation. The container needs no network in either mode.
            enable_network_isolation=self.settings.realtime or None,
            vpc_config=network,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                image=model.image, model_data_url=model.artifact, environment=model.environment or None
            ),
        )
        keep_replaced(resource)
        return resource

    def _capture(self) -> sagemaker.CfnEndpointConfig.DataCaptureConfigProperty:
        bucket = cdk.Fn.import_value(bucket_export(self.settings))
        option = sagemaker.CfnEndpointConfig.CaptureOptionProperty
        return sagemaker.CfnEndpointConfig.DataCaptureConfigProperty(
            enable_capture=True,
            initial_sampling_percentage=self.settings.data_capture_percent,
            destination_s3_uri=cdk.Fn.join("", ["s3://", bucket, f"/{CAPTURE}/"]),
            capture_options=[option(capture_mode="Input"), option(capture_mode="Output")],
            kms_key_id=cdk.Fn.import_value(key_export(self.settings)) if self.settings.kms == "create" else None,
        )


def keep_replaced(resource: cdk.CfnResource) -> None:
    """Keep the resource when an update replaces it, because after a rollback the endpoint still uses it.

    `ml.verify` deletes it once the endpoint uses the new one.
    """
    resource.cfn_options.update_replace_policy = cdk.CfnDeletionPolicy.RETAIN
    resource.cfn_options.deletion_policy = cdk.CfnDeletionPolicy.DELETE


def has_keyed_volume(settings: Settings) -> bool:
    """Return whether the endpoint has a volume that the stage's key encrypts. A serverless endpoint has no volume."""
    return settings.kms == "create" and settings.realtime and EBS_ONLY.fullmatch(settings.instance_type) is not None


def variant(model: sagemaker.CfnModel, settings: Settings) -> sagemaker.CfnEndpointConfig.ProductionVariantProperty:
    """Return the production variant."""
    if not settings.realtime:
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


def add_scaling(scope: Construct, endpoint_name: str, settings: Settings) -> autoscaling.CfnScalableTarget:
    """Scale the number of instances with the requests per instance (target tracking)."""
    target = autoscaling.CfnScalableTarget(
        scope,
        "Instances",
        service_namespace="sagemaker",
        scalable_dimension="sagemaker:variant:DesiredInstanceCount",
        resource_id=f"endpoint/{endpoint_name}/variant/{VARIANT}",
        min_capacity=settings.instance_count,
        max_capacity=settings.autoscaling_max_instances,
    )
    autoscaling.CfnScalingPolicy(
        scope,
        "FollowRequests",
        policy_name="requests-per-instance",
        policy_type="TargetTrackingScaling",
        scaling_target_id=target.ref,
        target_tracking_scaling_policy_configuration=autoscaling.CfnScalingPolicy.TargetTrackingScalingPolicyConfigurationProperty(
            target_value=settings.autoscaling_target,
            scale_in_cooldown=600,
            scale_out_cooldown=120,
            predefined_metric_specification=autoscaling.CfnScalingPolicy.PredefinedMetricSpecificationProperty(
                predefined_metric_type="SageMakerVariantInvocationsPerInstance"
            ),
        ),
    )
    return target
