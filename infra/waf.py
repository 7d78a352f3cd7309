"""AWS WAF in front of the API."""

from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_wafv2 as waf
from constructs import Construct

REQUESTS_IN_FIVE_MINUTES = 1000
"""Limit per address; a person sends a few images per minute."""


def protect(scope: Construct, stage: apigateway.Stage, name: str) -> None:
    """Put a web ACL in front of a stage: Amazon's common rules, and a rate limit per address.

    The rule that blocks bodies above 8 KB only counts, because every image is larger.
    """
    metrics = waf.CfnWebACL.VisibilityConfigProperty
    common = waf.CfnWebACL.ManagedRuleGroupStatementProperty(
        vendor_name="AWS",
        name="AWSManagedRulesCommonRuleSet",
        rule_action_overrides=[
            waf.CfnWebACL.RuleActionOverrideProperty(
                name="SizeRestrictions_BODY", action_to_use=waf.CfnWebACL.RuleActionProperty(count={})
            )
        ],
    )
    rate = waf.CfnWebACL.RateBasedStatementProperty(limit=REQUESTS_IN_FIVE_MINUTES, aggregate_key_type="IP")
    rules = [
        waf.CfnWebACL.RuleProperty(
            name="Rate",
            priority=0,
            action=waf.CfnWebACL.RuleActionProperty(block={}),
            statement=waf.CfnWebACL.StatementProperty(rate_based_statement=rate),
            visibility_config=metrics(
                cloud_watch_metrics_enabled=True, metric_name=f"{name}-rate", sampled_requests_enabled=False
            ),
        ),
        waf.CfnWebACL.RuleProperty(
            name="Common",
            priority=1,
            override_action=waf.CfnWebACL.OverrideActionProperty(none={}),
            statement=waf.CfnWebACL.StatementProperty(managed_rule_group_statement=common),
            visibility_config=metrics(
                cloud_watch_metrics_enabled=True, metric_name=f"{name}-common", sampled_requests_enabled=False
            ),
        ),
    ]
    acl = waf.CfnWebACL(
        scope,
        "WebAcl",
        scope="REGIONAL",
        default_action=waf.CfnWebACL.DefaultActionProperty(allow={}),
        rules=rules,
        visibility_config=metrics(cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=False),
    )
    waf.CfnWebACLAssociation(scope, "WebAclOnStage", resource_arn=stage.stage_arn, web_acl_arn=acl.attr_arn)
