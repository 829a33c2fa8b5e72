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
    given: options.Conversion,
) -> int:
    """Runs the job over the plan, here or on an engine, prints what comes out and returns the exit code."""
    if not len(work):
        left = left_out_line(work.left_out)
        raise InputError(f"nothing to {verb}: no file with a suitable name found" + (f", {left}" if left else ""))
    if work.tasks:
        options.start_kernels(arrays=isinstance(job, EncodeJob) or job.format == "tiff")
        job.prepare()
    elsewhere = _elsewhere(work, job, given)
    binary = any(task.destination == STREAM for task in work.tasks)
    with Report(
        work,
        verb,
        as_json=given.as_json,
        quiet=given.quiet,
        binary=binary,
        verbose=given.verbose,
        ignore_unknown=given.ignore_unknown,
    ) as report:
        run(work, job, jobs=given.jobs, engine=elsewhere, report=report.add, progress=report.progress)
    return report.summary.exit_code


def _elsewhere(
    work: Plan, job: EncodeJob | DecodeJob, given: options.Conversion
) -> Callable[[tuple[Task, ...]], Generator[Outcome, None, None]] | None:
    """What runs tasks instead of this process, None for the engine `local`."""
    if given.engine == "local":
        if given.scheduler is not None:
            raise UsageError("--scheduler belongs to --engine dask or ray")
        return None
    from hpcmcodec.batch import engines

    for task in work.tasks:
        engines.for_worker(task)
    return partial(engines.engine(given.engine, workers=given.jobs, address=given.scheduler), job)
