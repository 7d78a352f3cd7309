"""CloudWatch Logs of a job or an endpoint, written with its role's credentials."""

import logging
import threading
import time
from collections import deque

from botocore.exceptions import BotoCoreError, ClientError

from localaws.sagemaker.aws.clients import RoleClients, reason

log = logging.getLogger("localaws.sagemaker")

FLUSH_SECONDS = 0.5
MAX_EVENTS = 1000
"""Events of one PutLogEvents call: its limits are 10,000 events and 1 MB; lines here are at most 64 KB."""
MAX_BYTES = 900_000
MAX_WAITING = 20_000
"""Lines held while Logs does not answer. Older lines are dropped to bound the memory."""


class LogStream:
    """One log stream. `write` never blocks and never fails, because a log must not break a job."""

    def __init__(self, clients: RoleClients, group: str, stream: str) -> None:
        self.clients = clients
        self.group = group
        self.stream = stream
        self.lines: deque[tuple[int, str]] = deque(maxlen=MAX_WAITING)
        self.changed = threading.Condition()
        self.closed = False
        self.created = False
        self.refused = False
        self.thread = threading.Thread(target=self._ship, name=f"logs {stream}", daemon=True)
        self.thread.start()

    def write(self, line: str) -> None:
        """Add a line. An empty line becomes a space, because PutLogEvents refuses empty messages."""
        with self.changed:
            if not self.refused:
                self.lines.append((int(time.time() * 1000), line or " "))

    def close(self, seconds: float = 5) -> None:
        """Send the waiting lines, for at most `seconds`."""
        with self.changed:
            self.closed = True
            self.changed.notify_all()
        self.thread.join(seconds)

    def _ship(self) -> None:
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.closed, FLUSH_SECONDS)
                closed = self.closed
            delivered = self._flush()
            if closed and (delivered or self.refused):
                return

    def _flush(self) -> bool:
        """Send the waiting lines; return whether all were sent."""
        while batch := self._batch():
            try:
                self._create()
                self.clients.client("logs").put_log_events(
                    logGroupName=self.group,
                    logStreamName=self.stream,
                    logEvents=[{"timestamp": timestamp, "message": line} for timestamp, line in batch],
                )
            except ClientError as error:
                self._refuse(reason(error))
            except BotoCoreError:
                return False  # Logs does not answer; the lines wait for the next flush
            with self.changed:
                for _ in range(min(len(batch), len(self.lines))):
                    self.lines.popleft()
        return True

    def _batch(self) -> list[tuple[int, str]]:
        with self.changed:
            batch: list[tuple[int, str]] = []
            size = 0
            for timestamp, line in self.lines:
                size += len(line.encode()) + 26
                if len(batch) == MAX_EVENTS or (batch and size > MAX_BYTES):
                    break
                batch.append((timestamp, line))
            return batch

    def _create(self) -> None:
        """Create the group and the stream once. If the group exists, the role needs no permission to create groups."""
        if self.created:
            return
        logs = self.clients.client("logs")
        try:
            logs.create_log_group(logGroupName=self.group)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("ResourceAlreadyExistsException", "AccessDeniedException"):
                raise
        try:
            logs.create_log_stream(logGroupName=self.group, logStreamName=self.stream)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
                raise
        self.created = True

    def _refuse(self, refusal: str) -> None:
        log.warning("No logs for %s:%s: %s (role %s)", self.group, self.stream, refusal, self.clients.role_arn)
        with self.changed:
            self.refused = True
            self.lines.clear()
