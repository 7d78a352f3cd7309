"""Dashboard, alarms, topic and budget."""

import json
import re
from typing import Any

import pytest
from aws_cdk.assertions import Template

from infra.observability import NAMESPACE
from infra.settings import PROJECT
from infra.settings_table import DOCUMENT
from ml.training.request import CREATED_BY

from .builders import Synth, properties

BILLED = [
    ("Storage", "AWS::S3::Bucket"),
    ("Storage", "AWS::KMS::Key"),
    ("Endpoint", "AWS::SageMaker::Endpoint"),
    ("Endpoint", "AWS::SageMaker::EndpointConfig"),
    ("Api", "AWS::ApiGateway::RestApi"),
    ("Api", "AWS::ApiGateway::Stage"),
    ("Api", "AWS::Lambda::Function"),
    ("Api", "AWS::Logs::LogGroup"),
    ("Api", "AWS::WAFv2::WebACL"),
    ("Observability", "AWS::CloudWatch::Alarm"),
]


@pytest.fixture
def watched(templates: dict[str, Template]) -> Template:
    return templates["Observability"]


def alarms(template: Template) -> dict[str, dict[str, Any]]:
    """Return the alarms' properties by their metrics, with a mapping of dimensions."""
    by_metric = {}
    for alarm in properties(template, "AWS::CloudWatch::Alarm"):
        statistic = alarm.get("ExtendedStatistic", alarm.get("Statistic"))
        dimensions = {dimension["Name"]: dimension["Value"] for dimension in alarm["Dimensions"]}
        by_metric[f"{alarm['Namespace']} {alarm['MetricName']} {statistic}"] = alarm | {"Dimensions": dimensions}
    return by_metric


def test_every_alarm_notifies_the_topic_has_a_description_and_is_silent_without_data(watched: Template) -> None:
    (topic,) = watched.find_resources("AWS::SNS::Topic")
    assert len(alarms(watched)) == 7
    for alarm in alarms(watched).values():
        assert alarm["AlarmActions"] == [{"Ref": topic}]
        assert alarm["AlarmDescription"].endswith(".")
        assert alarm["TreatMissingData"] == "notBreaching"


def test_alarms_may_publish_to_the_topic_for_this_account_alone(watched: Template) -> None:
    (topic,) = watched.find_resources("AWS::SNS::Topic")
    (policy,) = properties(watched, "AWS::SNS::TopicPolicy")
    assert policy["Topics"] == [{"Ref": topic}]
    (allowed,) = (part for part in policy["PolicyDocument"]["Statement"] if part["Effect"] == "Allow")
    assert (allowed["Action"], allowed["Principal"]) == ("sns:Publish", {"Service": "cloudwatch.amazonaws.com"})
    assert allowed["Resource"] == {"Ref": topic}
    assert allowed["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_failures_of_function_and_api_are_watched_under_their_names(
    watched: Template, templates: dict[str, Template]
) -> None:
    by_metric = alarms(watched)
    (function,) = properties(templates["Api"], "AWS::Lambda::Function")
    (api,) = properties(templates["Api"], "AWS::ApiGateway::RestApi")
    (stage,) = properties(templates["Api"], "AWS::ApiGateway::Stage")
    assert by_metric["AWS/ApiGateway 5XXError Sum"]["Dimensions"] == {
        "ApiName": api["Name"],
        "Stage": stage["StageName"],
    }
    for name in ("Errors", "Throttles"):
        assert by_metric[f"AWS/Lambda {name} Sum"]["Dimensions"] == {"FunctionName": function["FunctionName"]}


def test_a_lease_that_could_not_delete_its_endpoint_is_watched_where_there_is_one(
    watched: Template, templates: dict[str, Template], synth: Synth
) -> None:
    name = "AWS/SQS ApproximateNumberOfMessagesVisible Maximum"
    (queue,) = properties(templates["Endpoint"], "AWS::SQS::Queue")
    assert alarms(watched)[name]["Dimensions"] == {"QueueName": queue["QueueName"]}
    assert alarms(watched)[name]["Threshold"] == 1
    assert name not in alarms(synth(lease_hours="0")["Observability"])


def test_slow_answers_are_those_of_the_route_that_answers_at_once(watched: Template) -> None:
    from inference_proxy import emf

    dimensions = alarms(watched)["PneumoniaApi Latency p99"]["Dimensions"]
    line: dict[str, Any] = emf.request_members("dev", "POST /predict", "", False, 9.0, None)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert sorted(dimensions) in [sorted(names) for names in directive["Dimensions"]]
    assert dimensions == {name: line[name] for name in ("Stage", "Route")}


def test_alarms_and_dashboard_use_only_metrics_that_the_proxy_writes(watched: Template) -> None:
    from inference_proxy import emf

    assert emf.NAMESPACE == NAMESPACE
    (board,) = properties(watched, "AWS::CloudWatch::Dashboard")
    text = json.dumps(board)
    names = {alarm["MetricName"] for alarm in alarms(watched).values() if alarm["Namespace"] == NAMESPACE}
    assert names <= set(emf._UNITS)
    for name in ("Requests", "Latency", "Predictions"):
        assert name in text


def test_the_topic_is_reached_over_tls_only(watched: Template) -> None:
    (policy,) = properties(watched, "AWS::SNS::TopicPolicy")
    denials = [part for part in policy["PolicyDocument"]["Statement"] if part["Effect"] == "Deny"]
    assert [denial["Condition"] for denial in denials] == [{"Bool": {"aws:SecureTransport": "false"}}]


def test_an_address_gets_alarms_and_budget_warnings(synth: Synth, watched: Template) -> None:
    watched.resource_count_is("AWS::SNS::Subscription", 0)
    watched.resource_count_is("AWS::Budgets::Budget", 0)
    assert "ConfirmSubscription" not in watched.to_json()["Outputs"]
    notified = synth(alarms_email="a@example.org", budget_monthly_usd="50")["Observability"]
    (subscription,) = properties(notified, "AWS::SNS::Subscription")
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "a@example.org")
    assert "a@example.org" in notified.to_json()["Outputs"]["ConfirmSubscription"]["Value"]
    (budget,) = properties(notified, "AWS::Budgets::Budget")
    assert budget["Budget"]["BudgetLimit"] == {"Amount": 50, "Unit": "USD"}
    assert "CostFilters" not in budget["Budget"]
    assert [warning["Notification"]["Threshold"] for warning in budget["NotificationsWithSubscribers"]] == [80, 100]


def test_a_budget_of_the_project_counts_the_tag_that_its_resources_and_jobs_have(synth: Synth) -> None:
    templates = synth(alarms_email="a@example.org", budget_monthly_usd="50", budget_scope="project", kms="create")
    (budget,) = properties(templates["Observability"], "AWS::Budgets::Budget")
    assert CREATED_BY == {"Key": "project", "Value": PROJECT}
    assert budget["Budget"]["CostFilters"] == {"TagKeyValue": [f"user:project${PROJECT}"]}


def test_everything_billed_by_use_or_by_the_hour_has_the_tags_project_and_stage(synth: Synth) -> None:
    templates = synth(stage="prod", kms="create", waf="true")
    for part, resource_type in BILLED:
        for resource in properties(templates[part], resource_type):
            tags = {tag["Key"]: tag["Value"] for tag in resource["Tags"]}
            assert tags.items() >= {"project": PROJECT, "stage": "prod"}.items(), resource_type


def test_each_alarm_has_its_paragraph_in_the_document(watched: Template, endpoint: Template) -> None:
    ids = [name for template in (watched, endpoint) for name in template.find_resources("AWS::CloudWatch::Alarm")]
    paragraphs = re.findall(r"^\*\*(\w+)\.\*\* \S", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(paragraphs) == sorted(re.sub(r"[0-9A-F]{8}$", "", name) for name in ids)
