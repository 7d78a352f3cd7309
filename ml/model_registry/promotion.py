"""Bring an approved version into the bucket of another stage or account. Nothing is trained again."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from ml.aws import image_uris
from ml.aws.s3 import Bucket, split_uri
from ml.errors import UserError
from ml.model_registry.packages import Package, properties
from ml.model_registry.registration import label, model_quality
from ml.training import runs

Record = dict[str, Any]


@dataclass(frozen=True)
class Promotion:
    """A version with its files in one bucket, and the bucket that gets them.

    Attributes:
        package: the version.
        origin: the bucket that holds the version, with the credentials of its stage.
        target: the bucket of the other stage, with its credentials.
        through_here: whether the credentials differ.
    """

    package: Package
    origin: Bucket
    target: Bucket
    through_here: bool

    def records(self) -> tuple[Record, Record]:
        """Return the run.json and metrics.json of the version.

        Raises:
            UserError: they do not exist, or changed after the registration.
        """
        metadata = properties(self.package)
        run = runs.find(self.origin.name, metadata["training-job"])
        metrics = runs.get_json(self.origin.name, metadata["training-job"], "metrics.json")
        evaluation = None if metrics is None else hashlib.sha256(model_quality(metrics)).hexdigest()
        if metrics is None or evaluation != metadata["evaluation-sha256"]:
            raise self.changed("evaluation", evaluation, metadata["evaluation-sha256"])
        graph = run.get("graph", {}).get("sha256")
        if graph != metadata.get("graph-sha256"):
            raise self.changed("graph", graph, metadata.get("graph-sha256"))
        return run, metrics

    def changed(self, part: str, present: str | None, registered: str | None) -> UserError:
        """Return the error for a part of the version that changed after the registration."""
        stage = properties(self.package)["stage"]
        return UserError(
            f"The {part} of {label(self.package)} has the SHA-256 {present}, but {registered} was registered. Nothing "
            f"was promoted. Run `python -m ml.transform --stage {stage}`, which registers what is there now, and "
            "approve that version."
        )

    def files(self, run: Record, metrics: Record) -> dict[str, str]:
        """Return the SHA-256 of each file of the version, by key.

        Raises:
            UserError: a file does not exist, or changed after the registration.
        """
        metadata = properties(self.package)
        registered = {split_uri(run["artifact"])[1]: metadata["artifact-sha256"]}
        if "graph" in run:
            registered[split_uri(run["graph"]["uri"])[1]] = metadata["graph-sha256"]
        tables = [f"external-{name.replace('/', '-')}.csv" for name in metrics.get("external", {})]
        names = ("predictions.csv", "drift-reference.csv", "report.html", *tables)
        others = [runs.location(run["artifact"], name)[1] for name in names]
        hashes = {}
        for key in (*registered, *others):
            sha256 = self.origin.sha256(key)
            if sha256 is None:
                raise UserError(
                    f"s3://{self.origin.name}/{key} of {label(self.package)} does not exist. Nothing was promoted. "
                    "Restore it, or promote another version."
                )
            if sha256 != registered.get(key, sha256):
                raise self.changed(f"file s3://{self.origin.name}/{key}", sha256, registered.get(key))
            hashes[key] = sha256
        return hashes

    def copy(self, key: str, sha256: str) -> None:
        """Copy a file and check the content of the copy.

        Raises:
            UserError: the copy has another content.
        """
        content_type = runs.CONTENT_TYPES.get(key.rpartition(".")[2], "application/gzip")
        self.target.copy(self.origin, key, content_type, self.through_here)
        copied = self.target.sha256(key)
        if copied != sha256:
            raise UserError(
                f"The copy s3://{self.target.name}/{key} has the SHA-256 {copied} instead of {sha256}. Run the command "
                "again, which copies it again."
            )

    def source(self) -> dict[str, str]:
        """Return where the version came from, as metadata of the version in the other stage."""
        arn = self.package["ModelPackageArn"]
        stage = properties(self.package)["stage"]
        return {"source-stage": stage, "source-account": arn.split(":")[4], "source-package": arn}

    def moved(self, run: Record, metrics: Record) -> tuple[Record, Record]:
        """Return run.json and metrics.json for the other bucket and its region.

        Raises:
            UserError: the other region has another version of the container image.
        """
        source = {name.replace("-", "_"): value for name, value in self.source().items()}
        source["artifact_sha256"] = properties(self.package)["artifact-sha256"]
        run = run | {"artifact": self.in_target(run["artifact"]), "promoted_from": source}
        if "graph" in run:
            run["graph"] = run["graph"] | {"uri": self.in_target(run["graph"]["uri"])}
        region = self.target.client.meta.region_name
        if region != self.origin.client.meta.region_name:
            container = image_uris.inference_container(run["algorithm"], region)
            if str(container["image"]).rpartition("/")[2] != run["image"].rpartition("/")[2]:
                raise UserError(
                    f"{label(self.package)} runs in {run['image']}, but {region} would run it in {container['image']}, "
                    "which is another version. Train the model again."
                )
            run |= container
        return run, metrics | {name: self.in_target(metrics[name]) for name in ("artifact", "report")}

    def in_target(self, uri: str) -> str:
        """Return the URI of a file in the other bucket."""
        return f"s3://{self.target.name}/{split_uri(uri)[1]}"

    def write(self, artifact: str, name: str, record: Record) -> None:
        """Write run.json or metrics.json into the other bucket unless it has this content."""
        body = json.dumps(record, indent=1).encode()
        _, key = runs.location(artifact, name)
        if self.target.get(key) != body:
            self.target.put(key, body, runs.CONTENT_TYPES["json"])
