"""What training and transform jobs share: a thread each, a queue, and an end that is always written down."""

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
    """The job was asked to stop before it had anything to keep."""


class Slots:
    """At most `size` jobs at a time, first come first served."""

    def __init__(self, size: int) -> None:
        self.free = size
        self.queue: deque[object] = deque()
        self.changed = threading.Condition()

    def acquire(self, cancelled: Callable[[], bool]) -> bool:
        """Wait for a slot; return False when `cancelled` says so first."""
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
    """One job. Subclasses say what it does, and how its states are written down."""

    def __init__(self, context: Context, slots: Slots, key: Key, document: Document) -> None:
        self.context = context
        self.slots = slots
        self.key = key
        self.request = document
        self.stopping = threading.Event()
        self.root: Path = context.work / key.kind / key.account / key.region / key.name

    @abstractmethod
    def execute(self) -> None:
        """Do the work, up to and including the successful end's state.

        Raises:
            JobFailedError, JobStoppedError, DataError, ServiceError, OSError: each ends the job with a reason.
        """

    @abstractmethod
    def end(self, status: str, failure: str | None = None) -> None:
        """Write down that the job ended as "Failed" or "Stopped"."""

    def interrupted(self) -> bool:
        """Whether the job should stop what it is doing."""
        return self.stopping.is_set() or self.context.closing.is_set()

    def checkpoint(self) -> None:
        """Return when the job may go on.

        Raises:
            JobStoppedError: it was asked to stop, or the server is stopping.
        """
        if self.interrupted():
            raise JobStoppedError

    def close_logs(self, *logs: LogStream) -> None:
        """Send what the logs still hold; a server that is stopping takes nothing any more."""
        for each in logs:
            each.close(0 if self.context.closing.is_set() else LOG_SECONDS)

    def run(self) -> None:
        """Run the job to its end; whatever happens, the job does not stay in progress."""
        status, failure = "Failed", None
        try:
            if not self.slots.acquire(self.interrupted):
                raise JobStoppedError
            try:
                self.root.mkdir(parents=True, exist_ok=True)
                self.execute()
                return
            finally:
                # The disk is given back before the end is written: it may be what the job ran out of.
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
        """Change members of the job's document; None removes a member."""

        def change(document: Document) -> None:
            document.update(changes)
            document["LastModifiedTime"] = time.time()

        self.context.store.update(self.key, change)


class JobRunner:
    """The jobs of one kind: starts them, stops them, and ends them with the server."""

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
        """Fail the jobs that a dead server left in progress; their processes ended with it.

        Before any request is answered: a job that is in progress later is one of this server's.
        """
        shutil.rmtree(self.context.work / kind, ignore_errors=True)
        for key, document in self.context.store.all(kind).items():
            if document[f"{kind}Status"] in ("InProgress", "Stopping"):
                self.job(self.context, self.slots, key, document).end("Failed", ENDED_WITH_SERVER)

    def submit(self, key: Key, document: Document) -> bool:
        """Add a job to the store and start it; return False, doing nothing, when its name is taken."""
        job = self.job(self.context, self.slots, key, document)
        thread = threading.Thread(target=self._run, args=(job,), name=f"{key.kind} {key.name}", daemon=True)
        with self.lock:  # who finds the job in the store can stop it
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
        """Ask a job to stop; one that has ended is left alone."""
        with self.lock, suppress(KeyError):
            self.jobs[key][0].stopping.set()

    def join(self, seconds: float) -> None:
        """Wait for every job's thread, which `context.closing` has told to end."""
        deadline = time.monotonic() + seconds
        with self.lock:
            threads = [thread for _, thread in self.jobs.values() if thread.is_alive()]
        for thread in threads:
            thread.join(max(0.1, deadline - time.monotonic()))
