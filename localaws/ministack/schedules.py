"""EventBridge Scheduler's calls of SageMaker: MiniStack keeps and times schedules, this makes the call.

A target arn:aws:scheduler:::aws-sdk:sagemaker:deleteEndpoint calls DeleteEndpoint with the schedule's Input, as the
schedule's role (EventBridge Scheduler user guide, "Using universal targets").
"""

import json
import logging
import time
from typing import Any

from localaws.errors import ServiceError
from localaws.gateway import SageMaker
from localaws.identity import Authorizer, Caller, account_scope

TARGET = ":scheduler:::aws-sdk:sagemaker:"
SCHEDULER = "scheduler.amazonaws.com"
TICK_SECONDS = 1
"""MiniStack looks every 10 seconds; EventBridge Scheduler promises a minute."""

log = logging.getLogger("localaws")


def register(sagemaker: SageMaker, authorizer: Authorizer) -> None:
    """Teach MiniStack's scheduler the universal targets of SageMaker."""
    from ministack.services import eventbridge, scheduler

    theirs, tick = eventbridge._invoke_target, scheduler._tick_schedules

    def invoke(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any]) -> Any:
        if TARGET not in target.get("Arn", ""):
            return theirs(target, event, rule)
        call(sagemaker, authorizer, target, event, rule.get("Name", ""))
        return None

    def look() -> None:
        """A one-time schedule that was moved into the future fires again, which MiniStack forgets."""
        for key in list(scheduler._schedule_last_fired):
            moment = scheduler._at_time_epoch(scheduler._schedules._data.get(key, {}).get("ScheduleExpression", ""))
            if moment is not None and moment > time.time():
                del scheduler._schedule_last_fired[key]
        tick()

    eventbridge._invoke_target = invoke
    scheduler._tick_schedules = look
    scheduler._SCHEDULE_TICK_INTERVAL = TICK_SECONDS


def call(
    sagemaker: SageMaker, authorizer: Authorizer, target: dict[str, Any], event: dict[str, Any], schedule: str
) -> None:
    """Make one call as the schedule's role; one that fails goes to the log and to the dead-letter queue, unrepeated."""
    name = target["Arn"].rpartition(":")[2]
    operation, role = name[:1].upper() + name[1:], target.get("RoleArn", "")
    principal = f"arn:aws:sts::{event['Account']}:assumed-role/{role.rpartition('/')[2]}/{schedule}"
    key = ""
    try:
        key = authorizer.role_credentials(role, schedule, SCHEDULER).access_key_id
        caller = Caller(event["Account"], event["Region"], principal, key)
        sagemaker.control(caller, operation, json.loads(target.get("Input") or "{}"))
    except (ServiceError, ValueError) as error:
        log.warning("Schedule %s could not call %s: %s", schedule, operation, error)
        queue = target.get("DeadLetterConfig", {}).get("Arn")
        if queue and key:
            report(authorizer, Caller(event["Account"], event["Region"], principal, key), queue, target, error)
        return
    log.info("Schedule %s called %s", schedule, operation)


def report(
    authorizer: Authorizer, caller: Caller, queue: str, target: dict[str, Any], error: ServiceError | ValueError
) -> None:
    """Send a failed call to a dead-letter queue as the schedule's role, with the attributes that AWS gives it.

    (EventBridge Scheduler user guide, "Configuring a schedule's dead-letter queue".)
    """
    from ministack.services import sqs

    said = {"ERROR_CODE": getattr(error, "code", "ValidationException"), "ERROR_MESSAGE": str(error)}
    attributes = said | {"RETRY_ATTEMPTS": "0", "TARGET_ARN": target["Arn"]}
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
