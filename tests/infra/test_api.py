"""The REST API and the proxy's rights."""

import json
from typing import Any

from aws_cdk.assertions import Template

from .conftest import LEASE, MODEL, Synth, properties
from .test_wildcards import text


def test_every_method_wants_the_api_key(api: Template) -> None:
    methods = properties(api, "AWS::ApiGateway::Method")
    assert {method["HttpMethod"] for method in methods} == {"GET", "POST"}
    assert all(method["ApiKeyRequired"] for method in methods)


def test_the_gateway_has_each_route_of_the_proxy_and_no_other(api: Template) -> None:
    from inference_proxy.routes import ROUTES

    paths = {
        name: one["Properties"]["PathPart"] for name, one in api.find_resources("AWS::ApiGateway::Resource").items()
    }
    found = {
        ("/" + paths[method["ResourceId"]["Ref"]], method["HttpMethod"])
        for method in properties(api, "AWS::ApiGateway::Method")
    }
    assert found == {(path, method) for path, methods in ROUTES.items() for method in methods}


def test_with_iam_every_method_wants_a_signature_and_there_is_no_key(synth: Synth) -> None:
    signed = synth(auth="iam")["Api"]
    methods = properties(signed, "AWS::ApiGateway::Method")
    assert {(method["AuthorizationType"], method["ApiKeyRequired"]) for method in methods} == {("AWS_IAM", False)}
    signed.resource_count_is("AWS::ApiGateway::ApiKey", 0)
    signed.resource_count_is("AWS::ApiGateway::UsagePlan", 0)
    assert "ApiKeyId" not in signed.to_json()["Outputs"]


def test_only_listed_origins_may_call_from_a_page(synth: Synth, api: Template) -> None:
    assert not [one for one in properties(api, "AWS::ApiGateway::Method") if one["HttpMethod"] == "OPTIONS"]
    open_ = synth(cors_origins="https://app.example.org")["Api"]
    preflights = [one for one in properties(open_, "AWS::ApiGateway::Method") if one["HttpMethod"] == "OPTIONS"]
    assert len(preflights) == 6
    for one in preflights:
        (answer,) = one["Integration"]["IntegrationResponses"]
        headers = answer["ResponseParameters"]
        assert headers["method.response.header.Access-Control-Allow-Origin"] == "'https://app.example.org'"
    (function,) = properties(open_, "AWS::Lambda::Function")
    assert function["Environment"]["Variables"]["CORS_ORIGINS"] == "https://app.example.org"


def test_a_firewall_lets_images_through_and_counts_addresses(synth: Synth, api: Template) -> None:
    api.resource_count_is("AWS::WAFv2::WebACL", 0)
    guarded = synth(waf="true")["Api"]
    (acl,) = properties(guarded, "AWS::WAFv2::WebACL")
    rate, common = (rule["Statement"] for rule in acl["Rules"])
    assert rate["RateBasedStatement"]["AggregateKeyType"] == "IP"
    (override,) = common["ManagedRuleGroupStatement"]["RuleActionOverrides"]
    assert override == {"Name": "SizeRestrictions_BODY", "ActionToUse": {"Count": {}}}
    guarded.resource_count_is("AWS::WAFv2::WebACLAssociation", 1)


def test_image_bodies_reach_the_proxy_as_bytes(api: Template) -> None:
    (rest,) = properties(api, "AWS::ApiGateway::RestApi")
    assert set(rest["BinaryMediaTypes"]) == {"image/jpeg", "image/png", "application/x-image"}


def test_the_api_is_regional(api: Template) -> None:
    (rest,) = properties(api, "AWS::ApiGateway::RestApi")
    assert rest["EndpointConfiguration"] == {"Types": ["REGIONAL"]}


def test_the_key_opens_this_stage_at_the_rate_of_the_settings(synth: Synth) -> None:
    api = synth(rate_limit="3", burst_limit="7", daily_quota="50")["Api"]
    (plan,) = properties(api, "AWS::ApiGateway::UsagePlan")
    assert plan["Throttle"] == {"RateLimit": 3, "BurstLimit": 7}
    assert plan["Quota"] == {"Limit": 50, "Period": "DAY"}
    assert len(plan["ApiStages"]) == 1
    api.resource_count_is("AWS::ApiGateway::UsagePlanKey", 1)


def test_the_proxy_asks_one_endpoint_and_writes_its_log_and_nothing_else(api: Template) -> None:
    (policy,) = properties(api, "AWS::IAM::Policy")
    granted = {action: one["Resource"] for one in policy["PolicyDocument"]["Statement"] for action in listed(one)}
    assert set(granted) == {
        "sagemaker:InvokeEndpoint", "logs:CreateLogStream", "logs:PutLogEvents", "s3:GetObject", "s3:PutObject",
        "scheduler:GetSchedule",
    }  # fmt: skip
    reads = [
        json.dumps(one["Resource"]) for one in policy["PolicyDocument"]["Statement"] if "s3:GetObject" in listed(one)
    ]
    assert ["/uploads/*" in one or "metrics.json" in one for one in reads] == [True, True]
    assert json.dumps(granted["sagemaker:InvokeEndpoint"]).endswith(':endpoint/pneumonia-dev"]]}')
    assert granted["logs:PutLogEvents"] == {"Fn::GetAtt": ["ProxyLogs3C0DA2B0", "Arn"]}
    roles = [role for role in properties(api, "AWS::IAM::Role") if "lambda.amazonaws.com" in json.dumps(role)]
    assert [sorted(role) for role in roles] == [["AssumeRolePolicyDocument"]]


def test_api_gateway_may_write_access_logs_before_the_stage_asks_it_to(api: Template) -> None:
    (account,) = api.find_resources("AWS::ApiGateway::Account").items()
    (stage,) = api.find_resources("AWS::ApiGateway::Stage").values()
    (role,) = (one for one in properties(api, "AWS::IAM::Role") if "apigateway.amazonaws.com" in json.dumps(one))
    assert json.dumps(role["ManagedPolicyArns"]).count("AmazonAPIGatewayPushToCloudWatchLogs") == 1
    assert account[0] in stage["DependsOn"]
    # It serves every API of the account and region, so that it outlives this stack.
    assert account[1]["DeletionPolicy"] == "Retain"


def listed(statement: dict[str, Any]) -> list[str]:
    return statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]


def test_the_proxy_knows_the_models_threshold_exactly(api: Template) -> None:
    (function,) = properties(api, "AWS::Lambda::Function")
    variables = function["Environment"]["Variables"]
    assert float(variables["THRESHOLD"]) == MODEL["threshold"]
    assert variables["THRESHOLD_SOURCE"] == MODEL["threshold_source"]
    assert variables["MODEL_VERSION"] == MODEL["training_job"]
    assert json.loads(variables["CLASSES"]) == MODEL["classes"]
    assert variables["EVALUATION_URI"] + "report.html" == MODEL["report"]
    assert variables["LEASE_ENDS"] == LEASE["ends"]


def test_the_proxy_takes_its_whole_environment(api: Template) -> None:
    from inference_proxy.settings import parse

    (function,) = properties(api, "AWS::Lambda::Function")
    variables = function["Environment"]["Variables"] | {"UPLOAD_BUCKET": "images", "AWS_REGION": "us-east-1"}
    found = parse(variables)
    assert found.lease is not None
    assert found.lease.schedule == "pneumonia-dev-lease"
    assert sum(len(name) + len(str(value)) for name, value in variables.items()) < 2048, "AWS Lambda takes 4 KB in all"


def test_the_proxy_reads_this_schedule_and_cannot_change_it(api: Template, endpoint: Template) -> None:
    (schedule,) = properties(endpoint, "AWS::Scheduler::Schedule")
    grants = {action: one for one in statements(api) for action in listed(one)}
    assert text(grants["scheduler:GetSchedule"]["Resource"]).endswith(f":schedule/default/{schedule['Name']}")
    assert {name for name in grants if name.startswith(("scheduler:", "iam:"))} == {"scheduler:GetSchedule"}


def test_without_a_lease_the_proxy_has_no_right_to_any_schedule(synth: Synth) -> None:
    kept = synth(lease_hours="0")["Api"]
    actions = {action for one in statements(kept) for action in listed(one)}
    assert not [one for one in actions if one.startswith(("scheduler:", "iam:"))]
    (function,) = properties(kept, "AWS::Lambda::Function")
    assert function["Environment"]["Variables"]["LEASE_SCHEDULE"] == ""


def statements(template: Template) -> list[dict[str, Any]]:
    return [one for policy in properties(template, "AWS::IAM::Policy") for one in policy["PolicyDocument"]["Statement"]]


def test_the_proxy_ends_before_the_gateway_gives_up(api: Template) -> None:
    (function,) = properties(api, "AWS::Lambda::Function")
    assert function["Timeout"] <= 29


def test_logs_are_kept_for_the_days_of_the_settings(synth: Synth) -> None:
    groups = properties(synth(log_retention_days="90")["Api"], "AWS::Logs::LogGroup")
    assert [group["RetentionInDays"] for group in groups] == [90, 90]


def test_access_logs_hold_no_body_key_or_query(api: Template) -> None:
    (stage,) = properties(api, "AWS::ApiGateway::Stage")
    line = json.loads(stage["AccessLogSetting"]["Format"])
    assert set(line) == {"request_id", "time", "method", "path", "status", "response_bytes", "latency_ms", "error"}
    assert all(not setting.get("DataTraceEnabled") for setting in stage["MethodSettings"])


def test_the_gateways_own_errors_are_problem_documents(api: Template) -> None:
    found = {one["ResponseType"]: one for one in properties(api, "AWS::ApiGateway::GatewayResponse")}
    assert {"INVALID_API_KEY", "REQUEST_TOO_LARGE", "THROTTLED", "QUOTA_EXCEEDED", "INTEGRATION_TIMEOUT"} <= set(found)
    for kind, response in found.items():
        problem = json.loads(response["ResponseTemplates"]["application/json"])
        assert str(problem["status"]) == response["StatusCode"], kind
        assert problem["type"] == f"urn:pneumonia-api:problem:{problem['code']}"
        assert problem["detail"].endswith("."), kind
        assert response["ResponseParameters"]["gatewayresponse.header.Content-Type"] == "'application/problem+json'"


def test_the_gateway_and_the_proxy_mean_the_same_by_a_code() -> None:
    from inference_proxy import problems

    from infra.gateway_responses import PROBLEMS, TYPE_PREFIX

    assert TYPE_PREFIX == problems.TYPE_PREFIX
    for status, code, _ in PROBLEMS.values():
        if code in problems.KINDS:
            assert problems.KINDS[code].status == status, code
