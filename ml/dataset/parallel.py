"""Do the same with many files, on all processors."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")


def in_processes(
    function: Callable[[Job], Result], jobs: Sequence[Job], chunk: int, broken: Callable[[Job], Result] | None = None
) -> Iterator[Result]:
    """Yield the result of each job in order. Each process takes `chunk` jobs at a time.

    Args:
        broken: returns the result of a job that ended its process. Without it a single chunk is done in this process,
            because other processes take longer to start.

    Raises:
        BrokenProcessPool: a job ended its process, and there is no `broken`.
    """
    if broken is None and len(jobs) <= chunk:
        yield from map(function, jobs)
        return
    workers = os.cpu_count() or 1
    done = 0
    while done < len(jobs):
        try:
            with ProcessPoolExecutor(workers) as pool:
                for result in pool.map(function, jobs[done:], chunksize=chunk):
                    done += 1
                    yield result
        except BrokenProcessPool:  # does not say which of the jobs in work it was
            if broken is None:
                raise
            for job in jobs[done : done + workers * chunk]:
                done += 1
                yield alone(function, job, broken)


def alone(function: Callable[[Job], Result], job: Job, broken: Callable[[Job], Result]) -> Result:
    """Return the result of a job that has a process of its own."""
    try:
        with ProcessPoolExecutor(1) as pool:
            return pool.submit(function, job).result()
    except BrokenProcessPool:
        return broken(job)
