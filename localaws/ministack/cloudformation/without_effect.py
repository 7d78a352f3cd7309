"""Resource types that a stack may hold and that have no effect on this machine."""

import logging

from localaws.ministack.cloudformation.resources import Created, Handler, Properties, generated_name

TYPES = [
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::Budgets::Budget",
    "AWS::WAFv2::WebACLAssociation",
]

log = logging.getLogger("localaws")


def handler(resource_type: str) -> Handler:
    """Return a handler that accepts a resource and does nothing with it."""

    def create(logical_id: str, properties: Properties, stack_name: str) -> Created:
        log.info("%s %s has no effect in localaws", resource_type, logical_id)
        return generated_name(stack_name, logical_id), {}

    def update(physical_id: str, old: Properties, new: Properties, stack_name: str) -> Created:
        return physical_id, {}

    def delete(physical_id: str, properties: Properties) -> None:
        log.info("%s %s is deleted", resource_type, physical_id)

    return {"create": create, "update": update, "delete": delete}
