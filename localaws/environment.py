"""The environment variables that point a client, or MiniStack itself, at this machine."""

from pathlib import Path

ACCOUNT = "000000000000"
REGION = "us-east-1"
ACCESS_KEY_ID = "AKIALOCALAWSONLOCAL0"
"""A key of our own: the CDK CLI caches the account of each access key under the user's home."""
SECRET_ACCESS_KEY = "no-secret-this-key-opens-only-localhost"  # noqa: S105

LAMBDA_SITE = Path(__file__).resolve().parent / "ministack" / "lambda_site"


def client_environment(port: int) -> dict[str, str]:
    """Return what boto3, the AWS CLI and the CDK CLI need to speak to localaws on `port`."""
    return {
        "AWS_ENDPOINT_URL": f"http://localhost:{port}",
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
    }


def server_environment(port: int, state_dir: Path) -> dict[str, str]:
    """Return MiniStack's settings; they must be set before it is imported.

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
        "NODE_PATH": str(Path(__file__).resolve().parents[1] / "node_modules"),
    }
