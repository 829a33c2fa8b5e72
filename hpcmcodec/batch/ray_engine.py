"""A batch on Ray: a running cluster or worker processes on this machine."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator
from itertools import islice
from typing import Any

import ray

from hpcmcodec import __version__
from hpcmcodec.batch.engines import RETRIES, Engine, Job, convert_on_worker, failed, for_worker, lost
from hpcmcodec.batch.plan import Task
from hpcmcodec.batch.run import Outcome
from hpcmcodec.errors import StorageError

AHEAD = 4
"""Tasks handed to Ray for each processor of the cluster."""
STORE_BYTES = 128 << 20
"""Of shared memory for a local Ray; what passes through it is a job and outcomes, a few kilobytes."""


def connect(workers: int, address: str | None) -> Engine:
    """See `engines.engine`. Raises StorageError if nobody answers at the address."""

    def run(job: Job, tasks: tuple[Task, ...]) -> Generator[Outcome, None, None]:
        _start(workers, address or os.environ.get("RAY_ADDRESS"))
        try:
            yield from _outcomes(job, tasks)
        finally:
            ray.shutdown()

    return run


def _start(workers: int, address: str | None) -> None:
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address is None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a local Ray would report its use over the network
        options |= {"num_cpus": workers, "include_dashboard": False, "object_store_memory": STORE_BYTES}
        options["_node_ip_address"] = "127.0.0.1"
    try:
        ray.init(address or "local", **options)
    except (OSError, RuntimeError, ValueError) as error:
        raise StorageError(f"no Ray cluster at {address or 'this machine'}: {error}") from error


def _outcomes(job: Job, tasks: tuple[Task, ...]) -> Generator[Outcome, None, None]:
    function = ray.remote(convert_on_worker).options(max_retries=RETRIES, retry_exceptions=[StorageError])
    waiting = iter(tasks)
    running: dict[Any, Task] = {}

    def submit(count: int) -> None:
        for task in islice(waiting, count):
            running[function.remote(job, for_worker(task), __version__)] = task

    submit(max(1, int(AHEAD * ray.cluster_resources().get("CPU", 1))))
    try:
        while running:
            (done,), _ = ray.wait(list(running), num_returns=1)
            task = running.pop(done)
            submit(1)
            yield _outcome(task, done)
    finally:
        for reference in running:
            ray.cancel(reference)


def _outcome(task: Task, reference: Any) -> Outcome:
    try:
        result: Outcome = ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        return failed(task, error.cause)
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError, ray.exceptions.NodeDiedError):
        return lost(task)
    return Outcome(task, result.status, result.result, result.error)
