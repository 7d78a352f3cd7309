"""Checkpoints of a training job, kept in step with S3 so that another job can go on from them."""

import posixpath
from contextlib import suppress
from pathlib import Path

from localaws.sagemaker.aws.objects import Objects
from localaws.sagemaker.aws.transfer import download, list_prefix, upload
from localaws.sagemaker.checks.jobs import DEFAULT_CHECKPOINTS


class Checkpoints:
    """The folder of CheckpointConfig (LocalPath below /opt/ml) and its copy at S3Uri; None does nothing."""

    def __init__(self, s3: Objects, root: Path, config: dict[str, str] | None) -> None:
        self.s3 = s3
        self.uri = config["S3Uri"].rstrip("/") if config else None
        path = posixpath.normpath((config or {}).get("LocalPath", DEFAULT_CHECKPOINTS))
        self.folder = root / posixpath.relpath(path, "/opt/ml")
        self.known: dict[str, tuple[int, int]] = {}
        self.folder.mkdir(parents=True, exist_ok=True)

    def restore(self) -> None:
        """Bring back what an earlier job left; an empty prefix is a fresh start.

        Raises:
            DataError: the role may not read there.
        """
        if self.uri is None:
            return
        download(self.s3, list_prefix(self.s3, self.uri + "/"), self.folder)
        self.known = self._files()

    def save(self) -> None:
        """Upload the files that are new or changed since the last call.

        Raises:
            DataError: the role may not write there.
        """
        if self.uri is None:
            return
        for name, stamp in self._files().items():
            if self.known.get(name) == stamp:
                continue
            with suppress(FileNotFoundError):  # replaced by a newer one meanwhile
                upload(self.s3, self.folder / name, f"{self.uri}/{name}")
                self.known[name] = stamp

    def _files(self) -> dict[str, tuple[int, int]]:
        found = {}
        for path in sorted(self.folder.rglob("*")):
            try:
                stat = path.stat()
            except FileNotFoundError:
                continue  # a temporary file that was renamed meanwhile
            if path.is_file():
                found[path.relative_to(self.folder).as_posix()] = (stat.st_mtime_ns, stat.st_size)
        return found
