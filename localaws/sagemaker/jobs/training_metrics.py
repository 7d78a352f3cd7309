"""Training metrics, read from the log with regular expressions as in SageMaker."""

import logging
import re
import threading
import time
from collections.abc import Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localaws.sagemaker.aws.clients import RoleClients, reason
from localaws.sagemaker.container.registry import Metric

log = logging.getLogger("localaws.sagemaker")

NAMESPACE = "/aws/sagemaker/TrainingJobs"
"""CloudWatch namespace of SageMaker's training metrics. The SageMaker SDK reads them by dimension TrainingJobName; the
dimension Host is that of an instance's utilization."""


class MetricReader:
    """Reads metrics from log lines and sends them to CloudWatch."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self.patterns = [(metric.name, re.compile(metric.regex)) for metric in metrics]
        self.lock = threading.Lock()
        self.latest: dict[str, tuple[float, float]] = {}
        self.unsent: list[tuple[str, float, float]] = []

    def read(self, line: str) -> None:
        """Read the metrics of a line. Values that are not numbers are ignored."""
        for name, pattern in self.patterns:
            match = pattern.search(line)
            if match is None:
                continue
            try:
                value, now = float(match[1]), time.time()
            except ValueError:
                continue
            with self.lock:
                self.latest[name] = (value, now)
                self.unsent.append((name, value, now))

    def final(self) -> list[dict[str, Any]]:
        """Return FinalMetricDataList: the last value of each metric, not the best."""
        with self.lock:
            return [
                {"MetricName": name, "Value": value, "Timestamp": when} for name, (value, when) in self.latest.items()
            ]

    def send(self, clients: RoleClients, job: str) -> None:
        """Send the values since the last call to CloudWatch. A refusal is logged, and the job continues."""
        with self.lock:
            data = [
                {
                    "MetricName": name,
                    "Value": value,
                    "Timestamp": when,
                    "Dimensions": [{"Name": "TrainingJobName", "Value": job}],
                }
                for name, value, when in self.unsent
            ]
            self.unsent.clear()
        if not data:
            return
        try:
            clients.client("cloudwatch").put_metric_data(Namespace=NAMESPACE, MetricData=data)
        except (ClientError, BotoCoreError) as error:
            log.warning("No CloudWatch metrics for %s: %s", job, reason(error))
