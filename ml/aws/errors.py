"""Errors of AWS and of the machine, as a sentence with a remedy."""

from collections.abc import Iterator
from contextlib import contextmanager

import botocore.exceptions

from ml.errors import UserError

REMEDIES = {
    "ResourceLimitExceeded": "Ask for a quota in the Service Quotas console (Amazon SageMaker), or use another "
    "--instance-type.",
    "CapacityError": "AWS has no such instance free now: try again later, or use another --instance-type.",
    "AccessDenied": "Your credentials lack a permission: use a principal that may do this, or ask your administrator.",
    "AccessDeniedException": "Your credentials lack a permission: use a principal that may do this, or ask your "
    "administrator.",
    "ExpiredToken": "Sign in again.",
    "ExpiredTokenException": "Sign in again.",
    "InvalidClientTokenId": "AWS does not know this access key: check AWS_ACCESS_KEY_ID or your profile.",
    "UnrecognizedClientException": "AWS does not know this access key: check AWS_ACCESS_KEY_ID or your profile.",
    "NoSuchBucket": "Deploy the storage stack first.",
}


@contextmanager
def advising(advice: str) -> Iterator[None]:
    """Add a sentence to whatever ends the block: an error of AWS or of the machine, or Ctrl-C.

    Raises:
        UserError: what happened, then `advice`. A UserError of the block passes unchanged.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise UserError(f"Interrupted. {advice}") from None
    except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError, OSError) as error:
        raise UserError(f"{explain(error).rstrip('.')}. {advice}") from error


def still_billed(kind: str, job: str, command: str, attach: bool = True) -> str:
    """Return the advice for a command that stops following a job.

    Args:
        kind: as in "Training job".
        command: what takes --attach and --stop, as in "python -m ml.train --stage dev".
        attach: whether the job can be followed again.
    """
    follow = f"Follow it with `{command} --attach {job}`, or stop" if attach else "Stop"
    return f"{kind} {job} continues and is billed until it ends. {follow} it with `{command} --stop {job}`."


def explain(error: Exception) -> str:
    """Return a sentence with a remedy for an error of AWS or of the machine."""
    match error:
        case botocore.exceptions.ClientError():
            details = error.response.get("Error", {})
            remedy = REMEDIES.get(details.get("Code", ""), "")
            if "assume" in details.get("Message", "") and "role" in details["Message"]:
                remedy = "Deploy the storage stack again: it creates the role that SageMaker assumes."
            message = str(details.get("Message", error)).rstrip(".")
            return f"AWS refused {error.operation_name}: {message}. {remedy}".rstrip()
        case botocore.exceptions.NoCredentialsError() | botocore.exceptions.PartialCredentialsError():
            return "no AWS credentials were found. Run `aws configure`, or export AWS_ACCESS_KEY_ID and its secret."
        case botocore.exceptions.SSOError() | botocore.exceptions.TokenRetrievalError():
            return f"{str(error).rstrip('.')}. Sign in again."
        case botocore.exceptions.NoRegionError():
            return "no AWS region is set. Export AWS_REGION, for example us-east-1."
        case botocore.exceptions.ConnectionError() | botocore.exceptions.HTTPClientError():
            return f"{str(error).rstrip('.')}. Check the network, and AWS_ENDPOINT_URL if it is set."
        case OSError():
            return f"{error.strerror or error}: {error.filename or ''}".rstrip(": ")
        case _:
            return f"the call to AWS failed: {error}."
