"""AWS WAF in front of the API."""

import json

from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_wafv2 as waf
from constructs import Construct

from infra.gateway_responses import CORS, problem
from infra.settings import Settings

WINDOW_SECONDS = 300
"""AWS WAF's default window of a rate-based rule."""
BODY_RULES = (
    "CrossSiteScripting_BODY",
    "EC2MetaDataSSRF_BODY",
    "GenericLFI_BODY",
    "GenericRFI_BODY",
    "SizeRestrictions_BODY",
)
"""The rules of the core rule set that inspect the body (AWS WAF developer guide, baseline rule groups)."""


def protect(scope: Construct, stage: apigateway.Stage, settings: Settings) -> None:
    """Put a web ACL in front of a stage: Amazon's common rules, and the setting's rate limit for each address.

    Rules that inspect the body only count: an image has more than 8 KB, and its bytes and metadata can look like markup
    or paths (AWS re:Post, "waf-upload-blocked-files"). The proxy reads a body as an image or as two JSON members.
    """
    name = f"pneumonia-{settings.stage}"
    acl = waf.CfnWebACL(
        scope,
        "WebAcl",
        scope="REGIONAL",
        default_action=waf.CfnWebACL.DefaultActionProperty(allow={}),
        custom_response_bodies={
            "throttled": waf.CfnWebACL.CustomResponseBodyProperty(
                content_type="APPLICATION_JSON", content=json.dumps(throttled(settings.rate_limit))
            )
        },
        rules=[rate_rule(name, settings), common_rule(name)],
        visibility_config=visibility(name),
    )
    waf.CfnWebACLAssociation(scope, "WebAclOnStage", resource_arn=stage.stage_arn, web_acl_arn=acl.attr_arn)


def throttled(rate_limit: int) -> dict[str, str | int]:
    """Return the problem of an address above the rate limit. AWS WAF cannot add a request id."""
    detail = (
        f"This address sent more than {rate_limit * WINDOW_SECONDS:,} requests within {WINDOW_SECONDS // 60} minutes; "
        "wait a minute and send fewer at a time."
    )
    return problem(429, "address_throttled", detail)


def rate_rule(name: str, settings: Settings) -> waf.CfnWebACL.RuleProperty:
    """Return the rule that answers 429 above the rate limit."""
    headers = {"Retry-After": "60", "Cache-Control": "no-store"} | (CORS if settings.cors_origins else {})
    response = waf.CfnWebACL.CustomResponseProperty(
        response_code=429,
        custom_response_body_key="throttled",
        response_headers=[
            waf.CfnWebACL.CustomHTTPHeaderProperty(name=header, value=value) for header, value in headers.items()
        ],
    )
    rate = waf.CfnWebACL.RateBasedStatementProperty(limit=settings.rate_limit * WINDOW_SECONDS, aggregate_key_type="IP")
    return waf.CfnWebACL.RuleProperty(
        name="Rate",
        priority=0,
        action=waf.CfnWebACL.RuleActionProperty(block=waf.CfnWebACL.BlockActionProperty(custom_response=response)),
        statement=waf.CfnWebACL.StatementProperty(rate_based_statement=rate),
        visibility_config=visibility(f"{name}-rate"),
    )


def common_rule(name: str) -> waf.CfnWebACL.RuleProperty:
    """Return the core rule set, in which BODY_RULES only count."""
    count = waf.CfnWebACL.RuleActionProperty(count={})
    common = waf.CfnWebACL.ManagedRuleGroupStatementProperty(
        vendor_name="AWS",
        name="AWSManagedRulesCommonRuleSet",
        rule_action_overrides=[
            waf.CfnWebACL.RuleActionOverrideProperty(name=rule, action_to_use=count) for rule in BODY_RULES
        ],
    )
    return waf.CfnWebACL.RuleProperty(
        name="Common",
        priority=1,
        override_action=waf.CfnWebACL.OverrideActionProperty(none={}),
        statement=waf.CfnWebACL.StatementProperty(managed_rule_group_statement=common),
        visibility_config=visibility(f"{name}-common"),
    )


def visibility(metric: str) -> waf.CfnWebACL.VisibilityConfigProperty:
    """Return a metric without sampled requests, which would hold headers with API keys."""
    return waf.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=metric, sampled_requests_enabled=False
    )
