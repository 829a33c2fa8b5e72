"""Running a plan: outcomes, failures, interruption."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from hpcmcodec.batch import Converted, LeftOut, Outcome, Plan, Task, run
from hpcmcodec.batch.run import Gate, combine, from_system, kinds
from hpcmcodec.errors import CorruptError, HpcmError, InputError, LimitExceededError, OutputError
from hpcmcodec.progress import at

RESULT = Converted(width=4, height=2, bytes_in=100, bytes_out=10, seconds=0.5, coded_bytes=10, coded_pixels=8)


def tasks(count: int) -> tuple[Task, ...]:
    return tuple(Task(Path(f"{i}.png"), Path(f"{i}.hpc")) for i in range(count))


def convert(task: Task, gate: object) -> Converted:
    number = int(task.source.stem)
    if number == 1:
        raise CorruptError("damaged")
    if number == 2:
        raise PermissionError(13, "Permission denied", "2.png")
    if number == 3:
        raise MemoryError
    return RESULT


@pytest.mark.parametrize("jobs", [1, 3])
def test_failures_are_collected_and_the_rest_is_done(jobs: int) -> None:
    seen: list[Outcome] = []
    work = Plan(tasks(10), (Task(Path("s.png"), None),), ((Task(Path("f.png"), None), OutputError("exists")),))
    summary = run(work, convert, jobs=jobs, report=seen.append)
    assert seen == summary.outcomes and len(seen) == 12
    assert (summary.count("ok"), summary.count("skipped"), summary.count("failed")) == (7, 1, 4)
    kinds = {outcome.task.source.name: type(outcome.error) for outcome in summary.failures}
    assert kinds == {"f.png": OutputError, "1.png": CorruptError, "2.png": InputError, "3.png": LimitExceededError}
    assert (summary.bytes_in, summary.bytes_out, summary.exit_code) == (700, 70, 1)
    assert RESULT.bits_per_pixel == 10


@pytest.mark.parametrize(("codes", "expected"), [([], 0), ([0, 0], 0), ([0, 12], 12), ([12, 12], 12), ([12, 3], 1)])
def test_exit_code(codes: list[int], expected: int) -> None:
    assert combine(codes) == expected


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_bug_ends_the_run(jobs: int) -> None:
    def buggy(task: Task, gate: object) -> Converted:
        raise AssertionError("a bug")

    with pytest.raises(AssertionError, match="a bug"):
        run(Plan(tasks(3), (), ()), buggy, jobs=jobs)


def test_interrupt_stops_writing() -> None:
    begun, go_on = threading.Event(), threading.Event()
    written: list[str] = []
    refused: list[BaseException] = []

    def slow(task: Task, gate: Gate) -> Converted:
        if task.source.stem == "0":
            return RESULT
        begun.set()
        go_on.wait(10)
        try:
            with gate.writing():
                written.append(task.source.stem)
        except InterruptedError as error:
            refused.append(error)
            raise
        return RESULT

    def interrupt(outcome: Outcome) -> None:
        assert begun.wait(10)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(Plan(tasks(6), (), ()), slow, jobs=2, report=interrupt)  # type: ignore[arg-type]
    before = threading.active_count()
    go_on.set()
    for thread in threading.enumerate():
        if thread.name.startswith("hpcm-job"):
            thread.join(10)
    assert before > 1 and not written and refused


def test_gate_waits_for_writers() -> None:
    gate = Gate()
    inside, leave, closed = threading.Event(), threading.Event(), threading.Event()

    def write() -> None:
        with gate.writing():
            inside.set()
            leave.wait(10)
            assert not closed.is_set()

    def close() -> None:
        gate.close()
        closed.set()

    threads = [threading.Thread(target=write), threading.Thread(target=close)]
    threads[0].start()
    assert inside.wait(10)
    threads[1].start()
    assert not closed.wait(0.05)
    leave.set()
    assert closed.wait(10)
    for thread in threads:
        thread.join(10)
    with pytest.raises(InterruptedError), gate.writing():
        pass


def test_errors_carry_exit_codes() -> None:
    assert len({error.exit_code for error in HpcmError.__subclasses__()}) == len(HpcmError.__subclasses__())


def test_files_left_out_count_where_nothing_else_does() -> None:
    unknown, known = LeftOut(Path("a.heic"), ".heic"), LeftOut(Path("a.hpc"), ".hpc", expected=True)
    assert run(Plan((), (), (), (known,)), convert).exit_code == 0
    summary = run(Plan(tasks(1), (), (), (known, unknown, unknown)), convert)
    assert (summary.exit_code, kinds(summary.left_out)) == (21, {".heic": 2, ".hpc": 1})
    summary.ignore_unknown = True
    assert summary.exit_code == 0
    assert run(Plan(tasks(2), (), (), (unknown,)), convert).exit_code == CorruptError.exit_code


def test_files_that_would_grow_are_skipped() -> None:
    summary = run(Plan(tasks(1), (), ()), lambda task, gate: replace(RESULT, bytes_out=200, written=False))
    (outcome,) = summary.outcomes
    assert (outcome.status, outcome.reason) == ("skipped", "the hpc file would be larger")
    assert (summary.bytes_out, summary.larger) == (0, 0)
    grown = run(Plan(tasks(1), (), ()), lambda task, gate: replace(RESULT, bytes_out=200))
    assert (grown.larger, grown.bytes_out) == (1, 200)


def test_what_the_system_refuses() -> None:
    assert isinstance(from_system(OSError(12, "Cannot allocate memory")), LimitExceededError)
    assert str(from_system(OSError(24, "Too many open files"), "a.png")) == "a.png: Too many open files"


@pytest.mark.parametrize("jobs", [1, 3])
def test_progress_is_told_by_task(jobs: int) -> None:
    heard: list[tuple[str, float]] = []

    def slow(task: Task, gate: object) -> Converted:
        at(0.5)
        return RESULT

    run(Plan(tasks(3), (), ()), slow, jobs=jobs, progress=lambda task, share: heard.append((task.source.name, share)))
    assert sorted(heard) == [(f"{i}.png", 0.5) for i in range(3)]
