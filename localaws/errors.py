"""The errors of localaws: a refused request in AWS's format, and a server that cannot start."""

import json
from typing import Any


class ServiceError(Exception):
    """A refused or failed request, in AWS's words.

    Args:
        code: AWS's error code, such as "ValidationException".
        message: one sentence.
        status: HTTP status.
        extra: further members of the error's body, such as OriginalStatusCode.
    """

    def __init__(self, code: str, message: str, status: int = 400, extra: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.extra = extra or {}

    def body(self) -> bytes:
        """Return the JSON body; botocore reads `__type` (JSON 1.1) and `Message` or `message`."""
        return json.dumps(
            {"__type": self.code, "message": self.message, "Message": self.message, **self.extra}
        ).encode()

    def headers(self) -> dict[str, str]:
        """Return the headers of the answer. REST-JSON clients read the error code from them."""
        return {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": self.code}


def invalid(message: str) -> ServiceError:
    """Return the error for a request that cannot be carried out as it is."""
    return ServiceError("ValidationException", message)


class StartError(Exception):
    """localaws cannot start. The sentence says why and what to do."""
