"""What engines share; the engines themselves run in test_clusters.py, where they are installed."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import pytest

from hpcmcodec import __version__
from hpcmcodec.batch import Converted, DecodeJob, EncodeJob, Outcome, Plan, Task, engines, run
from hpcmcodec.errors import CorruptError, LimitExceededError, StorageError, UsageError
from tests.batch.flaky import FlakyJob

TASK = Task(Path("/in/a.png"), Path("/out/a.hpc"))


def test_jobs_travel_without_what_they_have_loaded() -> None:
    for job in (EncodeJob(quality=30, model="tiny", verify=True), DecodeJob(format="png", max_pixels=5)):
        job.__dict__["_decoder"] = open  # as cached_property would leave it, and not to be pickled as such
        copy = pickle.loads(pickle.dumps(job))
        assert copy == job and hash(copy) == hash(job)
        assert copy is not job and "_decoder" not in copy.__dict__
    assert EncodeJob(quality=30) != EncodeJob(quality=31)


def test_a_worker_keeps_the_job_whose_model_is_loaded() -> None:
    first = pickle.loads(pickle.dumps(EncodeJob(quality=33)))
    assert engines._resident(first) is first
    assert engines._resident(pickle.loads(pickle.dumps(EncodeJob(quality=33)))) is first


def test_failures_that_may_pass_are_raised_for_the_engine_to_try_again(tmp_path: Path) -> None:
    job = FlakyJob(tmp_path)
    task = Task(Path("twice"), Path("out"))
    for _ in range(2):
        with pytest.raises(StorageError, match="throttled"):
            engines.convert_on_worker(job, task, __version__)  # type: ignore[arg-type]
    outcome = engines.convert_on_worker(job, task, __version__)  # type: ignore[arg-type]
    assert outcome.result and outcome.result.bytes_out == 3
    broken = engines.convert_on_worker(job, Task(Path("broken"), Path("out")), __version__)  # type: ignore[arg-type]
    assert isinstance(broken.error, CorruptError)


def test_a_worker_of_another_version_refuses() -> None:
    with pytest.raises(UsageError, match="install the same everywhere"):
        engines.convert_on_worker(EncodeJob(), TASK, "0.0.1")


def test_names_become_absolute_and_streams_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    task = engines.for_worker(Task(Path("a.png"), Path("b/a.hpc"), replace=True))
    assert task == Task(tmp_path / "a.png", tmp_path / "b/a.hpc", replace=True)
    with pytest.raises(UsageError, match="standard"):
        engines.for_worker(Task(Path("-"), Path("a.hpc")))


def test_what_an_engine_gives_up_is_a_failure_of_one_file_or_of_the_run() -> None:
    assert engines.failed(TASK, StorageError("gone")).status == "failed"
    assert isinstance(engines.lost(TASK).error, LimitExceededError)
    for error in (UsageError("other version"), AssertionError("a bug")):
        with pytest.raises(type(error)):
            engines.failed(TASK, error)


def test_an_engine_stands_in_for_the_threads() -> None:
    result = Converted(1, 1, 10, 1, 0.1, 1, 1)
    work = Plan((TASK,), (Task(Path("s"), None),), ())

    def local(task: Task, gate: object) -> Converted:
        raise AssertionError("the engine does this")

    summary = run(work, local, engine=lambda tasks: (Outcome(task, "ok", result) for task in tasks))
    assert (summary.count("ok"), summary.count("skipped"), summary.bytes_in) == (1, 1, 10)


@pytest.mark.parametrize(("name", "library"), engines.LIBRARIES.items())
def test_an_engine_that_is_missing_says_how_to_get_it(name: str, library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(UsageError, match=rf"pip install 'hpcmcodec\[{name}\]'"):
        engines.engine(name, workers=1, address=None)
