"""What `encode` and `decode` share: running a plan and reporting it."""

from __future__ import annotations

from hpcmcodec.batch import STREAM, DecodeJob, EncodeJob, Plan, run
from hpcmcodec.cli import options
from hpcmcodec.cli.report import Report
from hpcmcodec.errors import InputError


def convert(work: Plan, job: EncodeJob | DecodeJob, verb: str, *, jobs: int, as_json: bool, quiet: bool) -> int:
    """Runs the job over the plan, prints what comes out and returns the exit code."""
    if not len(work):
        raise InputError(f"nothing to {verb}: no file with a suitable name found")
    if work.tasks:
        options.check_kernels()
        job.prepare()
    binary = any(task.destination == STREAM for task in work.tasks)
    with Report(work, verb, as_json=as_json, quiet=quiet, binary=binary) as report:
        run(work, job, jobs=jobs, report=report.add)
    return report.summary.exit_code
