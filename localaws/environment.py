"""The region and keys of localaws, and the environment variables that point a client at it."""

REGION = "us-east-1"
ACCESS_KEY_ID = "AKIALOCALAWSONLOCAL0"
"""A key that no one else uses: the CDK CLI caches the account of each access key under the user's home."""
SECRET_ACCESS_KEY = "no-secret-this-key-opens-only-localhost"  # noqa: S105


def client_environment(port: int) -> dict[str, str]:
    """Return the variables with which boto3, the AWS CLI and the CDK CLI use localaws on `port`."""
    return {
        "AWS_ENDPOINT_URL": f"http://localhost:{port}",
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
    }
