"""Runs a plan on a number of threads and collects what came out of every file."""

from __future__ import annotations

import errno
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Literal, Protocol

from hpcmcodec.batch.found import LeftOut
from hpcmcodec.batch.plan import Plan, Task
from hpcmcodec.errors import INCOMPLETE, LEFT_OUT, HpcmError, InputError, LimitExceededError
from hpcmcodec.progress import watch

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


class Result(Protocol):
    """What a conversion gives; see `Converted`. not_written: why there is no new file."""

    @property
    def bytes_in(self) -> int: ...
    @property
    def bytes_out(self) -> int: ...
    @property
    def written(self) -> bool: ...
    @property
    def not_written(self) -> str: ...
    @property
    def incomplete(self) -> bool: ...
    @property
    def warnings(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Outcome:
    """What became of one file: `result` if it is ok or was skipped once it was known, `error` if it failed."""

    task: Task
    status: Status
    result: Result | None = None
    error: HpcmError | None = None

    @property
    def reason(self) -> str | None:
        """Why a file was skipped."""
        if self.status != "skipped":
            return None
        return f"{self.task.destination} exists" if self.result is None else self.result.not_written


@dataclass
class Summary:
    """All outcomes of a run and what they add up to. left_out: files that were not touched; ignore_unknown: whether
    that is fine whatever kind they are of."""

    outcomes: list[Outcome] = field(default_factory=list)
    left_out: tuple[LeftOut, ...] = ()
    ignore_unknown: bool = False

    def count(self, status: Status) -> int:
        return sum(outcome.status == status for outcome in self.outcomes)

    @property
    def failures(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.status == "failed"]

    @property
    def bytes_in(self) -> int:
        return sum(result.bytes_in for result in self._done)

    @property
    def bytes_out(self) -> int:
        return sum(result.bytes_out for result in self._done)

    @property
    def larger(self) -> int:
        """How many outputs are larger than their sources."""
        return sum(result.bytes_out > result.bytes_in for result in self._done)

    @property
    def exit_code(self) -> int:
        """0 if all is well; the code of what is not where there is one kind of it, else 1. Files that were left out,
        though nobody expects it, count only where nothing else is to be told."""
        codes = [outcome.error.exit_code for outcome in self.failures if outcome.error]
        codes += [INCOMPLETE for result in self._done if result.incomplete]
        return combine(codes) or left_out_code(self.left_out, ignore=self.ignore_unknown)

    @property
    def _done(self) -> list[Result]:
        return [outcome.result for outcome in self.outcomes if outcome.status == "ok" and outcome.result]


def left_out_code(left_out: Iterable[LeftOut], *, ignore: bool) -> int:
    """`LEFT_OUT` if somebody may miss one of these files, else 0."""
    return 0 if ignore or all(left.expected for left in left_out) else LEFT_OUT


def kinds(left_out: Iterable[LeftOut]) -> dict[str, int]:
    """How many files of each kind, the most first."""
    return dict(Counter(left.kind for left in left_out).most_common())


def combine(codes: Iterable[int]) -> int:
    """The exit code of several parts: 0 if all are 0, the failures' code where they share one, else 1."""
    failures = set(codes) - {0}
    return failures.pop() if len(failures) == 1 else min(len(failures), 1)


def run(
    work: Plan,
    convert: Callable[[Task, Gate], Result],
    *,
    jobs: int = 1,
    engine: Callable[[tuple[Task, ...]], Generator[Outcome, None, None]] | None = None,
    report: Callable[[Outcome], None] = lambda outcome: None,
    progress: Callable[[Task, float], None] | None = None,
) -> Summary:
    """Converts every task of a plan, `jobs` at a time, and calls `report` (from this thread) as outcomes come in.

    progress: hears of the share of a file that is done, 0 to 1, from any thread.
    engine: does this elsewhere, see `hpcmcodec.batch.engines`; `convert` and `jobs` are not used then.
    One job runs in the calling thread. An HpcmError, an OSError or a MemoryError of one file is its outcome and the
    others go on; any other exception is a bug and ends the run. On KeyboardInterrupt no new file is begun or written,
    and none is left half-written; threads in the middle of a computation are abandoned.
    """
    summary = Summary(left_out=work.left_out)
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
                add(attempt(convert, task, gate, progress))
        else:
            for outcome in _in_threads(convert, work.tasks, gate, jobs, progress):
                add(outcome)
    finally:
        gate.close()
    return summary


def attempt(
    convert: Callable[[Task, Gate], Result],
    task: Task,
    gate: Gate,
    progress: Callable[[Task, float], None] | None = None,
) -> Outcome:
    """Converts one file, here or on a worker of a cluster; its failure is an outcome too."""
    try:
        with nullcontext() if progress is None else watch(partial(progress, task)):
            result = convert(task, gate)
        return Outcome(task, "ok" if result.written else "skipped", result=result)
    except HpcmError as error:
        return Outcome(task, "failed", error=error)
    except MemoryError:
        return Outcome(task, "failed", error=LimitExceededError("not enough memory; use fewer --jobs"))
    except (InterruptedError, BrokenPipeError):
        raise
    except OSError as error:
        return Outcome(task, "failed", error=from_system(error, error.filename or task.source))


def from_system(error: OSError, name: object = None) -> HpcmError:
    """What the system refused, as an error of ours. name: of the file that it is about."""
    if error.errno == errno.ENOMEM:
        return LimitExceededError(f"not enough memory ({error.strerror})")
    where = f"{name}: " if name else ""
    return InputError(f"{where}{error.strerror or error}")


def _in_threads(
    convert: Callable[[Task, Gate], Result],
    tasks: tuple[Task, ...],
    gate: Gate,
    jobs: int,
    progress: Callable[[Task, float], None] | None,
) -> Iterator[Outcome]:
    from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

    pool = ThreadPoolExecutor(jobs, thread_name_prefix="hpcm-job")
    try:
        pending: set[Future[Outcome]] = {pool.submit(attempt, convert, task, gate, progress) for task in tasks}
        while pending:
            done, pending = wait(pending, timeout=_TICK, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
