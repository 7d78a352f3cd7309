"""The List operations: filters, order, pages."""

import base64
import datetime
from contextlib import suppress
from typing import Any

from botocore.utils import parse_to_aware_datetime

from localaws.errors import invalid
from localaws.sagemaker.store import Document

DEFAULT_PAGE = 10
"""MaxResults when the request names none (API reference)."""

OLDEST_FIRST = ("TrainingJob",)
"""The kinds that are listed in ascending order when the request names none (API reference)."""


def page(kind: str, documents: list[Document], request: Document) -> tuple[list[Document], str | None]:
    """Return one page of the resources of `kind` that `request` asks for, and the token of the next.

    Raises:
        ServiceError: ValidationException, for a NextToken that no call returned.
    """
    kept = [document for document in documents if matches(kind, document, request)]
    by = request.get("SortBy", "CreationTime")
    member = {"Name": f"{kind}Name", "Status": f"{kind}Status"}.get(by, "CreationTime")
    # The name decides between equals, so that pages neither repeat nor lose one.
    kept.sort(key=lambda document: (document.get(member, ""), document[f"{kind}Name"]))
    if request.get("SortOrder", "Ascending" if kind in OLDEST_FIRST else "Descending") == "Descending":
        kept.reverse()
    start = decode_token(request["NextToken"]) if request.get("NextToken") else 0
    end = start + int(request.get("MaxResults", DEFAULT_PAGE))
    return kept[start:end], encode_token(end) if end < len(kept) else None


def matches(kind: str, document: Document, request: Document) -> bool:
    """Whether a resource passes the request's filters."""
    if request.get("NameContains", "").lower() not in document[f"{kind}Name"].lower():
        return False
    if request.get("StatusEquals") not in (None, document.get(f"{kind}Status")):
        return False
    for member in ("CreationTime", "LastModifiedTime"):
        # Clients know times as they are sent: in milliseconds.
        when = round(float(document.get(member) or document["CreationTime"]), 3)
        if f"{member}After" in request and when <= seconds(request[f"{member}After"]):
            return False
        if f"{member}Before" in request and when >= seconds(request[f"{member}Before"]):
            return False
    return True


def seconds(value: Any) -> float:
    """Return a request's timestamp (a number, or ISO 8601 text) in seconds since the epoch, to the millisecond."""
    moment: datetime.datetime = parse_to_aware_datetime(value)
    return round(moment.timestamp(), 3)


def encode_token(position: int) -> str:
    """Return an opaque NextToken."""
    return base64.urlsafe_b64encode(f"from:{position}".encode()).decode()


def decode_token(token: str) -> int:
    """Return the position of a NextToken.

    Raises:
        ServiceError: ValidationException.
    """
    with suppress(ValueError):  # what base64, UTF-8 and int() say to a token that is none
        word, _, position = base64.urlsafe_b64decode(token).decode().partition(":")
        if word == "from":
            return int(position)
    raise invalid("NextToken is not one that this operation returned; start again without it.")
