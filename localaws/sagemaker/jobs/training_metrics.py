"""Training metrics, read from the log as SageMaker does: by regular expressions."""

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
"""Where SageMaker puts training metrics in CloudWatch, with the dimension Host = <job>/algo-1."""


class MetricReader:
    """The latest value of each metric, and every value for CloudWatch."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self.patterns = [(metric.name, re.compile(metric.regex)) for metric in metrics]
        self.lock = threading.Lock()
        self.latest: dict[str, tuple[float, float]] = {}
        self.unsent: list[tuple[str, float, float]] = []

    def read(self, line: str) -> None:
        """Take the metrics out of a line; a value that is no number is not one."""
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
        """Put the values since the last call into CloudWatch; a role that may not only costs the graphs."""
        with self.lock:
            data = [
                {
                    "MetricName": name,
                    "Value": value,
                    "Timestamp": when,
                    "Dimensions": [{"Name": "Host", "Value": f"{job}/algo-1"}],
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
