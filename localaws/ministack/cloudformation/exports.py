"""Exports in use: CloudFormation neither deletes nor changes a value that another stack imports.

MiniStack 1.5.33 refuses only the deletion of the exporting stack, and keeps exports that an update removed.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Deploy = Callable[..., Awaitable[None]]


def patch() -> None:
    """Refuse an update that removes or changes an export in use, and remove unused exports with their outputs."""
    from ministack.services.cloudformation import changesets, handlers, stacks

    deploy = checked_deploy(stacks._deploy_stack_async)
    stacks._deploy_stack_async = deploy
    changesets._deploy_stack_async = deploy
    handlers._deploy_stack_async = deploy
    stacks._resolve_stack_outputs = checked_outputs(stacks._resolve_stack_outputs)


def checked_deploy(original: Deploy) -> Deploy:
    """Return MiniStack's deployment with a check of the removed exports, made before any resource changes."""

    async def deploy(
        stack_name: str,
        stack_id: str,
        template: dict[str, Any],
        parameters: dict[str, Any],
        *rest: Any,
        is_update: bool = False,
        previous_stack: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        from ministack.services.cloudformation import _exports, _stacks, stacks

        before = exports(previous_stack or {}) if is_update else set()
        removed = sorted(before - declared(stack_name, stack_id, template, parameters))
        for name in removed:
            importer = importer_of(name, stack_name)
            if importer:
                stack, old = _stacks[stack_name], previous_stack or {}
                operation = stacks._failed_operation(
                    True, old, [], None, None, [], False, template, parameters, False, stack.get("Tags") or [],
                    old.get("Tags") or [],
                )  # fmt: skip
                reason = f"Cannot delete export {name} as it is in use by {importer}."
                await stacks._roll_back_operation(stack_name, stack_id, stack, operation, reason)
                return
        await original(
            stack_name, stack_id, template, parameters, *rest,
            is_update=is_update, previous_stack=previous_stack, **options,
        )  # fmt: skip
        for name in set(removed) - exports(_stacks[stack_name]):
            _exports.pop(name, None)

    return deploy


def checked_outputs(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return MiniStack's resolution of outputs with a check of changed exports. A ValueError rolls back."""

    def resolve(*arguments: Any) -> Any:
        from ministack.services.cloudformation import _exports

        outputs, new = original(*arguments)
        for name, export in new.items():
            before = _exports.get(name)
            importer = importer_of(name, arguments[-2]) if before and before["Value"] != export["Value"] else None
            if importer:
                raise ValueError(f"Cannot update export {name} as it is in use by {importer}.")
        return outputs, new

    return resolve


def exports(stack: Mapping[str, Any]) -> set[str]:
    """Return the names of the exports of a deployed stack."""
    return {output["ExportName"] for output in stack.get("Outputs", []) if output.get("ExportName")}


def declared(stack_name: str, stack_id: str, template: dict[str, Any], parameters: dict[str, Any]) -> set[str]:
    """Return the names of a template's exports. A name of an export cannot refer to a resource."""
    from ministack.services.cloudformation import stacks

    conditions = stacks._evaluate_conditions(template, parameters)
    mappings = template.get("Mappings", {})
    return {
        str(stacks._resolve_refs(output["Export"]["Name"], {}, parameters, conditions, mappings, stack_name, stack_id))
        for output in template.get("Outputs", {}).values()
        if "Export" in output and conditions.get(output.get("Condition"), True)
    }


def importer_of(export: str, exporter: str) -> str | None:
    """Return the name of another stack that imports an export, None if there is none."""
    from ministack.services.cloudformation import _stacks, handlers

    for name, stack in _stacks.items():
        deleted = stack.get("StackStatus") in ("DELETE_COMPLETE", "REVIEW_IN_PROGRESS")
        if name != exporter and not deleted and export in handlers._imported_export_names(stack, name):
            return str(name)
    return None
