"""The base of all jobs: a thread each, a queue for slots, and an end that is always recorded."""

import logging
import shutil
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from localaws.errors import ServiceError
from localaws.sagemaker.arns import Key
from localaws.sagemaker.aws.logs import LogStream
from localaws.sagemaker.aws.transfer import DataError
from localaws.sagemaker.context import LONGEST_REASON, Context
from localaws.sagemaker.store import Document

log = logging.getLogger("localaws.sagemaker")

LOG_SECONDS = 5.0

ENDED_WITH_SERVER = "InternalServerError: localaws ended while the job was running. Start the job again."


class JobFailedError(Exception):
    """The job fails with this text as its FailureReason."""


class JobStoppedError(Exception):
    """The job was stopped before it had a result."""


class Slots:
    """Slots for `size` jobs at a time, first come, first served."""

    def __init__(self, size: int) -> None:
        self.free = size
        self.queue: deque[object] = deque()
        self.changed = threading.Condition()

    def acquire(self, cancelled: Callable[[], bool]) -> bool:
        """Wait for a slot and return True; return False if `cancelled` returns True first."""
        ticket = object()
        with self.changed:
            self.queue.append(ticket)
            while not cancelled():
                if self.free and self.queue[0] is ticket:
                    self.queue.popleft()
                    self.free -= 1
                    return True
                self.changed.wait(0.1)
            self.queue.remove(ticket)
            return False

    def release(self) -> None:
        """Give a slot back."""
        with self.changed:
            self.free += 1
            self.changed.notify_all()


class Job(ABC):
    """One job. Subclasses implement its work and record its states."""

    def __init__(self, context: Context, slots: Slots, key: Key, document: Document) -> None:
        self.context = context
        self.slots = slots
        self.key = key
        self.request = document
        self.stopping = threading.Event()
        self.root: Path = context.work / key.kind / key.account / key.region / key.name

    @abstractmethod
    def execute(self) -> None:
        """Do the work and record its successful end.

        Raises:
            JobFailedError, JobStoppedError, DataError, ServiceError, OSError: each ends the job with a reason.
        """

    @abstractmethod
    def end(self, status: str, failure: str | None = None) -> None:
        """Record that the job ended as "Failed" or "Stopped"."""

    def interrupted(self) -> bool:
        """Return whether the job should stop."""
        return self.stopping.is_set() or self.context.closing.is_set()

    def checkpoint(self) -> None:
        """Check that the job should continue.

        Raises:
            JobStoppedError: the job or the server is stopping.
        """
        if self.interrupted():
            raise JobStoppedError

    def close_logs(self, *logs: LogStream) -> None:
        """Send the remaining lines of the logs, unless the server is stopping and takes none."""
        for stream in logs:
            stream.close(0 if self.context.closing.is_set() else LOG_SECONDS)

    def run(self) -> None:
        """Run the job to its end. After any failure the job does not stay in progress."""
        status, failure = "Failed", None
        try:
            if not self.slots.acquire(self.interrupted):
                raise JobStoppedError
            try:
                self.root.mkdir(parents=True, exist_ok=True)
                self.execute()
                return
            finally:
                # Free the disk before recording the end: a full disk may be the reason.
                shutil.rmtree(self.root, ignore_errors=True)
                self.slots.release()
        except JobStoppedError:
            status = "Stopped"
        except JobFailedError as error:
            failure = str(error)
        except (DataError, ServiceError) as error:
            failure = f"ClientError: {error}"
        except OSError as error:
            failure = f"InternalServerError: {error}. Free some disk space or memory and start the job again."
        except Exception as error:
            log.exception("%s %s failed", self.key.kind, self.key.name)
            failure = f"InternalServerError: {type(error).__name__}: {error}"
        if self.context.closing.is_set():
            status, failure = "Failed", ENDED_WITH_SERVER
        self.end(status, failure[:LONGEST_REASON] if failure else None)

    def update(self, **changes: Any) -> None:
        """Change members of the job's document. None removes a member."""

        def change(document: Document) -> None:
            document.update(changes)
            document["LastModifiedTime"] = time.time()

        self.context.store.update(self.key, change)


class JobRunner:
    """Starts and stops the jobs of one kind."""

    def __init__(
        self, context: Context, kind: str, slots: int, job: Callable[[Context, Slots, Key, Document], Job]
    ) -> None:
        self.context = context
        self.slots = Slots(slots)
        self.job = job
        self.lock = threading.Lock()
        self.jobs: dict[Key, tuple[Job, threading.Thread]] = {}
        self._fail_leftovers(kind)

    def _fail_leftovers(self, kind: str) -> None:
        """Fail the jobs that an earlier server left in progress; their processes ended with it.

        Call it before any request is answered: later jobs in progress belong to this server.
        """
        shutil.rmtree(self.context.work / kind, ignore_errors=True)
        for key, document in self.context.store.all(kind).items():
            if document[f"{kind}Status"] in ("InProgress", "Stopping"):
                self.job(self.context, self.slots, key, document).end("Failed", ENDED_WITH_SERVER)

    def submit(self, key: Key, document: Document) -> bool:
        """Add a job to the store, start it and return True; return False if its name is taken."""
        job = self.job(self.context, self.slots, key, document)
        thread = threading.Thread(target=self._run, args=(job,), name=f"{key.kind} {key.name}", daemon=True)
        with self.lock:  # a job in the store can be stopped
            if not self.context.store.create(key, document):
                return False
            self.jobs[key] = (job, thread)
        thread.start()
        return True

    def _run(self, job: Job) -> None:
        try:
            job.run()
        finally:
            with self.lock:
                self.jobs.pop(job.key, None)

    def stop(self, key: Key) -> None:
        """Stop a job unless it has ended."""
        with self.lock, suppress(KeyError):
            self.jobs[key][0].stopping.set()

    def join(self, seconds: float) -> None:
        """Wait for the threads of all jobs after `context.closing` is set."""
        deadline = time.monotonic() + seconds
        with self.lock:
            threads = [thread for _, thread in self.jobs.values() if thread.is_alive()]
        for thread in threads:
            thread.join(max(0.1, deadline - time.monotonic()))
