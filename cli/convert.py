"""What `encode` and `decode` share: running a plan and reporting it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial

from hpcmcodec.batch import STREAM, DecodeJob, EncodeJob, Outcome, Plan, Task, run
from hpcmcodec.cli import options
from hpcmcodec.cli.report import Report, left_out_line
from hpcmcodec.errors import InputError, UsageError


def convert(
    work: Plan,
    job: EncodeJob | DecodeJob,
    verb: str,
    *,
    jobs: int,
    engine: str,
    scheduler: str | None,
    as_json: bool,
    quiet: bool,
    verbose: bool = False,
    ignore_unknown: bool = False,
) -> int:
    """Runs the job over the plan, here or on an engine, prints what comes out and returns the exit code."""
    if not len(work):
        left = left_out_line(work.left_out)
        raise InputError(f"nothing to {verb}: no file with a suitable name found" + (f", {left}" if left else ""))
    if work.tasks:
        options.start_kernels()
        job.prepare()
    elsewhere = _elsewhere(work, job, engine, jobs, scheduler)
    binary = any(task.destination == STREAM for task in work.tasks)
    with Report(
        work,
        verb,
        as_json=as_json,
        quiet=quiet,
        binary=binary,
        verbose=verbose,
        ignore_unknown=ignore_unknown,
    ) as report:
        run(work, job, jobs=jobs, engine=elsewhere, report=report.add, progress=report.progress)
    return report.summary.exit_code


def _elsewhere(
    work: Plan, job: EncodeJob | DecodeJob, engine: str, jobs: int, scheduler: str | None
) -> Callable[[tuple[Task, ...]], Generator[Outcome, None, None]] | None:
    """What runs tasks instead of this process, None for the engine `local`."""
    if engine == "local":
        if scheduler is not None:
            raise UsageError("--scheduler belongs to --engine dask or ray")
        return None
    from hpcmcodec.batch import engines

    for task in work.tasks:
        engines.for_worker(task)
    return partial(engines.engine(engine, workers=jobs, address=scheduler), job)
