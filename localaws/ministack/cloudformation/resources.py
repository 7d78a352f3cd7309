"""Resources of MiniStack's stacks: the handler of a type, and the deployed resources.

A handler is {"create": f(logical_id, properties, stack_name) -> (physical_id, attributes),
"update": f(physical_id, old, new, stack_name) -> the same, "delete": f(physical_id, properties)}
(ministack 1.5.33, services/cloudformation/provisioners.py). A ValueError fails the stack with its message.
"""

import secrets
import string
from collections.abc import Callable
from typing import Any

from localaws.ministack.account_scope import account_scope

Properties = dict[str, Any]
Created = tuple[str, dict[str, Any]]
Handler = dict[str, Any]


def generated_name(stack_name: str, logical_id: str) -> str:
    """Return a name as CloudFormation generates it: logical id and 12 random characters, at most 63 in all."""
    suffix = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(12))
    return f"{logical_id[:50]}-{suffix}"


def delete_replaced(delete: Callable[[str, Properties], None], physical_id: str, properties: Properties) -> None:
    """Delete a resource that an update replaced, at the time and under the policies that CloudFormation applies."""
    from ministack.services.cloudformation import provisioners

    provisioners._delete_predecessor(delete, physical_id, properties)


def deployed(account: str, region: str, resource_type: str) -> list[tuple[str, Properties]]:
    """Return (physical id, properties) of the resources of one type in the account's stacks."""
    from ministack.services.cloudformation import _stacks

    with account_scope(account, region):
        resources = [resource for stack in _stacks.values() for resource in stack.get("_resources", {}).values()]
    return [
        (resource["PhysicalResourceId"], resource["Properties"])
        for resource in resources
        if resource["ResourceType"] == resource_type
    ]
