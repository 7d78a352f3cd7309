"""What is watched: a dashboard, alarms, a topic that tells somebody, and a budget."""

import aws_cdk as cdk
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.endpoint import VARIANT
from infra.lease import Lease
from infra.nag import acknowledge
from infra.settings import Settings

NAMESPACE = "PneumoniaApi"
"""Of the metrics in the proxy's log lines (lambda/inference_proxy/emf.py)."""
SLOW_MILLISECONDS = 10_000
IDLE_HOURS = 3
BUDGET_SHARES = (80, 100)


class ObservabilityStack(cdk.Stack):
    """Dashboard and alarms of one stage."""

    def __init__(self, scope: Construct, settings: Settings, lease: Lease) -> None:
        super().__init__(scope, settings.stack_name("Observability"), env=cdk.Environment(region=settings.region))
        self.settings = settings
        self.endpoint_name = lease.endpoint_name(settings.stage)
        topic = self._topic()
        for alarm in self._alarms():
            alarm.add_alarm_action(actions.SnsAction(topic))
        self._dashboard()
        if settings.budget_monthly_usd:
            self._budget()
        cdk.CfnOutput(self, "AlarmTopicArn", value=topic.topic_arn)

    def _topic(self) -> sns.Topic:
        topic = sns.Topic(self, "Alarms", enforce_ssl=True)
        acknowledge(topic, "AwsSolutions-SNS2", "Messages name alarms of this stage; no data of patients passes here.")
        if self.settings.alarms_email:
            topic.add_subscription(subscriptions.EmailSubscription(self.settings.alarms_email))
        return topic

    def api(self, name: str, statistic: str, hours: float = 5 / 60, **dimensions: str) -> cloudwatch.Metric:
        """Return one of the proxy's own metrics."""
        return cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=name,
            dimensions_map={"Stage": self.settings.stage, **dimensions},
            statistic=statistic,
            period=cdk.Duration.minutes(round(hours * 60)),
        )

    def model(self, name: str, statistic: str) -> cloudwatch.Metric:
        """Return one of the endpoint's metrics."""
        return cloudwatch.Metric(
            namespace="AWS/SageMaker",
            metric_name=name,
            dimensions_map={"EndpointName": self.endpoint_name, "VariantName": VARIANT},
            statistic=statistic,
        )

    def _alarms(self) -> list[cloudwatch.Alarm]:
        watched = {
            "Failures": (self.api("Errors", "Sum"), 3, "Requests failed by no fault of theirs; see the proxy's log."),
            "SlowAnswers": (self.api("Latency", "p99"), SLOW_MILLISECONDS, "One answer in a hundred takes 10 s."),
            "ModelErrors": (self.model("Invocation5XXErrors", "Sum"), 3, "The model fails; see the endpoint's log."),
            "Throttled": (
                self.api("Rejections", "Sum", Code="endpoint_throttled"), 10,
                "The endpoint gets more than it can take; give it more instances or concurrency.",
            ),
        }  # fmt: skip
        alarms = [self._alarm(name, *parts) for name, parts in watched.items()]
        if self.settings.realtime:
            words = f"An endpoint that is billed by the hour was asked nothing for {IDLE_HOURS} hours."
            idle = self.api("Requests", "Sum", hours=1).create_alarm(
                self,
                "NoTraffic",
                alarm_description=words,
                threshold=1,
                evaluation_periods=IDLE_HOURS,
                comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
                treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
            )
            alarms.append(idle)
        return alarms

    def _alarm(self, name: str, metric: cloudwatch.Metric, threshold: float, words: str) -> cloudwatch.Alarm:
        return metric.create_alarm(
            self,
            name,
            alarm_description=words,
            threshold=threshold,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )

    def _dashboard(self) -> None:
        board = cloudwatch.Dashboard(self, "Dashboard")
        calls = ("Invocations", "Invocation4XXErrors", "Invocation5XXErrors")
        labels = [self.api("Predictions", "Sum", Label=label) for label in ("NORMAL", "PNEUMONIA")]
        graphs = {
            "Requests and failures": [self.api("Requests", "Sum"), self.api("Errors", "Sum")],
            "Latency, ms": [self.api("Latency", one) for one in ("p50", "p99")] + [self.api("EndpointLatency", "p50")],
            "Predictions by label": labels,
            "Endpoint": [self.model(name, "Sum") for name in calls],
        }
        board.add_widgets(*(cloudwatch.GraphWidget(title=title, left=list(lines)) for title, lines in graphs.items()))

    def _budget(self) -> None:
        told = budgets.CfnBudget.SubscriberProperty(subscription_type="EMAIL", address=self.settings.alarms_email)
        budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=self.settings.budget_monthly_usd, unit="USD"),
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=budgets.CfnBudget.NotificationProperty(
                        notification_type="ACTUAL", comparison_operator="GREATER_THAN", threshold=share
                    ),
                    subscribers=[told],
                )
                for share in BUDGET_SHARES
            ],
        )
