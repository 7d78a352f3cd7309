"""What a handler of one CloudFormation resource type is.

{"create": f(logical_id, properties, stack_name) -> (physical_id, attributes),
"update": f(physical_id, old, new, stack_name) -> the same, "delete": f(physical_id, properties)}
(ministack 1.5.33, services/cloudformation/provisioners.py). A ValueError fails the stack with its message.
"""

import secrets
import string
from typing import Any

Properties = dict[str, Any]
Created = tuple[str, dict[str, Any]]
Handler = dict[str, Any]


def generated_name(stack_name: str, logical_id: str) -> str:
    """Return a name as CloudFormation makes one: logical id and 12 random characters, at most 63 in all."""
    suffix = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(12))
    return f"{logical_id[:50]}-{suffix}"
