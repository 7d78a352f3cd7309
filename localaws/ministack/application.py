"""MiniStack's ASGI application: its environment variables, patches and shutdown."""

import logging
from pathlib import Path
from typing import Any

from localaws.environment import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY
from localaws.ministack import managed_policies, request_context, rest_api

LAMBDA_SITE = Path(__file__).resolve().parent / "lambda_site"
NODE_MODULES = Path(__file__).resolve().parents[2] / "node_modules"


def environment(port: int, state_dir: Path) -> dict[str, str]:
    """Return MiniStack's environment variables. MiniStack reads them when it is imported.

    Sources: ministack 1.5.33, `core/persistence.py`, `services/s3.py`, `core/lambda_runtime.py`, `app.py`.
    """
    return {
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": REGION,
        "MINISTACK_HOST": "localhost",
        "AUTH": "true",
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "AWS_ENDPOINT_URL": f"http://localhost:{port}",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "PERSIST_STATE": "1",
        "STATE_DIR": str(state_dir / "ministack"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(state_dir / "s3"),
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "LAMBDA_EXECUTOR": "local",
        # Inherited by the processes that run functions: see lambda_site/sitecustomize.py and localhost.cjs.
        "PYTHONPATH": str(LAMBDA_SITE),
        "NODE_OPTIONS": f'--require "{LAMBDA_SITE / "localhost.cjs"}"',
        # Lambda's Node.js runtimes bring the AWS SDK; here it comes from package.json.
        "NODE_PATH": str(NODE_MODULES),
    }


def load() -> Any:
    """Import MiniStack, patch its policy checks and limits, and return its ASGI application."""
    from ministack import app

    for logger in ("ministack", "persistence", "transfer"):
        logging.getLogger(logger).setLevel(logging.WARNING)
    request_context.patch_metric_namespace()
    request_context.patch_log_stream_arn()
    request_context.patch_pass_role_check()
    rest_api.patch_event_limit()
    managed_policies.add_managed_policies()
    managed_policies.patch_attachments()
    managed_policies.patch_simulated_names()
    return app.app


def stop_functions() -> None:
    """End the warm processes in which Lambda functions run."""
    from ministack.core import lambda_runtime

    lambda_runtime.reset()


def is_control(method: str, path: str) -> bool:
    """Return whether a request is one of MiniStack's own controls. One of them deletes all state.

    MiniStack accepts them without a signature, also from any web page. The answers of custom resources and wait
    conditions are not controls: AWS serves them as presigned URLs, and their paths hold an unguessable token.
    """
    callbacks = ("/_ministack/cfn-response/", "/_ministack/cfn-signal/")
    return path.startswith("/_ministack/") and method != "GET" and not (method == "PUT" and path.startswith(callbacks))
