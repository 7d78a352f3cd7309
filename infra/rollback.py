"""A blue/green update that goes back by itself: the new fleet serves under alarms before the old one goes."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra.settings import Settings

SLOW_MICROSECONDS = 20_000_000
"""SageMaker gives ModelLatency in microseconds; API Gateway gives up after 29 seconds."""
LONGEST_UPDATE_SECONDS = 3600


def deployment_config(
    scope: Construct, endpoint_name: str, variant: str, settings: Settings
) -> sagemaker.CfnEndpoint.DeploymentConfigProperty:
    """Shift all traffic at once, wait, and go back when an alarm rings; one instance cannot shift by parts."""
    alarms = [
        alarm(scope, "ServerErrors", endpoint_name, variant, "Invocation5XXErrors", "Sum", 1),
        alarm(scope, "SlowModel", endpoint_name, variant, "ModelLatency", "p90", SLOW_MICROSECONDS),
    ]
    wait = settings.rollback_wait_minutes * 60
    update = sagemaker.CfnEndpoint
    return update.DeploymentConfigProperty(
        auto_rollback_configuration=update.AutoRollbackConfigProperty(
            alarms=[update.AlarmProperty(alarm_name=one.alarm_name) for one in alarms]
        ),
        blue_green_update_policy=update.BlueGreenUpdatePolicyProperty(
            traffic_routing_configuration=update.TrafficRoutingConfigProperty(
                type="ALL_AT_ONCE", wait_interval_in_seconds=wait
            ),
            termination_wait_in_seconds=0,
            maximum_execution_timeout_in_seconds=LONGEST_UPDATE_SECONDS + wait,
        ),
    )


def alarm(
    scope: Construct, name: str, endpoint_name: str, variant: str, metric: str, statistic: str, threshold: float
) -> cloudwatch.Alarm:
    """Return an alarm on one of the endpoint's own metrics; no requests are no reason to go back."""
    return cloudwatch.Metric(
        namespace="AWS/SageMaker",
        metric_name=metric,
        dimensions_map={"EndpointName": endpoint_name, "VariantName": variant},
        statistic=statistic,
        period=Duration.minutes(1),
    ).create_alarm(
        scope,
        name,
        threshold=threshold,
        evaluation_periods=2,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )
