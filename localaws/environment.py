"""The region and keys of localaws, and the environment variables that point a client at it."""

from pathlib import Path

REGION = "us-east-1"
ACCESS_KEY_ID = "AKIALOCALAWSONLOCAL0"
"""A key that no one else uses: the CDK CLI caches the account of each access key under the user's home."""
SECRET_ACCESS_KEY = "no-secret-this-key-opens-only-localhost"  # noqa: S105

SAGEMAKER_SDK_CONFIG = Path(__file__).with_name("sagemaker_sdk.json")
"""Configuration of the SageMaker Python SDK. It names the default bucket: the SDK would look that up at AWS's own STS
and ignore AWS_ENDPOINT_URL. It also turns off the SDK's telemetry."""


def client_environment(port: int) -> dict[str, str]:
    """Return the variables with which boto3, the AWS CLI, the CDK CLI and the SageMaker SDK use localaws on `port`."""
    return {
        "AWS_ENDPOINT_URL": f"http://localhost:{port}",
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "SAGEMAKER_USER_CONFIG_OVERRIDE": str(SAGEMAKER_SDK_CONFIG),
    }
