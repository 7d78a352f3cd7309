"""The REST API in front of the Lambda proxy: access, throttling and logging."""

import json
from pathlib import Path
from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra import gateway_responses, waf
from infra.deployed_model import DeployedModel
from infra.lease_schedule import Lease
from infra.nag import acknowledge
from infra.proxy import TIMEOUT, proxy
from infra.settings import Settings

ROUTES = {
    "predict": "POST",
    "explain": "POST",
    "uploads": "POST",
    "model": "GET",
    "health": "GET",
    "openapi.json": "GET",
}
IMAGE_TYPES = ["application/x-image", "image/jpeg", "image/png"]
"""Requests and responses of these types are bytes; all others are text."""
HEADERS = ["Accept", "Authorization", "Content-Type", "X-Amz-Date", "X-Amz-Security-Token", "X-Api-Key"]

LOGGING_POLICY = "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]"


class ApiStack(cdk.Stack):
    """A regional REST API with one method per route, and the proxy behind it."""

    def __init__(self, scope: Construct, settings: Settings, model: DeployedModel, lease: Lease, asset: Path) -> None:
        super().__init__(scope, settings.stack_name("Api"), env=cdk.Environment(region=settings.region))
        self.settings = settings
        function = proxy(self, settings, model, lease, asset, self._log_group("ProxyLogs"))
        api = self._api()
        self._add_routes(api, apigateway.LambdaIntegration(function, timeout=TIMEOUT))
        gateway_responses.add_problems(api, readable_by_pages=bool(settings.cors_origins))
        if settings.waf:
            waf.protect(self, api.deployment_stage, settings)
        cdk.CfnOutput(self, "ApiUrl", value=api.url)
        cdk.CfnOutput(self, "RestApiId", value=api.rest_api_id)
        if settings.in_function and model.graph is not None:
            cdk.CfnOutput(self, "GraphSha256", value=model.graph.sha256)
        if settings.auth == "api_key":
            cdk.CfnOutput(self, "ApiKeyId", value=self._key(api).key_id)

    def _add_routes(self, api: apigateway.RestApi, integration: apigateway.LambdaIntegration) -> None:
        by_key = self.settings.auth == "api_key"
        for path, method in ROUTES.items():
            resource = api.root.add_resource(path)
            resource.add_method(
                method,
                integration,
                api_key_required=by_key,
                authorization_type=apigateway.AuthorizationType.NONE if by_key else apigateway.AuthorizationType.IAM,
            )
            if self.settings.cors_origins:
                resource.add_cors_preflight(
                    allow_origins=list(self.settings.cors_origins), allow_methods=[method], allow_headers=HEADERS
                )

    def _api(self) -> apigateway.RestApi:
        access_log = self._log_group("AccessLogs")
        api = apigateway.RestApi(
            self,
            "Api",
            rest_api_name=f"pneumonia-{self.settings.stage}",
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            binary_media_types=IMAGE_TYPES,
            # The region has one role for all APIs. Without it, AWS refuses a stage with access logs.
            cloud_watch_role=self.settings.manage_api_gateway_log_role,
            cloud_watch_role_removal_policy=cdk.RemovalPolicy.RETAIN
            if self.settings.manage_api_gateway_log_role
            else None,
            deploy_options=apigateway.StageOptions(
                stage_name=self.settings.stage,
                throttling_rate_limit=self.settings.rate_limit,
                throttling_burst_limit=self.settings.burst_limit,
                access_log_destination=apigateway.LogGroupLogDestination(access_log),
                access_log_format=access_log_format(),
                metrics_enabled=True,
            ),
        )
        self._acknowledge(api)
        return api

    def _acknowledge(self, api: apigateway.RestApi) -> None:
        keys = "Every method requires an API key. The setting auth=iam requires signed requests instead."
        reasons = {
            "APIG2": "The proxy checks the body: a JSON schema cannot check an image.",
            "APIG6": "Execution logs would contain request bodies, which are images of patients. Access logs are on.",
            "APIG4": keys,
            "COG4": keys,
        }
        if self.settings.manage_api_gateway_log_role:
            reasons[LOGGING_POLICY] = "AWS's policy for the role with which API Gateway writes logs in this region."
        if not self.settings.waf:
            reasons["APIG3"] = "A web ACL has a fixed monthly cost. The setting waf adds one."
        for rule, reason in reasons.items():
            acknowledge(api, f"AwsSolutions-{rule}", reason)

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
        # The construct accepts names such as ONE_MONTH; the resource accepts the number of days.
        cast(logs.CfnLogGroup, group.node.default_child).retention_in_days = self.settings.log_retention_days
        return group


def access_log_format() -> apigateway.AccessLogFormat:
    """Return one JSON line per request, without query string, body and key."""
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
