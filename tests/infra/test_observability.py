"""Dashboard, alarms, the topic and the budget."""

import json

import pytest
from aws_cdk.assertions import Template

from infra.observability import NAMESPACE

from .conftest import Synth, properties


@pytest.fixture
def watched(templates: dict[str, Template]) -> Template:
    return templates["Observability"]


def test_every_alarm_tells_the_topic_and_says_what_it_means(watched: Template) -> None:
    alarms = properties(watched, "AWS::CloudWatch::Alarm")
    (topic,) = watched.find_resources("AWS::SNS::Topic")
    assert len(alarms) == 5
    for alarm in alarms:
        assert alarm["AlarmActions"] == [{"Ref": topic}]
        assert alarm["AlarmDescription"].endswith(".")


def test_silence_is_an_alarm_only_where_the_hour_is_billed(watched: Template, synth: Synth) -> None:
    assert [one for one in properties(watched, "AWS::CloudWatch::Alarm") if one["TreatMissingData"] == "breaching"]
    serverless = synth(hosting="serverless")["Observability"]
    alarms = properties(serverless, "AWS::CloudWatch::Alarm")
    assert {one["TreatMissingData"] for one in alarms} == {"notBreaching"}


def test_alarms_and_dashboard_use_only_metrics_that_the_proxy_writes(watched: Template) -> None:
    from inference_proxy import emf

    assert emf.NAMESPACE == NAMESPACE
    (board,) = properties(watched, "AWS::CloudWatch::Dashboard")
    text = json.dumps(board)
    names = {
        one["MetricName"] for one in properties(watched, "AWS::CloudWatch::Alarm") if one["Namespace"] == NAMESPACE
    }
    assert names <= set(emf._UNITS)
    for name in ("Requests", "Latency", "Predictions"):
        assert name in text


def test_the_topic_is_reached_over_tls_only(watched: Template) -> None:
    (policy,) = properties(watched, "AWS::SNS::TopicPolicy")
    denials = [one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Deny"]
    assert [one["Condition"] for one in denials] == [{"Bool": {"aws:SecureTransport": "false"}}]


def test_an_address_is_told_of_alarms_and_of_the_budget(synth: Synth, watched: Template) -> None:
    watched.resource_count_is("AWS::SNS::Subscription", 0)
    watched.resource_count_is("AWS::Budgets::Budget", 0)
    told = synth(alarms_email="a@example.org", budget_monthly_usd="50")["Observability"]
    (subscription,) = properties(told, "AWS::SNS::Subscription")
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "a@example.org")
    (budget,) = properties(told, "AWS::Budgets::Budget")
    assert budget["Budget"]["BudgetLimit"] == {"Amount": 50, "Unit": "USD"}
    assert [one["Notification"]["Threshold"] for one in budget["NotificationsWithSubscribers"]] == [80, 100]
