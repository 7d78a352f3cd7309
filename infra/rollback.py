"""Blue/green updates: alarms watch the new fleet before the old one is removed, and roll it back."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra.settings import Settings

SLOW_MICROSECONDS = 20_000_000
"""Threshold of ModelLatency. API Gateway stops waiting after 29 seconds."""
LONGEST_UPDATE_SECONDS = 3600


def deployment_config(
    scope: Construct, endpoint_name: str, variant: str, settings: Settings
) -> sagemaker.CfnEndpoint.DeploymentConfigProperty:
    """Return a configuration that shifts all traffic at once, because one instance cannot shift by parts."""
    alarms = [
        add_alarm(scope, "ServerErrors", endpoint_name, variant, "Invocation5XXErrors", "Sum", 1),
        add_alarm(scope, "SlowModel", endpoint_name, variant, "ModelLatency", "p90", SLOW_MICROSECONDS),
    ]
    wait = settings.rollback_wait_minutes * 60
    update = sagemaker.CfnEndpoint
    return update.DeploymentConfigProperty(
        auto_rollback_configuration=update.AutoRollbackConfigProperty(
            alarms=[update.AlarmProperty(alarm_name=alarm.alarm_name) for alarm in alarms]
        ),
        blue_green_update_policy=update.BlueGreenUpdatePolicyProperty(
            traffic_routing_configuration=update.TrafficRoutingConfigProperty(
                type="ALL_AT_ONCE", wait_interval_in_seconds=wait
            ),
            # The interval is documented for incremental steps, and ALL_AT_ONCE has one step. AWS's example of it sets
            # this field only.
            termination_wait_in_seconds=wait,
            maximum_execution_timeout_in_seconds=LONGEST_UPDATE_SECONDS + 2 * wait,
        ),
    )


def add_alarm(
    scope: Construct, name: str, endpoint_name: str, variant: str, metric: str, statistic: str, threshold: float
) -> cloudwatch.Alarm:
    """Add an alarm on a metric of the endpoint; missing data does not trigger it."""
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
