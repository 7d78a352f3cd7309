"""Do the same with many files, on all processors."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")


def in_processes(function: Callable[[Job], Result], jobs: Sequence[Job], chunk: int) -> Iterator[Result]:
    """Yield the result of each job in order. Each process takes `chunk` jobs at a time.

    A single chunk is done in this process, because other processes take longer to start.
    """
    if len(jobs) <= chunk:
        yield from map(function, jobs)
        return
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(function, jobs, chunksize=chunk)
