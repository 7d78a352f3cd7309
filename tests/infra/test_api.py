"""The REST API, its errors and logs, and the proxy's grants and environment."""

import json
from typing import Any

from aws_cdk.assertions import Template

from infra.api import ROUTES
from infra.gateway_responses import PROBLEMS, TYPE_PREFIX

from .builders import LEASE, MODEL, Synth, arn_text, as_list, properties, statements, variables


def test_every_method_wants_the_api_key(api: Template) -> None:
    methods = properties(api, "AWS::ApiGateway::Method")
    assert {method["HttpMethod"] for method in methods} == {"GET", "POST"}
    assert all(method["ApiKeyRequired"] for method in methods)


def test_the_gateway_has_each_route_of_the_proxy_and_no_other(api: Template) -> None:
    from inference_proxy import routes

    paths = {
        name: resource["Properties"]["PathPart"]
        for name, resource in api.find_resources("AWS::ApiGateway::Resource").items()
    }
    deployed = {
        ("/" + paths[method["ResourceId"]["Ref"]], method["HttpMethod"])
        for method in properties(api, "AWS::ApiGateway::Method")
    }
    assert deployed == {(path, method) for path, methods in routes.ROUTES.items() for method in methods}


def test_with_iam_every_method_wants_a_signature_and_there_is_no_key(synth: Synth) -> None:
    signed = synth(auth="iam")["Api"]
    methods = properties(signed, "AWS::ApiGateway::Method")
    assert {(method["AuthorizationType"], method["ApiKeyRequired"]) for method in methods} == {("AWS_IAM", False)}
    signed.resource_count_is("AWS::ApiGateway::ApiKey", 0)
    signed.resource_count_is("AWS::ApiGateway::UsagePlan", 0)
    assert "ApiKeyId" not in signed.to_json()["Outputs"]


def test_only_listed_origins_may_call_from_a_page(synth: Synth, api: Template) -> None:
    def preflights(template: Template) -> list[dict[str, Any]]:
        methods = properties(template, "AWS::ApiGateway::Method")
        return [method for method in methods if method["HttpMethod"] == "OPTIONS"]

    assert not preflights(api)
    cross_origin = synth(cors_origins="https://app.example.org")["Api"]
    assert len(preflights(cross_origin)) == len(ROUTES)
    for preflight in preflights(cross_origin):
        (response,) = preflight["Integration"]["IntegrationResponses"]
        headers = response["ResponseParameters"]
        assert headers["method.response.header.Access-Control-Allow-Origin"] == "'https://app.example.org'"
    assert variables(cross_origin)["CORS_ORIGINS"] == "https://app.example.org"


def test_a_firewall_lets_images_through_and_counts_addresses(synth: Synth, api: Template) -> None:
    api.resource_count_is("AWS::WAFv2::WebACL", 0)
    protected = synth(waf="true")["Api"]
    (acl,) = properties(protected, "AWS::WAFv2::WebACL")
    rate, common = (rule["Statement"] for rule in acl["Rules"])
    assert rate["RateBasedStatement"]["AggregateKeyType"] == "IP"
    overrides = common["ManagedRuleGroupStatement"]["RuleActionOverrides"]
    names = ["CrossSiteScripting", "EC2MetaDataSSRF", "GenericLFI", "GenericRFI", "SizeRestrictions"]
    assert overrides == [{"Name": f"{name}_BODY", "ActionToUse": {"Count": {}}} for name in names]
    protected.resource_count_is("AWS::WAFv2::WebACLAssociation", 1)


def test_the_firewalls_rate_is_that_of_the_settings_and_above_it_answers_429(synth: Synth) -> None:
    (acl,) = properties(synth(waf="true", rate_limit="3", burst_limit="7")["Api"], "AWS::WAFv2::WebACL")
    rule = acl["Rules"][0]
    assert rule["Statement"]["RateBasedStatement"]["Limit"] == 3 * 300
    response = rule["Action"]["Block"]["CustomResponse"]
    problem = json.loads(acl["CustomResponseBodies"][response["CustomResponseBodyKey"]]["Content"])
    assert response["ResponseCode"] == problem["status"] == 429
    assert "900" in problem["detail"]
    assert {header["Name"] for header in response["ResponseHeaders"]} == {"Retry-After", "Cache-Control"}


def test_a_refusal_by_the_firewall_has_a_code_of_its_own() -> None:
    code = PROBLEMS["WAF_FILTERED"][1]
    assert [response_type for response_type, problem in PROBLEMS.items() if problem[1] == code] == ["WAF_FILTERED"]


def test_a_page_of_a_listed_origin_can_read_the_gateways_own_errors(synth: Synth, api: Template) -> None:
    def origins(template: Template) -> set[str | None]:
        name = "gatewayresponse.header.Access-Control-Allow-Origin"
        responses = properties(template, "AWS::ApiGateway::GatewayResponse")
        return {response["ResponseParameters"].get(name) for response in responses}

    assert origins(api) == {None}
    cross_origin = synth(cors_origins="https://app.example.org", waf="true")["Api"]
    assert origins(cross_origin) == {"'*'"}
    (acl,) = properties(cross_origin, "AWS::WAFv2::WebACL")
    headers = acl["Rules"][0]["Action"]["Block"]["CustomResponse"]["ResponseHeaders"]
    assert {"Name": "Access-Control-Allow-Origin", "Value": "*"} in headers


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
    grants = {
        (action, arn_text(resource))
        for statement in policy["PolicyDocument"]["Statement"]
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    }
    uploads = "arn:<Partition>:s3:::<Pneumonia-dev-Storage:DataBucketName>/uploads/*"
    evaluation = MODEL["report"].replace("s3://", "arn:<Partition>:s3:::").removesuffix("report.html")
    assert grants == {
        ("sagemaker:InvokeEndpoint", "arn:aws:sagemaker:us-east-1:<AccountId>:endpoint/pneumonia-dev"),
        ("scheduler:GetSchedule", "arn:aws:scheduler:us-east-1:<AccountId>:schedule/default/pneumonia-dev-lease"),
        ("logs:CreateLogStream", "<ProxyLogs>:*"),
        ("logs:PutLogEvents", "<ProxyLogs>:*"),
        ("s3:GetObject", uploads),
        ("s3:PutObject", uploads),
        ("s3:GetObject", f"{evaluation}metrics.json"),
        ("s3:GetObject", f"{evaluation}report.html"),
    }
    (role,) = (role for role in properties(api, "AWS::IAM::Role") if "lambda.amazonaws.com" in json.dumps(role))
    assert not {"Policies", "ManagedPolicyArns"} & role.keys()


def test_a_deployment_leaves_the_log_role_of_the_region_alone_if_a_setting_says_so(synth: Synth) -> None:
    api = synth(manage_api_gateway_log_role="false")["Api"]
    api.resource_count_is("AWS::ApiGateway::Account", 0)
    assert "apigateway.amazonaws.com" not in json.dumps(properties(api, "AWS::IAM::Role"))


def test_api_gateway_may_write_access_logs_before_the_stage_asks_it_to(api: Template) -> None:
    (account,) = api.find_resources("AWS::ApiGateway::Account").items()
    (stage,) = api.find_resources("AWS::ApiGateway::Stage").values()
    (role,) = (role for role in properties(api, "AWS::IAM::Role") if "apigateway.amazonaws.com" in json.dumps(role))
    assert json.dumps(role["ManagedPolicyArns"]).count("AmazonAPIGatewayPushToCloudWatchLogs") == 1
    assert account[0] in stage["DependsOn"]
    # It serves every API of the account and region.
    assert account[1]["DeletionPolicy"] == "Retain"


def test_the_proxy_knows_the_models_threshold_exactly(api: Template) -> None:
    environment = variables(api)
    assert float(environment["THRESHOLD"]) == MODEL["threshold"]
    assert environment["THRESHOLD_SOURCE"] == MODEL["threshold_source"]
    assert environment["MODEL_VERSION"] == MODEL["training_job"]
    assert json.loads(environment["CLASSES"]) == MODEL["classes"]
    assert environment["EVALUATION_URI"] + "report.html" == MODEL["report"]
    assert environment["LEASE_ENDS"] == LEASE["ends"]


def test_the_proxy_takes_its_whole_environment(api: Template) -> None:
    from inference_proxy.settings import parse

    environment = variables(api) | {"UPLOAD_BUCKET": "images", "AWS_REGION": "us-east-1"}
    parsed = parse(environment)
    assert parsed.lease is not None
    assert parsed.lease.schedule == "pneumonia-dev-lease"
    assert sum(len(name) + len(str(value)) for name, value in environment.items()) < 2048, "AWS Lambda allows 4 KB"


def test_the_proxy_reads_this_schedule_and_cannot_change_it(api: Template, endpoint: Template) -> None:
    (schedule,) = properties(endpoint, "AWS::Scheduler::Schedule")
    grants = {action: statement for statement in statements(api) for action in as_list(statement["Action"])}
    assert arn_text(grants["scheduler:GetSchedule"]["Resource"]).endswith(f":schedule/default/{schedule['Name']}")
    assert {name for name in grants if name.startswith(("scheduler:", "iam:"))} == {"scheduler:GetSchedule"}


def test_without_a_lease_the_proxy_has_no_grant_on_a_schedule(synth: Synth) -> None:
    unleased = synth(lease_hours="0")["Api"]
    actions = {action for statement in statements(unleased) for action in as_list(statement["Action"])}
    assert not [action for action in actions if action.startswith(("scheduler:", "iam:"))]
    assert variables(unleased)["LEASE_SCHEDULE"] == ""


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
    responses = {response["ResponseType"]: response for response in properties(api, "AWS::ApiGateway::GatewayResponse")}
    types = {"INVALID_API_KEY", "REQUEST_TOO_LARGE", "THROTTLED", "QUOTA_EXCEEDED", "INTEGRATION_TIMEOUT"}
    assert types <= set(responses)
    for response_type, response in responses.items():
        problem = json.loads(response["ResponseTemplates"]["application/json"])
        assert str(problem["status"]) == response["StatusCode"], response_type
        assert problem["type"] == f"urn:pneumonia-api:problem:{problem['code']}"
        assert problem["detail"].endswith("."), response_type
        assert response["ResponseParameters"]["gatewayresponse.header.Content-Type"] == "'application/problem+json'"


def test_the_gateway_and_the_proxy_use_a_code_for_the_same_status() -> None:
    from inference_proxy import problems

    assert TYPE_PREFIX == problems.TYPE_PREFIX
    for status, code, _ in PROBLEMS.values():
        if code in problems.KINDS:
            assert problems.KINDS[code].status == status, code
