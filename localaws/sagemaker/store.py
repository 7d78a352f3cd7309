"""The resources, in memory and in one SQLite file. A kill at any moment loses nothing."""

import copy
import json
import logging
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from localaws.errors import StartError
from localaws.sagemaker.arns import Key

log = logging.getLogger("localaws.sagemaker")

Document = dict[str, Any]


class Store:
    """A thread-safe map from Key to document (members of the Describe response, plus private ones).

    Reads come from memory; every change is written to the file in one transaction. A write that fails, for example on
    a full disk, is repeated with the next one. A job can still record its end and the reason.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the file.

        Raises:
            StartError: the file is damaged or cannot be written.
        """
        self.lock = threading.RLock()
        self.documents: dict[Key, Document] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._load()
        except (OSError, sqlite3.Error, ValueError) as error:
            raise StartError(
                f"SageMaker's state in {path} cannot be used ({error}); repair or remove that file, "
                "or choose another folder with --state-dir."
            ) from error
        self.unwritten: dict[Key, Document | None] = {}
        self.closed = False

    def _load(self) -> None:
        self.database.execute("PRAGMA journal_mode=WAL")
        self.database.execute("PRAGMA synchronous=NORMAL")
        columns = "kind TEXT, account TEXT, region TEXT, name TEXT, document TEXT NOT NULL"
        self.database.execute(
            f"CREATE TABLE IF NOT EXISTS resource ({columns}, PRIMARY KEY (kind, account, region, name))"
        )
        rows = self.database.execute("SELECT kind, account, region, name, document FROM resource ORDER BY rowid")
        self.documents.update((Key(*row[:4]), json.loads(row[4])) for row in rows)

    def create(self, key: Key, document: Document) -> bool:
        """Add a resource and return True; return False if the key exists."""
        with self.lock:
            if key in self.documents:
                return False
            self._write(key, copy.deepcopy(document))
            return True

    def get(self, key: Key) -> Document | None:
        """Return a copy of a resource's document, or None."""
        with self.lock:
            return copy.deepcopy(self.documents.get(key))

    def update(self, key: Key, change: Callable[[Document], None]) -> Document | None:
        """Apply `change` to a resource's document and return a copy of the result, None if it does not exist."""
        with self.lock:
            current = self.documents.get(key)
            if current is None:
                return None
            document = copy.deepcopy(current)
            change(document)
            self._write(key, document)
            return copy.deepcopy(document)

    def delete(self, key: Key) -> bool:
        """Remove a resource; return whether it existed."""
        with self.lock:
            existed = key in self.documents
            self._write(key, None)
            return existed

    def all(self, kind: str, account: str | None = None, region: str | None = None) -> dict[Key, Document]:
        """Return copies of the resources of one kind, optionally of one account and region."""
        with self.lock:
            return {
                key: copy.deepcopy(document)
                for key, document in self.documents.items()
                if key.kind == kind and account in (None, key.account) and region in (None, key.region)
            }

    def close(self) -> None:
        """Write pending changes and close the file."""
        with self.lock:
            self._flush()
            self.closed = True
            self.database.close()

    def _write(self, key: Key, document: Document | None) -> None:
        if document is None:
            self.documents.pop(key, None)
        else:
            self.documents[key] = document
        self.unwritten[key] = document
        self._flush()

    def _flush(self) -> None:
        if self.closed:
            return
        try:
            self.database.execute("BEGIN IMMEDIATE")
            for key, document in self.unwritten.items():
                if document is None:
                    self.database.execute(
                        "DELETE FROM resource WHERE kind = ? AND account = ? AND region = ? AND name = ?", key
                    )
                else:
                    self.database.execute(
                        "INSERT INTO resource VALUES (?, ?, ?, ?, ?) ON CONFLICT (kind, account, region, name) "
                        "DO UPDATE SET document = excluded.document",
                        (*key, json.dumps(document)),
                    )
            self.database.execute("COMMIT")
            self.unwritten.clear()
        except sqlite3.Error as error:
            log.warning("SageMaker's state could not be written and will be tried again: %s", error)
            if self.database.in_transaction:
                self.database.execute("ROLLBACK")
