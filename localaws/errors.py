"""The error that every localaws service raises, in the shape AWS puts on the wire."""

import json
from typing import Any


class ServiceError(Exception):
    """A request was refused or failed, as AWS would say it.

    Args:
        code: AWS's error code, such as "ValidationException".
        message: one sentence for the person who reads it.
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
        """Return the headers that go with the body; REST-JSON clients read the code from here."""
        return {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": self.code}


def invalid(message: str) -> ServiceError:
    """Return the error for a request that cannot be carried out as it is."""
    return ServiceError("ValidationException", message)


class StartError(Exception):
    """localaws cannot start; the sentence says why and what to do."""
