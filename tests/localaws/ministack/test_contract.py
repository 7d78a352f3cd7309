"""What localaws/ministack relies on in MiniStack, checked against the installed version.

RELIANCES holds every private or public name that a file of the folder uses, with the arguments it passes. A name that
ends in "=" is passed as a keyword. LOOKUPS holds the functions through which a patch takes effect.
"""

import ast
import importlib.util
import inspect
import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[3] / "localaws" / "ministack"

RELIANCES = {
    "account_scope.py": """
        core.responses._request_account_id
        core.responses._request_region
        core.responses.get_account_id()
        core.responses.get_region()
    """,
    "application.py": """
        app.app(scope, receive, send)
        core.lambda_runtime.reset()
    """,
    "cloudformation/__init__.py": """
        services.cloudformation.provisioners._RESOURCE_HANDLERS
        services.cloudformation.stacks._runs_on_worker_thread(resource_type)
    """,
    "cloudformation/api_stages.py": """
        services.apigateway_v1._account_settings
    """,
    "cloudformation/buckets.py": """
        services.s3._bucket_tags
        services.s3._buckets
        services.s3._delete_persisted_bucket(name)
    """,
    "cloudformation/conditions.py": """
        services.cloudformation.changesets._evaluate_conditions(template, params)
        services.cloudformation.engine._evaluate_conditions(template, params)
        services.cloudformation.handlers._evaluate_conditions(template, params)
        services.cloudformation.stacks._evaluate_conditions(template, params)
    """,
    "cloudformation/exports.py": """
        services.cloudformation._exports
        services.cloudformation._stacks
        services.cloudformation.changesets._deploy_stack_async(stack_name, stack_id, template, param_values, \
disable_rollback, tags, is_update=, previous_stack=)
        services.cloudformation.handlers._deploy_stack_async(stack_name, stack_id, template, param_values, \
disable_rollback, tags, is_update=, previous_stack=)
        services.cloudformation.handlers._imported_export_names(stack, stack_name)
        services.cloudformation.stacks._deploy_stack_async(stack_name, stack_id, template, param_values, \
disable_rollback, tags, is_update=, previous_stack=)
        services.cloudformation.stacks._evaluate_conditions(template, params)
        services.cloudformation.stacks._failed_operation(is_update, previous_stack, created, failed_update, \
failed_logical_id, replaced_ids, cancelled, template, param_values, retain_except_on_create, stack_tags, previous_tags)
        services.cloudformation.stacks._resolve_refs(value, resources, params, conditions, mappings, \
stack_name, stack_id)
        services.cloudformation.stacks._resolve_stack_outputs(outputs_defs, conditions, resources, param_values, \
mappings, stack_name, stack_id)
        services.cloudformation.stacks._roll_back_operation(stack_name, stack_id, stack, operation, reason_override)
    """,
    "cloudformation/resources.py": """
        services.cloudformation._stacks
        services.cloudformation.provisioners._delete_predecessor(delete_fn, physical_id, properties)
    """,
    "cloudformation/settling.py": """
        services.cloudformation._stacks
        services.cloudformation.handle_request(method, path, headers, body, query_params)
    """,
    "durability.py": """
        app._build_persistence_save_dict()
        core.persistence.STATE_DIR
        core.persistence._json_default(obj)
        core.persistence._state_format_version(service)
    """,
    "managed_policies.py": """
        core.iam_evaluator._gather_role_policies(role_name, account_id)
        core.iam_evaluator._gather_user_policies(user_name, account_id)
        services.iam._IAM_HANDLERS
        services.iam._aws_managed_policies
        services.iam._error(status, code, message)
        services.iam._make_aws_managed_record(name, document)
        services.iam._p(params, key)
        services.iam.attach_managed_policy(entity, policy_arn)
        services.iam.policy_known(arn)
    """,
    "object_store.py": """
        app.call_service_handler_sync(handler, method, path, headers, body, query_params)
        services.s3._get_object(bucket_name, key, headers, query_params)
        services.s3._put_object(bucket_name, key, body, headers)
    """,
    "policies.py": """
        core.iam_evaluator.AuthError
        core.iam_evaluator.EvalContext(principal_arn=, principal_type=, principal_account=, action=, resource_arn=, \
region=, secure_transport=, service_context=, principal_keys=)
        core.iam_evaluator._resource_policy(service, resource_arn)
        core.iam_evaluator.combine_resource_policy(identity, ctx, policy, owner_account, limits=)
        core.iam_evaluator.evaluate(ctx, policies)
        core.iam_evaluator.resolve_principal(access_key_id, account_id)
    """,
    "request_context.py": """
        core.iam_actions.access_denied_response(service, action, principal_arn, request_id, resource_arn=)
        core.iam_actions.extract_resource_arn(service, method, path, headers, body, query_params, region, account_id)
        core.iam_actions.request_tag_context(service, iam_action, body, params)
        core.iam_evaluator.AuthError
        core.iam_evaluator.enforce(access_key_id, iam_action, service, region, resource_arn, service_context)
        core.responses.get_region()
        services.scheduler.handle_request(method, path, headers, body_bytes, query_params)
    """,
    "rest_api.py": """
        services.apigateway_v1._call_lambda_raw(function_ref, event, account_id=, region=)
    """,
    "role_credentials.py": """
        core.iam_evaluator.EvalContext(principal_arn=, principal_type=, principal_account=, action=, resource_arn=, \
region=, service_context=)
        core.iam_evaluator._action_matches(request_action, actions, not_actions)
        core.iam_evaluator._conditions_met(conditions, ctx)
        core.iam_evaluator._service_principal_matches(principal, service)
        services.iam._roles
        services.sts.register_session(access_key, session)
    """,
    "schedules.py": """
        services.eventbridge._invoke_target(target, event, rule)
        services.scheduler._SCHEDULE_TICK_INTERVAL
        services.scheduler._at_time_epoch(expr)
        services.scheduler._schedule_last_fired
        services.scheduler._schedules
        services.scheduler._tick_schedules()
        services.sqs._Err(code, message)
        services.sqs._act_send_message(data, qurl)
        services.sqs._queue_url(name)
    """,
    "signatures.py": """
        core.iam_evaluator.AuthError
        core.iam_evaluator.check_credentials(access_key_id, service)
        core.iam_evaluator.pin_signed_body(body)
        core.iam_evaluator.pin_signed_request(method, raw_path, query_params, raw_headers)
        core.iam_evaluator.resolve_principal(access_key_id, account_id)
        core.responses.get_account_id()
        core.responses.set_request_account_id(access_key_id)
        core.responses.set_request_region(region)
    """,
}

LOOKUPS = [
    ("managed_policies.py", "services.cloudformation.provisioners._iam_role_create", "attach_managed_policy"),
    ("managed_policies.py", "services.iam._simulate_principal_policy", "_gather_role_policies"),
    ("managed_policies.py", "services.iam._simulate_principal_policy", "_gather_user_policies"),
    ("managed_policies.py", "services.iam.handle_request", "_IAM_HANDLERS"),
    ("request_context.py", "app._dispatch_service_request", "request_tag_context"),
    ("request_context.py", "app._dispatch_service_request", "extract_resource_arn"),
    ("rest_api.py", "services.apigateway_v1._invoke_lambda_proxy_v1", "_call_lambda_raw"),
    ("schedules.py", "services.scheduler._ticker_loop", "_tick_schedules"),
    ("schedules.py", "services.scheduler._ticker_loop", "_SCHEDULE_TICK_INTERVAL"),
    ("schedules.py", "services.scheduler._tick_schedules", "_invoke_target"),
    ("cloudformation/conditions.py", "services.cloudformation.stacks._deploy_stack_async", "_evaluate_conditions"),
    ("cloudformation/exports.py", "services.cloudformation.stacks._deploy_stack_async", "_resolve_stack_outputs"),
    ("cloudformation/__init__.py", "services.cloudformation.stacks._deploy_stack_async", "_runs_on_worker_thread"),
]


def sentence(file: str, dotted: str, problem: str) -> str:
    name = ".".join(dotted.split(".")[-2:])
    return f"MiniStack {version('ministack')}'s `{name}` {problem}: read localaws/ministack/{file}"


def resolve(dotted: str) -> Any:
    """Return an attribute of a module of MiniStack.

    Raises:
        AttributeError, ImportError: it does not exist.
    """
    module, _, name = dotted.rpartition(".")
    return getattr(importlib.import_module(f"ministack.{module}"), name)


def reliances() -> Iterator[tuple[str, str, str | None]]:
    """Yield (file, dotted name, arguments or None) for each line of RELIANCES."""
    for file, lines in RELIANCES.items():
        for dotted, arguments in re.findall(r"^\s*([\w.]+)(\(.*\))?$", lines, re.MULTILINE):
            yield file, dotted, arguments or None


def check(file: str, dotted: str, arguments: str | None) -> None:
    """Fail with a sentence if MiniStack no longer has a name, or it no longer takes the arguments."""
    try:
        subject = resolve(dotted)
    except (AttributeError, ImportError):
        pytest.fail(sentence(file, dotted, "no longer exists"), pytrace=False)
    if arguments is None:
        return
    names = [name.strip() for name in arguments.strip("()").split(",") if name.strip()]
    signature = inspect.signature(subject)
    positional = [name for name in names if not name.endswith("=")]
    variadic = any(parameter.kind is parameter.VAR_POSITIONAL for parameter in signature.parameters.values())
    try:
        signature.bind(*positional, **{name.rstrip("="): None for name in names if name.endswith("=")})
        same_order = variadic or list(signature.parameters)[: len(positional)] == positional
    except TypeError:
        same_order = False
    if not same_order:
        pytest.fail(sentence(file, dotted, f"no longer takes {arguments}"), pytrace=False)


def names_in(code: CodeType) -> set[str]:
    """Return the names that a function's code and its inner functions look up."""
    inner = [names_in(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*inner)


def used_names(path: Path) -> set[str]:
    """Return the dotted names below `ministack` that a module imports, or reads from a module it imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules, used = {}, set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "ministack":
            package = (node.module or "").removeprefix("ministack").removeprefix(".")
            for alias in node.names:
                dotted = f"{package}.{alias.name}".lstrip(".")
                if importlib.util.find_spec(f"ministack.{dotted}"):
                    modules[alias.name] = dotted
                else:
                    used.add(dotted)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            used.add(f"{modules[node.value.id]}.{node.attr}")
    return used


@pytest.mark.parametrize(("file", "dotted", "arguments"), list(reliances()), ids=lambda value: str(value)[-50:])
def test_ministack_still_has_what_localaws_relies_on(file: str, dotted: str, arguments: str | None) -> None:
    check(file, dotted, arguments)


@pytest.mark.parametrize(("file", "function", "name"), LOOKUPS)
def test_ministack_still_looks_up_what_localaws_patches(file: str, function: str, name: str) -> None:
    assert name in names_in(resolve(function).__code__), sentence(file, function, f"no longer looks up `{name}`")


def test_every_use_of_ministack_is_listed_here() -> None:
    used = {
        str(path.relative_to(FOLDER)): used_names(path)
        for path in FOLDER.rglob("*.py")
        if "lambda_site" not in path.parts and used_names(path)
    }
    listed: dict[str, set[str]] = {}
    for file, dotted, _ in reliances():
        listed.setdefault(file, set()).add(dotted)
    assert listed == used


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (None, "`s3._put_object` no longer exists: read localaws/ministack/object_store.py"),
        (
            lambda bucket, body: None,
            "`s3._put_object` no longer takes (bucket_name, key, body, headers): read "
            "localaws/ministack/object_store.py",
        ),
    ],
)
def test_a_change_of_ministack_is_named_with_the_file_to_read(
    monkeypatch: pytest.MonkeyPatch, change: Any, expected: str
) -> None:
    from ministack.services import s3

    if change is None:
        monkeypatch.delattr(s3, "_put_object")
    else:
        monkeypatch.setattr(s3, "_put_object", change)
    (reliance,) = [each for each in reliances() if each[1] == "services.s3._put_object"]
    with pytest.raises(pytest.fail.Exception) as caught:
        check(*reliance)
    assert str(caught.value) == f"MiniStack {version('ministack')}'s {expected}"
