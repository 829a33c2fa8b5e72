"""Batches past one machine: the engine of a cluster runs the conversion of each file on its workers.

What a worker does with one file is what a local run does: `attempt` with the same job. This module holds what every
engine needs; `dask_engine` and `ray_engine` hold the rest.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from dataclasses import replace
from functools import lru_cache
from importlib import import_module
from pathlib import Path

from hpcmcodec import __version__
from hpcmcodec.batch.convert import DecodeJob, EncodeJob
from hpcmcodec.batch.found import STREAM
from hpcmcodec.batch.places import Place
from hpcmcodec.batch.plan import Task
from hpcmcodec.batch.run import Gate, Outcome, attempt
from hpcmcodec.errors import HpcmError, LimitExceededError, StorageError, UsageError

RETRIES = 3
"""How often an engine tries a file again whose storage failed or whose worker died."""
MODULES = {"dask": "hpcmcodec.batch.dask_engine", "ray": "hpcmcodec.batch.ray_engine"}
LIBRARIES = {"dask": "distributed", "ray": "ray"}

Job = EncodeJob | DecodeJob


Engine = Callable[[Job, tuple[Task, ...]], Generator[Outcome, None, None]]
"""Runs a job over tasks, in any order. Closed before its end, it takes back what has not begun."""


def engine(name: str, *, workers: int, address: str | None) -> Engine:
    """The engine `dask` or `ray`.

    address: of a running cluster; None goes by the engine's own environment variable (DASK_SCHEDULER_ADDRESS,
    RAY_ADDRESS) and, without it, starts `workers` processes on this machine for the time of the run.
    Raises UsageError if the engine is not installed.
    """
    try:
        import_module(LIBRARIES[name])
    except ImportError as error:
        raise UsageError(f"--engine {name} needs {LIBRARIES[name]}: pip install 'hpcmcodec[{name}]'") from error
    # Workers on this machine are started by python -c or -m, which look for modules in the working folder first.
    os.environ.setdefault("PYTHONSAFEPATH", "1")
    made: Engine = import_module(MODULES[name]).connect(workers, address)
    return made


def convert_on_worker(job: Job, task: Task, version: str) -> Outcome:
    """What a worker does with one file. Raises StorageError where another attempt may succeed."""
    if version != __version__:
        raise UsageError(f"a worker has hpcmcodec {__version__}, this is {version}: install the same everywhere")
    outcome = attempt(_resident(job), task, Gate())
    if isinstance(outcome.error, StorageError):
        raise outcome.error
    return outcome


@lru_cache(maxsize=4)
def _resident(job: Job) -> Job:
    """The first job equal to this one that reached this process: its model is loaded."""
    return job


def for_worker(task: Task) -> Task:
    """The same task with names that do not depend on the working folder. Raises UsageError for standard streams."""
    if STREAM in (task.source, task.destination):
        raise UsageError("standard input and output cannot be used with --engine")
    return replace(task, source=_absolute(task.source), destination=task.destination and _absolute(task.destination))


def _absolute(place: Place) -> Place:
    return place.absolute() if isinstance(place, Path) else place


def failed(task: Task, error: BaseException) -> Outcome:
    """The outcome of a task that the engine gave up. Raises errors that are bugs or concern all files."""
    if isinstance(error, HpcmError) and not isinstance(error, UsageError):
        return Outcome(task, "failed", error=error)
    raise error


def lost(task: Task) -> Outcome:
    """The outcome of a task whose workers died each time."""
    message = f"{task.source}: its worker died each time it was tried, perhaps for want of memory"
    return Outcome(task, "failed", error=LimitExceededError(message))
