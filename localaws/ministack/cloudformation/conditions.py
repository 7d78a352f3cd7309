"""Fn::Join in conditions, which MiniStack 1.5.33 compares unresolved.

In the CDK's bootstrap stack, an empty list of policies then counts as a list, and the execution role gets no policy.
"""

from typing import Any


def patch() -> None:
    """Resolve the joins of a template's conditions before MiniStack evaluates them."""
    from ministack.services.cloudformation import changesets, engine, handlers, stacks

    original = engine._evaluate_conditions

    def evaluate(template: dict[str, Any], params: dict[str, Any]) -> dict[str, bool]:
        conditions = joined(template.get("Conditions", {}), params)
        result: dict[str, bool] = original(template | {"Conditions": conditions}, params)
        return result

    changesets._evaluate_conditions = evaluate
    handlers._evaluate_conditions = evaluate
    stacks._evaluate_conditions = evaluate


def joined(value: Any, params: dict[str, Any]) -> Any:
    """Return a condition with its joins as text; the value of a list parameter is text with commas."""
    if isinstance(value, list):
        return [joined(item, params) for item in value]
    if not isinstance(value, dict):
        return value
    if "Fn::Join" not in value:
        return {key: joined(item, params) for key, item in value.items()}
    separator, items = value["Fn::Join"]
    if isinstance(items, dict):
        items = params[items["Ref"]]["Value"].split(",")
    return separator.join(params[item["Ref"]]["Value"] if isinstance(item, dict) else item for item in items)
