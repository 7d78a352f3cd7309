"""The REST API: an API key, a usage plan, and the Lambda proxy in front of the endpoint."""

import json
from pathlib import Path
from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra import gateway_responses
from infra.model import TrainedModel
from infra.nag import acknowledge
from infra.settings import Settings

IMAGE_TYPES = ["application/x-image", "image/jpeg", "image/png"]
"""Bodies of these types reach the proxy as bytes; any other type would be mangled as text."""
TIMEOUT = cdk.Duration.seconds(29)
"""API Gateway's default limit for an integration; a longer one needs a raised quota."""


class ApiStack(cdk.Stack):
    """POST /predict and GET /health on a regional REST API."""

    def __init__(self, scope: Construct, settings: Settings, model: TrainedModel, asset: Path) -> None:
        super().__init__(scope, settings.stack_name("Api"), env=cdk.Environment(region=settings.region))
        self.settings = settings
        function = self._function(model, asset)
        api = self._api()
        proxy = apigateway.LambdaIntegration(function, timeout=TIMEOUT)
        api.root.add_resource("predict").add_method("POST", proxy, api_key_required=True)
        api.root.add_resource("health").add_method("GET", proxy, api_key_required=True)
        gateway_responses.add_problems(api)
        key = self._key(api)
        cdk.CfnOutput(self, "ApiUrl", value=api.url)
        cdk.CfnOutput(self, "RestApiId", value=api.rest_api_id)
        cdk.CfnOutput(self, "ApiKeyId", value=key.key_id)

    def _function(self, model: TrainedModel, asset: Path) -> lambda_.Function:
        """Return the proxy; its role may write its own logs and ask the one endpoint, nothing else."""
        log_group = self._log_group("ProxyLogs")
        role = iam.Role(self, "ProxyRole", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group.grant_write(role)
        endpoint = self.settings.endpoint_name
        role.add_to_policy(
            iam.PolicyStatement(
                sid="AskTheEndpoint",
                actions=["sagemaker:InvokeEndpoint"],
                resources=[self.format_arn(service="sagemaker", resource="endpoint", resource_name=endpoint)],
            )
        )
        return lambda_.Function(
            self,
            "Proxy",
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            handler="handler.handler",
            code=lambda_.Code.from_asset(str(asset)),
            role=role.without_policy_updates(),
            log_group=log_group,
            memory_size=self.settings.function_memory_mb,
            timeout=TIMEOUT,
            environment={
                "ENDPOINT_NAME": endpoint,
                "CLASSES": json.dumps(list(model.classes)),
                "FILM_POLICY": model.policy,
                "THRESHOLD": repr(model.threshold),
                "THRESHOLD_SOURCE": model.threshold_source,
                "CALIBRATION": json.dumps(dict(zip(("slope", "intercept"), model.calibration, strict=True))),
                "MODEL_VERSION": model.training_job,
            },
        )

    def _api(self) -> apigateway.RestApi:
        access_log = self._log_group("AccessLogs")
        api = apigateway.RestApi(
            self,
            "Api",
            rest_api_name=f"pneumonia-{self.settings.stage}",
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            binary_media_types=IMAGE_TYPES,
            cloud_watch_role=False,
            deploy_options=apigateway.StageOptions(
                stage_name=self.settings.stage,
                throttling_rate_limit=self.settings.rate_limit,
                throttling_burst_limit=self.settings.burst_limit,
                access_log_destination=apigateway.LogGroupLogDestination(access_log),
                access_log_format=access_log_format(),
                metrics_enabled=True,
            ),
        )
        acknowledge(
            api, "AwsSolutions-APIG2", "The proxy checks the body itself: a JSON schema cannot look into a film."
        )
        acknowledge(
            api, "AwsSolutions-APIG3", "A web ACL costs a fixed sum each month; add one where the API is public."
        )
        acknowledge(api, "AwsSolutions-APIG4", "Every method wants an API key; there are no users to tell apart.")
        acknowledge(api, "AwsSolutions-COG4", "Every method wants an API key; there are no users to tell apart.")
        acknowledge(
            api,
            "AwsSolutions-APIG6",
            "Execution logs would hold request bodies, which are films of patients; access logs are on.",
        )
        return api

    def _key(self, api: apigateway.RestApi) -> apigateway.IApiKey:
        key = api.add_api_key("Key", description=f"Key of the pneumonia API, stage {self.settings.stage}")
        plan = api.add_usage_plan(
            "Plan",
            throttle=apigateway.ThrottleSettings(
                rate_limit=self.settings.rate_limit, burst_limit=self.settings.burst_limit
            ),
            quota=apigateway.QuotaSettings(limit=self.settings.daily_quota, period=apigateway.Period.DAY),
        )
        plan.add_api_stage(stage=api.deployment_stage)
        plan.add_api_key(key)
        return key

    def _log_group(self, name: str) -> logs.LogGroup:
        group = logs.LogGroup(self, name, removal_policy=cdk.RemovalPolicy.DESTROY)
        # The construct takes names such as ONE_MONTH; the resource takes the days that the settings hold.
        cast(logs.CfnLogGroup, group.node.default_child).retention_in_days = self.settings.log_retention_days
        return group


def access_log_format() -> apigateway.AccessLogFormat:
    """Return one JSON line a request: no query string, no body, no key."""
    fields = {
        "request_id": "$context.requestId",
        "time": "$context.requestTime",
        "method": "$context.httpMethod",
        "path": "$context.resourcePath",
        "status": "$context.status",
        "response_bytes": "$context.responseLength",
        "latency_ms": "$context.responseLatency",
        "error": "$context.error.responseType",
    }
    return apigateway.AccessLogFormat.custom(json.dumps(fields))
