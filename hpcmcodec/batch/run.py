"""Runs a plan on a number of threads and collects what came out of every file."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from hpcmcodec.batch.convert import Converted
from hpcmcodec.batch.plan import Plan, Task
from hpcmcodec.errors import INCOMPLETE, HpcmError, InputError, LimitExceededError

if TYPE_CHECKING:
    from concurrent.futures import Future

Status = Literal["ok", "skipped", "failed"]
_TICK = 0.2  # seconds; the main thread wakes up this often, so that Ctrl-C is noticed on every platform


class Gate:
    """Lets files be written until it is closed, so that an interrupted run never leaves one half-written."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._writers = 0
        self._open = True

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Surrounds the writing of one file. Raises InterruptedError once the gate is closed."""
        with self._condition:
            if not self._open:
                raise InterruptedError("the run was interrupted")
            self._writers += 1
        try:
            yield
        finally:
            with self._condition:
                self._writers -= 1
                self._condition.notify_all()

    def close(self) -> None:
        """Turns new writers away and waits for those inside."""
        with self._condition:
            self._open = False
            self._condition.wait_for(lambda: self._writers == 0)


@dataclass(frozen=True)
class Outcome:
    """What became of one file: `result` if it is ok, `error` if it failed."""

    task: Task
    status: Status
    result: Converted | None = None
    error: HpcmError | None = None


@dataclass
class Summary:
    """All outcomes of a run and what they add up to."""

    outcomes: list[Outcome] = field(default_factory=list)

    def count(self, status: Status) -> int:
        return sum(outcome.status == status for outcome in self.outcomes)

    @property
    def failures(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.status == "failed"]

    @property
    def bytes_in(self) -> int:
        return sum(outcome.result.bytes_in for outcome in self.outcomes if outcome.result)

    @property
    def bytes_out(self) -> int:
        return sum(outcome.result.bytes_out for outcome in self.outcomes if outcome.result)

    @property
    def exit_code(self) -> int:
        """0 if all is well; the code of what is not where there is one kind of it, else 1."""
        codes = [outcome.error.exit_code for outcome in self.failures if outcome.error]
        return combine(
            codes + [INCOMPLETE for outcome in self.outcomes if outcome.result and outcome.result.incomplete]
        )


def combine(codes: Iterable[int]) -> int:
    """The exit code of several parts: 0 if all are 0, the failures' code where they share one, else 1."""
    failures = set(codes) - {0}
    return failures.pop() if len(failures) == 1 else min(len(failures), 1)


def run(
    work: Plan,
    convert: Callable[[Task, Gate], Converted],
    *,
    jobs: int = 1,
    engine: Callable[[tuple[Task, ...]], Generator[Outcome, None, None]] | None = None,
    report: Callable[[Outcome], None] = lambda outcome: None,
) -> Summary:
    """Converts every task of a plan, `jobs` at a time, and calls `report` (from this thread) as outcomes come in.

    engine: does this elsewhere, see `hpcmcodec.batch.engines`; `convert` and `jobs` are not used then.
    One job runs in the calling thread. An HpcmError, an OSError or a MemoryError of one file is its outcome and the
    others go on; any other exception is a bug and ends the run. On KeyboardInterrupt no new file is begun or written,
    and none is left half-written; threads in the middle of a computation are abandoned.
    """
    summary = Summary()
    gate = Gate()

    def add(outcome: Outcome) -> None:
        summary.outcomes.append(outcome)
        report(outcome)

    for task, error in work.failures:
        add(Outcome(task, "failed", error=error))
    for task in work.skipped:
        add(Outcome(task, "skipped"))
    try:
        if engine is not None:
            with closing(engine(work.tasks)) as outcomes:
                for outcome in outcomes:
                    add(outcome)
        elif jobs <= 1:
            for task in work.tasks:
                add(attempt(convert, task, gate))
        else:
            for outcome in _in_threads(convert, work.tasks, gate, jobs):
                add(outcome)
    finally:
        gate.close()
    return summary


def attempt(convert: Callable[[Task, Gate], Converted], task: Task, gate: Gate) -> Outcome:
    """Converts one file, here or on a worker of a cluster; its failure is an outcome too."""
    try:
        return Outcome(task, "ok", result=convert(task, gate))
    except HpcmError as error:
        return Outcome(task, "failed", error=error)
    except MemoryError:
        return Outcome(task, "failed", error=LimitExceededError("not enough memory; use fewer --jobs"))
    except (InterruptedError, BrokenPipeError):
        raise
    except OSError as error:
        name = error.filename or task.source
        return Outcome(task, "failed", error=InputError(f"{name}: {error.strerror or error}"))


def _in_threads(
    convert: Callable[[Task, Gate], Converted], tasks: tuple[Task, ...], gate: Gate, jobs: int
) -> Iterator[Outcome]:
    from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

    pool = ThreadPoolExecutor(jobs, thread_name_prefix="hpcm-job")
    try:
        pending: set[Future[Outcome]] = {pool.submit(attempt, convert, task, gate) for task in tasks}
        while pending:
            done, pending = wait(pending, timeout=_TICK, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
