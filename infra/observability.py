"""Dashboard, alarms with a topic for notifications, and a budget."""

import aws_cdk as cdk
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.endpoint import VARIANT
from infra.lease_schedule import Lease, failures_name
from infra.nag import acknowledge
from infra.proxy import function_name
from infra.settings import PROJECT, Settings

NAMESPACE = "PneumoniaApi"
"""Namespace of the metrics in the proxy's log lines (lambda/inference_proxy/emf.py)."""
SLOW_MILLISECONDS = 10_000
BUDGET_PERCENTAGES = (80, 100)


class ObservabilityStack(cdk.Stack):
    """Dashboard and alarms of one stage."""

    def __init__(self, scope: Construct, settings: Settings, lease: Lease) -> None:
        super().__init__(scope, settings.stack_name("Observability"), env=cdk.Environment(region=settings.region))
        self.settings = settings
        self.lease = lease
        topic = self._topic()
        for alarm in self._alarms():
            alarm.add_alarm_action(actions.SnsAction(topic))
        self._dashboard()
        if settings.budget_monthly_usd:
            self._budget()
        cdk.CfnOutput(self, "AlarmTopicArn", value=topic.topic_arn)
        if settings.alarms_email:
            remedy = (
                f"Open the link that AWS sends to {settings.alarms_email} within two days. It gets no alarm before."
            )
            cdk.CfnOutput(self, "ConfirmSubscription", value=remedy)

    def _topic(self) -> sns.Topic:
        topic = sns.Topic(self, "Alarms", enforce_ssl=True)
        # This policy replaces the topic's default policy, which would allow the account's alarms to publish.
        source = {"StringEquals": {"aws:SourceAccount": self.account}}
        topic.grant_publish(iam.ServicePrincipal("cloudwatch.amazonaws.com", conditions=source))
        acknowledge(topic, "AwsSolutions-SNS2", "Messages contain names of alarms and no patient data.")
        if self.settings.alarms_email:
            topic.add_subscription(subscriptions.EmailSubscription(self.settings.alarms_email))
        return topic

    def proxy(self, name: str, statistic: str, **dimensions: str) -> cloudwatch.Metric:
        """Return a metric that the proxy writes to its log."""
        return metric(NAMESPACE, name, statistic, Stage=self.settings.stage, **dimensions)

    def model(self, name: str, statistic: str) -> cloudwatch.Metric:
        """Return a metric of the endpoint."""
        endpoint = self.lease.endpoint_name(self.settings.stage)
        return metric("AWS/SageMaker", name, statistic, EndpointName=endpoint, VariantName=VARIANT)

    def function(self, name: str) -> cloudwatch.Metric:
        """Return a Lambda metric of the proxy."""
        return metric("AWS/Lambda", name, "Sum", FunctionName=function_name(self.settings.stage))

    def _alarms(self) -> list[cloudwatch.Alarm]:
        stage = self.settings.stage
        failed = metric("AWS/ApiGateway", "5XXError", "Sum", ApiName=f"pneumonia-{stage}", Stage=stage)
        slow = self.proxy("Latency", "p99", Route="POST /predict")
        alarms = {
            "Failures": (failed, 3, "The API answered 5xx. See the logs of the proxy and the API."),
            "FunctionErrors": (self.function("Errors"), 1, "The proxy crashed, timed out or ran out of memory."),
            "FunctionThrottles": (self.function("Throttles"), 10, "Lambda refused to run the proxy. Raise its quota."),
            "SlowAnswers": (slow, SLOW_MILLISECONDS, "POST /predict took 10 s or more for 15 minutes."),
        }
        if not self.settings.in_function:
            model_errors = self.model("Invocation5XXErrors", "Sum")
            throttled = self.proxy("Rejections", "Sum", Code="endpoint_throttled")
            alarms["ModelErrors"] = (model_errors, 3, "The model failed. See the endpoint's log.")
            alarms["Throttled"] = (throttled, 10, "The endpoint is overloaded. Add instances or concurrency.")
        if self.lease.ends:
            stuck = metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", QueueName=failures_name(stage))
            alarms["LeaseFailed"] = (stuck, 1, "The lease could not delete the endpoint, which is still billed.")
        return [self._alarm(name, *parts) for name, parts in alarms.items()]

    def _alarm(self, name: str, source: cloudwatch.Metric, threshold: float, description: str) -> cloudwatch.Alarm:
        return source.create_alarm(
            self,
            name,
            alarm_description=description,
            threshold=threshold,
            # A single cold start or very large image does not make the API slow.
            evaluation_periods=3 if name == "SlowAnswers" else 1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )

    def _dashboard(self) -> None:
        board = cloudwatch.Dashboard(self, "Dashboard")
        calls = ("Invocations", "Invocation4XXErrors", "Invocation5XXErrors")
        labels = [self.proxy("Predictions", "Sum", Label=label) for label in ("NORMAL", "PNEUMONIA")]
        graphs = {
            "Requests and failures": [self.proxy("Requests", "Sum"), self.proxy("Errors", "Sum")],
            "Function": [self.function(name) for name in ("Errors", "Throttles", "ConcurrentExecutions")],
            "Latency, ms": [self.proxy("Latency", percentile) for percentile in ("p50", "p99")]
            + [self.proxy("ScoringLatency", "p50")],
            "Predictions by label": labels,
        }
        if not self.settings.in_function:
            graphs["Endpoint"] = [self.model(name, "Sum") for name in calls]
        board.add_widgets(*(cloudwatch.GraphWidget(title=title, left=list(lines)) for title, lines in graphs.items()))

    def _budget(self) -> None:
        subscriber = budgets.CfnBudget.SubscriberProperty(subscription_type="EMAIL", address=self.settings.alarms_email)
        budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_type="COST",
                time_unit="MONTHLY",
                cost_filters={"TagKeyValue": [f"user:project${PROJECT}"]}
                if self.settings.budget_scope == "project"
                else None,
                budget_limit=budgets.CfnBudget.SpendProperty(amount=self.settings.budget_monthly_usd, unit="USD"),
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=budgets.CfnBudget.NotificationProperty(
                        notification_type="ACTUAL", comparison_operator="GREATER_THAN", threshold=percentage
                    ),
                    subscribers=[subscriber],
                )
                for percentage in BUDGET_PERCENTAGES
            ],
        )


def metric(namespace: str, name: str, statistic: str, **dimensions: str) -> cloudwatch.Metric:
    """Return a metric with CDK's default period of five minutes."""
    return cloudwatch.Metric(namespace=namespace, metric_name=name, statistic=statistic, dimensions_map=dimensions)
