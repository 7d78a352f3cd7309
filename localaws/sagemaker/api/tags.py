"""AddTags, ListTags, DeleteTags."""

from typing import Any

from localaws.errors import invalid
from localaws.identity import Caller
from localaws.sagemaker.api.listing import paginate
from localaws.sagemaker.arns import Key, parse_arn
from localaws.sagemaker.aws.access import Access
from localaws.sagemaker.checks.model_packages import NO_TAGS
from localaws.sagemaker.store import Document, Store

MAX_TAGS = 50
"""Maximum number of tags of a resource, and on a page of ListTags."""


class Tags:
    """The operations on tags, which are stored in their resource's document as `_Tags`."""

    def __init__(self, store: Store, access: Access) -> None:
        self.store = store
        self.access = access
        self.operations = {"AddTags": self.add, "ListTags": self.list, "DeleteTags": self.delete}

    def add(self, caller: Caller, request: Document) -> dict[str, Any]:
        """Add tags, replacing the values of existing keys."""
        key = self._key(caller, "AddTags", request)
        if key.kind == "ModelPackage":
            raise invalid(NO_TAGS)
        merged = merge(self._document(key).get("_Tags", []), request["Tags"])
        if len(merged) > MAX_TAGS:
            raise invalid(f"A resource has at most {MAX_TAGS} tags; {key.arn} would have {len(merged)}.")

        def change(document: Document) -> None:
            document["_Tags"] = merge(document.get("_Tags", []), request["Tags"])

        changed = self.store.update(key, change) or {}
        return {"Tags": changed.get("_Tags", [])}

    def list(self, caller: Caller, request: Document) -> dict[str, Any]:
        """List a resource's tags."""
        tags = self._document(self._key(caller, "ListTags", request)).get("_Tags", [])
        page, token = paginate(tags, request, MAX_TAGS)
        return {"Tags": page, "NextToken": token}

    def delete(self, caller: Caller, request: Document) -> dict[str, Any]:
        """Remove tags by key. Unknown keys are ignored."""
        key = self._key(caller, "DeleteTags", request)
        self._document(key)

        def change(document: Document) -> None:
            document["_Tags"] = [tag for tag in document.get("_Tags", []) if tag["Key"] not in request["TagKeys"]]

        self.store.update(key, change)
        return {}

    def _key(self, caller: Caller, operation: str, request: Document) -> Key:
        key = parse_arn(request["ResourceArn"])
        self.access.use(caller, operation, key)
        if key.account != caller.account:
            raise invalid(f"{key.arn} is in another account than {caller.account}.")
        return key

    def _document(self, key: Key) -> Document:
        document = self.store.get(key)
        if document is None:
            raise invalid(f'Could not find resource "{key.arn}".')
        return document


def merge(current: list[Document], added: list[Document]) -> list[Document]:
    """Return the current and the added tags. An added tag replaces a current one with the same key."""
    merged = {tag["Key"]: tag["Value"] for tag in [*current, *added]}
    return [{"Key": name, "Value": value} for name, value in merged.items()]
