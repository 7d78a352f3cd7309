"""The Model Registry: groups of model packages, and the versions in a group."""

import time
from typing import Any

from localaws.errors import ServiceError, invalid
from localaws.identity import Caller
from localaws.sagemaker.api.listing import page
from localaws.sagemaker.arns import Key, key_of, parse_arn
from localaws.sagemaker.aws.access import Access
from localaws.sagemaker.checks.model_packages import check_package, check_properties
from localaws.sagemaker.store import Document, Store

GROUP, PACKAGE = "ModelPackageGroup", "ModelPackage"
CHANGEABLE = ("ModelApprovalStatus", "ApprovalDescription", "ModelPackageRegistrationType", "InferenceSpecification",
              "SourceUri", "ModelCard", "ModelLifeCycle")  # fmt: skip
"""Members that UpdateModelPackage replaces (API model)."""


class ModelPackageApi:
    """The control plane of the Model Registry. localaws has versioned packages only."""

    def __init__(self, store: Store, access: Access) -> None:
        self.store = store
        self.access = access
        self.operations: dict[str, Any] = {
            "CreateModelPackageGroup": self.create_group,
            "DescribeModelPackageGroup": self.describe_group,
            "ListModelPackageGroups": self.list_groups,
            "DeleteModelPackageGroup": self.delete_group,
            "CreateModelPackage": self.create,
            "DescribeModelPackage": self.describe,
            "ListModelPackages": self.list,
            "UpdateModelPackage": self.update,
            "DeleteModelPackage": self.delete,
        }

    def create_group(self, caller: Caller, request: Document) -> dict[str, Any]:
        """Create a group without versions."""
        key = key_of(caller, GROUP, request["ModelPackageGroupName"])
        self.access.create(caller, "CreateModelPackageGroup", key, request)
        document = {name: value for name, value in request.items() if name != "Tags"} | {
            "ModelPackageGroupArn": key.arn,
            "ModelPackageGroupStatus": "Completed",
            "CreationTime": time.time(),
            "CreatedBy": {},
            "_LastVersion": 0,
            "_Tags": request.get("Tags", []),
        }
        if not self.store.create(key, document):
            raise invalid(f"Model Package Group already exists: {key.arn}")
        return {"ModelPackageGroupArn": key.arn}

    def describe_group(self, caller: Caller, request: Document) -> dict[str, Any]:
        """Return a group."""
        return self._document(self._key(caller, GROUP, "DescribeModelPackageGroup", request["ModelPackageGroupName"]))

    def list_groups(self, caller: Caller, request: Document) -> dict[str, Any]:
        """Return one page of the groups. Groups of other accounts are never shared here."""
        self.access.list(caller, "ListModelPackageGroups")
        own = request.get("CrossAccountFilterOption", "SameAccount") == "SameAccount"
        documents = list(self.store.all(GROUP, caller.account, caller.region).values()) if own else []
        groups, token = page(GROUP, documents, request)
        return {"ModelPackageGroupSummaryList": groups, "NextToken": token}

    def delete_group(self, caller: Caller, request: Document) -> dict[str, Any]:
        """Delete a group that has no versions."""
        key = self._key(caller, GROUP, "DeleteModelPackageGroup", request["ModelPackageGroupName"])
        with self.store.lock:
            self._document(key)
            if self._versions(key):
                raise ServiceError(
                    "ConflictException",
                    f"Model Package Group {key.arn} cannot be deleted because it still contains Model Packages.",
                )
            self.store.delete(key)
        return {}

    def create(self, caller: Caller, request: Document) -> dict[str, Any]:
        """Create a version. Its number is never that of a deleted version. A repeated ClientToken creates nothing."""
        check_package(request)
        group = self._resolve(caller, GROUP, request["ModelPackageGroupName"])
        with self.store.lock:
            self._authorize(caller, "CreateModelPackage", version_key(group, "*"))
            last = self._document(group)
            token = request.get("ClientToken")
            for key, version in self._versions(group).items():
                if token is not None and version["_Token"] == token:
                    return {"ModelPackageArn": key.arn}
            number = last["_LastVersion"] + 1
            key = version_key(group, str(number))
            self.store.update(group, lambda document: document.update(_LastVersion=number))
            self.store.create(key, version_document(key, number, last["ModelPackageGroupName"], request))
        return {"ModelPackageArn": key.arn}

    def describe(self, caller: Caller, request: Document) -> dict[str, Any]:
        """Return a version."""
        return self._document(self._key(caller, PACKAGE, "DescribeModelPackage", request["ModelPackageName"]))

    def list(self, caller: Caller, request: Document) -> dict[str, Any]:
        """Return one page of versions, of one group or of all. By default, ListModelPackages returns none."""
        self.access.list(caller, "ListModelPackages")
        kind = request.get("ModelPackageType", "Versioned" if "ModelPackageGroupName" in request else "Unversioned")
        if "ModelPackageGroupName" in request:
            group = self._resolve(caller, GROUP, request["ModelPackageGroupName"])
            self._document(group)
            versions = self._versions(group)
        else:
            versions = self.store.all(PACKAGE, caller.account, caller.region)
        status = request.get("ModelApprovalStatus")
        matching = [
            version
            for version in versions.values()
            if kind != "Unversioned" and status in (None, version["ModelApprovalStatus"])
        ]
        # A version has no name of its own. It is found and sorted by that of its group.
        packages, token = page(GROUP, matching, request)
        return {"ModelPackageSummaryList": packages, "NextToken": token}

    def update(self, caller: Caller, request: Document) -> dict[str, Any]:
        """Change a version's approval, metadata and specifications; everything else stays as it was created."""
        key = self._key(caller, PACKAGE, "UpdateModelPackage", request["ModelPackageArn"])

        def change(document: Document) -> None:
            properties = document.get("CustomerMetadataProperties", {}) | request.get("CustomerMetadataProperties", {})
            for name in request.get("CustomerMetadataPropertiesToRemove", []):
                properties.pop(name, None)
            check_properties(properties)
            added = request.get("AdditionalInferenceSpecificationsToAdd", [])
            document.update({name: request[name] for name in CHANGEABLE if name in request})
            document.update(
                CustomerMetadataProperties=properties or None,
                AdditionalInferenceSpecifications=[*(document.get("AdditionalInferenceSpecifications") or []), *added]
                or None,
                LastModifiedTime=time.time(),
                LastModifiedBy={},
            )

        if self.store.update(key, change) is None:
            raise not_found(key)
        return {"ModelPackageArn": key.arn}

    def delete(self, caller: Caller, request: Document) -> dict[str, Any]:
        """Delete a version."""
        key = self._key(caller, PACKAGE, "DeleteModelPackage", request["ModelPackageName"])
        if not self.store.delete(key):
            raise not_found(key)
        return {}

    def _versions(self, group: Key) -> dict[Key, Document]:
        versions = self.store.all(PACKAGE, group.account, group.region)
        return {key: document for key, document in versions.items() if key.name.rpartition("/")[0] == group.name}

    def _resolve(self, caller: Caller, kind: str, name_or_arn: str) -> Key:
        key = parse_arn(name_or_arn) if name_or_arn.startswith("arn:") else key_of(caller, kind, name_or_arn)
        if key.kind != kind:
            raise invalid(f"Invalid ARN {name_or_arn}: it is not that of a {kind}.")
        return key

    def _key(self, caller: Caller, kind: str, operation: str, name_or_arn: str) -> Key:
        key = self._resolve(caller, kind, name_or_arn)
        self._authorize(caller, operation, key)
        return key

    def _authorize(self, caller: Caller, operation: str, key: Key) -> None:
        self.access.use(caller, operation, key)
        if key.account != caller.account:
            raise ServiceError(
                "AccessDeniedException",
                f"User: {caller.principal_arn} is not authorized to perform: sagemaker:{operation} on resource: "
                f"{key.arn} because no resource-based policy allows the sagemaker:{operation} action",
            )

    def _document(self, key: Key) -> Document:
        document = self.store.get(key)
        if document is None:
            raise not_found(key)
        return document


def version_key(group: Key, version: str) -> Key:
    """Return the key of a version in a group."""
    return Key(PACKAGE, group.account, group.region, f"{group.name}/{version}")


def version_document(key: Key, number: int, group_name: str, request: Document) -> Document:
    """Return the document of a new version."""
    now = time.time()
    document = {name: value for name, value in request.items() if name not in ("Tags", "ClientToken")}
    return document | {
        "ModelPackageGroupName": group_name,
        "ModelPackageVersion": number,
        "ModelPackageArn": key.arn,
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
        "ModelApprovalStatus": request.get("ModelApprovalStatus", "PendingManualApproval"),
        "CreationTime": now,
        "CreatedBy": {},
        "LastModifiedTime": now,
        "_Token": request.get("ClientToken"),
    }


def not_found(key: Key) -> ServiceError:
    """Return SageMaker's error for a group or version that does not exist."""
    return invalid(f"{key.kind} {key.arn} does not exist.")
