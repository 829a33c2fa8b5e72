"""A batch on Dask: a running cluster or worker processes on this machine."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack
from itertools import islice
from typing import Any

import dask
from distributed import Client, Future, LocalCluster, as_completed
from distributed.scheduler import KilledWorker

from hpcmcodec import __version__
from hpcmcodec.batch.engines import RETRIES, Engine, Job, convert_on_worker, failed, for_worker, lost
from hpcmcodec.batch.plan import Task
from hpcmcodec.batch.run import Outcome
from hpcmcodec.errors import StorageError

AHEAD = 8
"""Tasks that the scheduler holds for each thread of the workers; more would only fill its memory."""
AT_LEAST = 64


def connect(workers: int, address: str | None) -> Engine:
    """See `engines.engine`. Raises StorageError if nobody answers at the address."""

    def run(job: Job, tasks: tuple[Task, ...]) -> Generator[Outcome, None, None]:
        with ExitStack() as stack:
            client = stack.enter_context(_client(stack, workers, address))
            yield from _outcomes(client, job, tasks)

    return run


def _client(stack: ExitStack, workers: int, address: str | None) -> Client:
    address = address or dask.config.get("scheduler-address", None)
    if address is None:
        cluster = LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None)
        address = stack.enter_context(cluster)
    try:
        return Client(address, set_as_default=False)
    except (OSError, ValueError) as error:
        raise StorageError(f"no Dask scheduler at {address}: {error}") from error


def _outcomes(client: Client, job: Job, tasks: tuple[Task, ...]) -> Generator[Outcome, None, None]:
    waiting = iter(tasks)
    running: dict[Any, Task] = {}

    def submit(task: Task) -> Future:
        future = client.submit(convert_on_worker, job, for_worker(task), __version__, pure=False, retries=RETRIES)
        running[future.key] = task
        return future

    threads = sum(client.nthreads().values())
    first = [submit(task) for task in islice(waiting, max(AT_LEAST, AHEAD * threads))]
    finished = as_completed(first, loop=client.loop)
    try:
        for future in finished:
            task = running.pop(future.key)
            for following in islice(waiting, 1):
                finished.add(submit(following))
            yield _outcome(task, future)
    finally:
        client.cancel([Future(key, client) for key in running])


def _outcome(task: Task, future: Future) -> Outcome:
    if future.cancelled():
        return failed(task, StorageError(f"{task.source}: the connection to the Dask scheduler was lost"))
    error = future.exception()
    if isinstance(error, KilledWorker):
        return lost(task)
    if error is not None:
        return failed(task, error)
    result: Outcome = future.result()
    return Outcome(task, result.status, result.result, result.error)
