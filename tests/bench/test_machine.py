"""Which processors codecs are measured on, and when a machine is too busy for that."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hpcmcodec.bench import machine, run
from hpcmcodec.bench.results import Results
from hpcmcodec.bench.sweep import Options, read_pictures

from . import test_sweep

LINUX = pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="only Linux pins processes")


def pretend(monkeypatch: pytest.MonkeyPatch, allowed: set[int], cores: dict[int, str]) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: allowed, raising=False)
    monkeypatch.setattr(machine, "_core", lambda number: cores.get(number, str(number)))


def test_processors_are_of_different_cores_and_of_those_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, {0, 1, 2, 3, 6, 7}, {0: "0-1", 1: "0-1", 2: "2-3", 3: "2-3"})
    assert machine.choose_processors(1) == (7,)
    assert machine.choose_processors(3) == (3, 6, 7)
    assert machine.choose_processors(5) == (1, 2, 3, 6, 7)
    assert machine.choose_processors(6) == machine.choose_processors(9) == ()


def test_nothing_is_pinned_where_the_system_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert machine.choose_processors(1) == ()


@LINUX
def test_processes_started_in_the_block_are_pinned() -> None:
    before = os.sched_getaffinity(0)
    chosen = sorted(before)[:1]
    ask = [sys.executable, "-c", "import os; print(sorted(os.sched_getaffinity(0)))"]
    with machine.pinned(chosen):
        found = subprocess.run(ask, capture_output=True, text=True, check=True).stdout
    assert found.strip() == str(chosen)
    assert os.sched_getaffinity(0) == before
    with machine.pinned(()):
        assert os.sched_getaffinity(0) == before


@LINUX
def test_a_worker_is_pinned() -> None:
    chosen = sorted(os.sched_getaffinity(0))[:1]
    with test_sweep.fake("good", 1, chosen) as worker:
        assert sorted(os.sched_getaffinity(worker._process.pid)) == chosen


def test_load_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert machine.of_others(None) is None and machine.of_others(0.9) is None
    assert machine.of_others(1.5) == 1.5 and machine.of_others(1.5, 1) is None and machine.of_others(3.5, 2) == 1.5


def loads(monkeypatch: pytest.MonkeyPatch, *values: float) -> None:
    left = list(values)
    monkeypatch.setattr(machine, "load", lambda: left.pop(0))
    monkeypatch.setattr(os, "cpu_count", lambda: 2)


def measure(shots: Path, results: Results, **more: Any) -> list[str]:
    """The notes of a run that measures with a worker that computes instead of coding."""
    notes: list[str] = []
    silent: Callable[..., None] = lambda *arguments: None  # noqa: E731
    pictures = read_pictures(sorted(shots.iterdir()), 10**6, silent)
    options = Options(("good",), repeats=1, **more)
    run._measure(pictures, options, results, shots.parent, run.Listener(silent, notes.append, silent))
    return notes


def test_a_run_tells_what_it_was_pinned_to_and_the_load(shots: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("introduce", "sweep"):
        monkeypatch.setattr(run.sweeping, name, _with_fake(getattr(run.sweeping, name)))
    results, chosen = Results(), machine.choose_processors(1)
    loads(monkeypatch, 0.3, 1.2)
    assert measure(shots, results, processors=chosen) == []
    assert results.run["pinned"] == list(chosen) and all(m.pinned == bool(chosen) for m in results)
    assert results.run["load"] == {"before": 0.3, "after": 1.2} and results.run["busy"] is None

    loads(monkeypatch, 0.9, 2.5)
    results.forget()
    told = measure(shots, results)
    assert [text.partition(":")[0] for text in told] == [
        "this machine is busy with other programs (load 0.9)",
        "this machine was busy with other programs (load 1.5)",
    ]
    assert results.run["busy"] == 1.5 and not any(m.pinned for m in results)

    loads(monkeypatch, 0.1)
    assert measure(shots, results) == []  # nothing new is measured: what was known was measured on a busy machine
    assert results.run["busy"] == 1.5 and results.run["load"] == {"before": 0.1, "after": None}


def _with_fake(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arguments: function(*arguments, worker=test_sweep.fake)
