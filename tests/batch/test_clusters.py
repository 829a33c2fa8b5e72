"""Batches on real engines: Dask with two worker processes, Ray, an S3 server on this machine (make test-clusters)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hpcmcodec.batch import Task, engines
from hpcmcodec.errors import CorruptError, LimitExceededError, StorageError
from tests.batch.flaky import FlakyJob

distributed = pytest.importorskip("distributed")
pytest.importorskip("s3fs")
moto = pytest.importorskip("moto.server")
pytestmark = pytest.mark.filterwarnings("ignore")  # those of the engines are not ours

COUNT = 12


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    """A file system of a new S3 server; environment variables lead everybody to it."""
    import s3fs

    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "nobody")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("HPCM_THREADS", "1")
        patch.delenv("AWS_PROFILE", raising=False)
        yield s3fs.S3FileSystem(skip_instance_cache=True)
    server.stop()


@pytest.fixture(scope="module")
def cluster(s3: Any) -> Iterator[Any]:
    """Dask with two worker processes that know the S3 server."""
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pictures that take a while each, and what they become: shots/*.png, coded/*.hpc."""
    root = tmp_path_factory.mktemp("cluster")
    generator = np.random.default_rng(5)
    (root / "shots/sub").mkdir(parents=True)
    for number in range(COUNT):
        coarse = Image.fromarray(generator.integers(0, 256, (12, 16, 3), np.uint8))
        coarse.resize((320, 256), Image.Resampling.BICUBIC).save(root / f"shots{'/sub' * (number % 2)}/{number}.png")
    assert hpcm("encode", root / "shots", "-o", root / "coded").returncode == 0
    return root


def hpcm(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=300)


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "hpcmcodec", *map(str, arguments)]


def contents(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_worker_killed_in_the_middle_changes_nothing(cluster: Any, shots: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ("encode", shots / "shots", "-o", out, "--engine", "dask", "--scheduler", cluster.scheduler_address)
    run = subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while len(list(out.rglob("*.hpc"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    victim = next(nanny for nanny in cluster.workers.values() if nanny.pid)
    assert cluster.scheduler.workers[victim.worker_address].processing, "the worker has work to lose"
    os.kill(victim.pid, signal.SIGKILL)
    printed, errors = run.communicate(timeout=120)
    assert run.returncode == 0, errors
    assert len(printed.splitlines()) == COUNT + 1 and f"{COUNT} encoded" in printed
    made = {name: data for name, data in contents(out).items() if not name.endswith(".part")}
    assert made == contents(shots / "coded")


def test_from_s3_to_s3(cluster: Any, s3: Any, shots: Path, tmp_path: Path) -> None:
    for bucket in ("shots", "archive"):
        s3.mkdir(bucket)
    s3.put(str(shots / "shots") + "/", "shots/2026/", recursive=True)
    s3.pipe("shots/2026/broken.png", b"no picture")
    on_dask = ("--engine", "dask", "--scheduler", cluster.scheduler_address)
    first = hpcm("encode", "s3://shots/2026", "-o", "s3://archive/2026", *on_dask)
    assert first.returncode == 3 and f"{COUNT} encoded, 1 failed" in first.stdout, first.stderr
    assert "s3://shots/2026/broken.png" in first.stderr
    expected = contents(shots / "coded")
    assert {name: s3.cat(f"archive/2026/{name}") for name in expected} == expected
    assert len(s3.find("archive")) == COUNT

    s3.rm("shots/2026/broken.png")
    s3.rm("archive/2026/0.hpc")
    again = hpcm("encode", "s3://shots/2026", "-o", "s3://archive/2026", "--skip-existing", "--verify", *on_dask)
    assert again.returncode == 0 and f"1 encoded, {COUNT - 1} skipped" in again.stdout, again.stderr
    refused = hpcm("encode", "s3://shots/2026/0.png", "-o", "s3://archive/2026/0.hpc")
    assert refused.returncode == 4 and "--skip-existing" in refused.stderr
    back = hpcm("decode", "s3://archive/2026/sub", "-o", tmp_path / "out", "--format", "ppm", "--jobs", "2")
    assert back.returncode == 0 and len(contents(tmp_path / "out")) == COUNT // 2, back.stderr
    assert hpcm("verify", "s3://archive/2026/0.hpc").stdout == "s3://archive/2026/0.hpc: ok\n"
    assert hpcm("info", "s3://nowhere/x.hpc").returncode == 3


def outcomes(name: str, address: str | None, folder: Path, *names: str) -> dict[str, Any]:
    tasks = tuple(Task(Path(name), Path("out")) for name in names)
    run = engines.engine(name, workers=2, address=address)
    done = run(FlakyJob(folder), tasks)  # type: ignore[arg-type]
    return {outcome.task.source.name: outcome for outcome in done}


def check_retries(done: dict[str, Any]) -> None:
    assert done["good"].result.bytes_out == 1 and done["twice"].result.bytes_out == 3
    assert type(done["broken"].error) is CorruptError and type(done["always"].error) is StorageError


def test_dask_tries_again_what_may_pass(cluster: Any, tmp_path: Path) -> None:
    check_retries(outcomes("dask", cluster.scheduler_address, tmp_path, "good", "twice", "broken", "always"))
    assert (tmp_path / "always.attempts").stat().st_size == engines.RETRIES + 1
    assert (tmp_path / "broken.attempts").stat().st_size == 1


@pytest.mark.slow
def test_a_file_that_kills_every_worker_fails_alone(cluster: Any, tmp_path: Path) -> None:
    done = outcomes("dask", cluster.scheduler_address, tmp_path, "deadly", *(f"good{i}" for i in range(6)))
    assert type(done.pop("deadly").error) is LimitExceededError
    assert {outcome.status for outcome in done.values()} == {"ok"}


@pytest.mark.slow
def test_engines_start_workers_of_their_own(shots: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    for name in ("dask", "ray"):
        ran = hpcm("encode", shots / "shots", "-o", tmp_path / name, "--engine", name, "--jobs", "2")
        assert ran.returncode == 0, ran.stderr
        assert contents(tmp_path / name) == contents(shots / "coded")


@pytest.mark.slow
def test_ray_tries_again_and_survives_dying_workers(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    done = outcomes("ray", None, tmp_path, "good", "twice", "broken", "always", "deadly")
    assert type(done["deadly"].error) is LimitExceededError
    check_retries(done)


def test_nobody_at_the_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "1s")
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    ran = hpcm("encode", tmp_path / "a.png", "--engine", "dask", "--scheduler", "tcp://127.0.0.1:9")
    assert ran.returncode == StorageError.exit_code and "tcp://127.0.0.1:9" in ran.stderr
