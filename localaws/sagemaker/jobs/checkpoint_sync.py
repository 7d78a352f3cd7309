"""Copies of a training job's checkpoints in S3, from which another job can resume."""

import posixpath
from contextlib import suppress
from pathlib import Path

from localaws.sagemaker.aws.objects import Objects
from localaws.sagemaker.aws.transfer import download, list_prefix, upload
from localaws.sagemaker.checks.jobs import DEFAULT_CHECKPOINTS


class Checkpoints:
    """The folder of CheckpointConfig (LocalPath below /opt/ml) and its copy at S3Uri. Does nothing without a config."""

    def __init__(self, s3: Objects, root: Path, config: dict[str, str] | None) -> None:
        self.s3 = s3
        self.uri = config["S3Uri"].rstrip("/") if config else None
        path = posixpath.normpath((config or {}).get("LocalPath", DEFAULT_CHECKPOINTS))
        self.folder = root / posixpath.relpath(path, "/opt/ml")
        self.saved: dict[str, tuple[int, int]] = {}
        self.folder.mkdir(parents=True, exist_ok=True)

    def restore(self) -> None:
        """Download the checkpoints of an earlier job. The prefix may be empty.

        Raises:
            DataError: the role may not read there.
        """
        if self.uri is None:
            return
        download(self.s3, list_prefix(self.s3, self.uri + "/"), self.folder)
        self.saved = self._files()

    def save(self) -> None:
        """Upload the files that are new or changed since the last call.

        Raises:
            DataError: the role may not write there.
        """
        if self.uri is None:
            return
        for name, stamp in self._files().items():
            if self.saved.get(name) == stamp:
                continue
            with suppress(FileNotFoundError):  # the job has replaced the file meanwhile
                upload(self.s3, self.folder / name, f"{self.uri}/{name}")
                self.saved[name] = stamp

    def _files(self) -> dict[str, tuple[int, int]]:
        files = {}
        for path in sorted(self.folder.rglob("*")):
            try:
                stat = path.stat()
            except FileNotFoundError:
                continue  # a temporary file that was renamed meanwhile
            if path.is_file():
                files[path.relative_to(self.folder).as_posix()] = (stat.st_mtime_ns, stat.st_size)
        return files
