"""EventBridge Scheduler's calls of SageMaker. MiniStack keeps and times the schedules; localaws makes the calls.

A target arn:aws:scheduler:::aws-sdk:sagemaker:deleteEndpoint calls DeleteEndpoint with the schedule's Input, as the
schedule's role (EventBridge Scheduler user guide, "Using universal targets").
"""

import json
import logging
import time
from collections.abc import Callable
from typing import Any

from localaws.errors import ServiceError
from localaws.identity import Caller
from localaws.ministack.account_scope import account_scope
from localaws.ministack.policies import Authorizer
from localaws.ministack.role_credentials import role_credentials

Control = Callable[[Caller, str, dict[str, Any]], Any]
"""SageMaker's control plane: carries out an operation for a caller."""

TARGET = ":scheduler:::aws-sdk:sagemaker:"
SCHEDULER = "scheduler.amazonaws.com"
TICK_SECONDS = 1
"""MiniStack looks for due schedules every 10 seconds. EventBridge Scheduler is precise to a minute."""

log = logging.getLogger("localaws")


def register(control: Control, authorizer: Authorizer) -> None:
    """Add SageMaker's universal targets to MiniStack's scheduler."""
    from ministack.services import eventbridge, scheduler

    original_invoke, original_tick = eventbridge._invoke_target, scheduler._tick_schedules

    def invoke(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], *rest: Any) -> Any:
        if TARGET not in target.get("Arn", ""):
            return original_invoke(target, event, rule, *rest)
        call(control, authorizer, target, event, rule.get("Name", ""))
        return None

    def tick() -> None:
        """Let a one-time schedule that was moved into the future fire again; MiniStack lets it fire once."""
        for key in list(scheduler._schedule_last_fired):
            moment = scheduler._at_time_epoch(scheduler._schedules._data.get(key, {}).get("ScheduleExpression", ""))
            if moment is not None and moment > time.time():
                del scheduler._schedule_last_fired[key]
        original_tick()

    eventbridge._invoke_target = invoke
    scheduler._tick_schedules = tick
    scheduler._SCHEDULE_TICK_INTERVAL = TICK_SECONDS


def call(control: Control, authorizer: Authorizer, target: dict[str, Any], event: dict[str, Any], name: str) -> None:
    """Call SageMaker once as the role of schedule `name`. A failure is logged and sent to the dead-letter queue."""
    action = target["Arn"].rpartition(":")[2]
    operation, role = action[:1].upper() + action[1:], target.get("RoleArn", "")
    principal = f"arn:aws:sts::{event['Account']}:assumed-role/{role.rpartition('/')[2]}/{name}"
    key = ""
    try:
        key = role_credentials(role, name, SCHEDULER).access_key_id
        caller = Caller(event["Account"], event["Region"], principal, key)
        control(caller, operation, json.loads(target.get("Input") or "{}"))
    except (ServiceError, ValueError) as error:
        log.warning("Schedule %s could not call %s: %s", name, operation, error)
        queue = target.get("DeadLetterConfig", {}).get("Arn")
        if queue and key:
            send_dead_letter(
                authorizer, Caller(event["Account"], event["Region"], principal, key), queue, target, error
            )
        return
    log.info("Schedule %s called %s", name, operation)


def send_dead_letter(
    authorizer: Authorizer, caller: Caller, queue: str, target: dict[str, Any], error: ServiceError | ValueError
) -> None:
    """Send a failed call to a dead-letter queue as the schedule's role, with AWS's attributes.

    (EventBridge Scheduler user guide, "Configuring a schedule's dead-letter queue".)
    """
    from ministack.services import sqs

    attributes = {
        "ERROR_CODE": getattr(error, "code", "ValidationException"),
        "ERROR_MESSAGE": str(error),
        "RETRY_ATTEMPTS": "0",
        "TARGET_ARN": target["Arn"],
    }
    message = {
        "MessageBody": target.get("Input") or "{}",
        "MessageAttributes": {name: {"DataType": "String", "StringValue": text} for name, text in attributes.items()},
    }
    try:
        authorizer.require(caller, "sqs:SendMessage", queue)
        with account_scope(caller.account, caller.region):
            sqs._act_send_message(message, sqs._queue_url(queue.rpartition(":")[2]))
    except (ServiceError, sqs._Err) as refused:
        log.warning("The dead-letter queue %s did not get the call: %s", queue, refused)
