"""The List operations: filters, order, pages."""

import base64
import datetime
from contextlib import suppress
from typing import Any

from botocore.utils import parse_to_aware_datetime

from localaws.errors import invalid
from localaws.sagemaker.store import Document

DEFAULT_PAGE = 10
"""Default MaxResults (API reference)."""

OLDEST_FIRST = ("TrainingJob", "ProcessingJob", "ModelPackageGroup")
"""The kinds whose default order is ascending (API reference)."""


def page(kind: str, documents: list[Document], request: Document) -> tuple[list[Document], str | None]:
    """Return one page of the resources of `kind` that match `request`, and the token of the next page.

    Raises:
        ServiceError: ValidationException, for an invalid NextToken.
    """
    matching = [document for document in documents if matches(kind, document, request)]
    by = request.get("SortBy", "CreationTime")
    member = {"Name": f"{kind}Name", "Status": f"{kind}Status"}.get(by, "CreationTime")
    # Equal values are ordered by name: otherwise pages could repeat or miss a resource.
    matching.sort(key=lambda document: (document.get(member, ""), document[f"{kind}Name"]))
    if request.get("SortOrder", "Ascending" if kind in OLDEST_FIRST else "Descending") == "Descending":
        matching.reverse()
    return paginate(matching, request)


def paginate(items: list[Document], request: Document, size: int = DEFAULT_PAGE) -> tuple[list[Document], str | None]:
    """Return the page of `items` that `request` asks for, and the token of the next page; `size` is the default size.

    Raises:
        ServiceError: ValidationException, for an invalid NextToken.
    """
    start = decode_token(request["NextToken"]) if request.get("NextToken") else 0
    end = start + int(request.get("MaxResults", size))
    return items[start:end], encode_token(end) if end < len(items) else None


def matches(kind: str, document: Document, request: Document) -> bool:
    """Return whether a resource passes the request's filters."""
    if request.get("NameContains", "").lower() not in document[f"{kind}Name"].lower():
        return False
    if request.get("StatusEquals") not in (None, document.get(f"{kind}Status")):
        return False
    for member in ("CreationTime", "LastModifiedTime"):
        # Responses hold times in milliseconds, so clients filter by those.
        when = round(float(document.get(member) or document["CreationTime"]), 3)
        if f"{member}After" in request and when <= seconds(request[f"{member}After"]):
            return False
        if f"{member}Before" in request and when >= seconds(request[f"{member}Before"]):
            return False
    return True


def seconds(value: Any) -> float:
    """Return a request's timestamp (number or ISO 8601) in seconds since the epoch, rounded to milliseconds."""
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
    with suppress(ValueError):  # raised by base64, UTF-8 and int() for an invalid token
        prefix, _, position = base64.urlsafe_b64decode(token).decode().partition(":")
        if prefix == "from":
            return int(position)
    raise invalid("NextToken is not one that this operation returned; start again without it.")
