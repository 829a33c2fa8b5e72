"""torchrun with two processes: the same losses as one process with the whole batch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from hpcmcodec.errors import UsageError  # noqa: E402
from hpcmcodec.train import checkpoint  # noqa: E402
from hpcmcodec.train.config import RunConfig  # noqa: E402
from hpcmcodec.train.data import Crops, load_pictures  # noqa: E402
from hpcmcodec.train.latents import PIECE  # noqa: E402
from hpcmcodec.train.loss import Noise  # noqa: E402
from hpcmcodec.train.parallel import Processes  # noqa: E402
from hpcmcodec.train.run import train  # noqa: E402

from .conftest import losses, quiet  # noqa: E402

CPU = torch.device("cpu")


def in_two_processes(settings: dict[str, Any], out: Path, *more: str) -> dict[int, float]:
    """Losses of a run of three steps."""
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone"]
    command += ["-m", "hpcmcodec.train", "--steps=3", "--log-every=1", "--warmup=5", "--ema=0.9", "--threads=1"]
    command += [f"--data={settings['data']}", f"--out={out}", f"--init={settings['init']}"]
    command += ["--batch-size=4", "--patch-size=64", "--precision=float32", *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return losses(out)


def assert_close(one: dict[int, float], two: dict[int, float]) -> None:
    """Losses of as many steps, up to rounding."""
    assert list(two) == list(one) == [1, 2, 3] and list(two.values()) == pytest.approx(list(one.values()), rel=1e-4)


@pytest.mark.parametrize("optimizer", ["adam", "soap"])
def test_two_processes_are_one_with_the_whole_batch(settings: dict[str, Any], tmp_path: Path, optimizer: str) -> None:
    # bfloat16 rounds by far more than they differ.
    settings = {**settings, "batch_size": 4, "precision": "float32", "optimizer": optimizer}
    train(RunConfig(**settings, steps=3), quiet)
    out = tmp_path / "two"
    assert_close(losses(settings["out"]), in_two_processes(settings, out, f"--optimizer={optimizer}"))
    a, b = (checkpoint.load(folder)["average"] for folder in (settings["out"], out))
    if optimizer == "adam":  # soap moves by rounding where gradients are nearly zero, which no loss notices
        assert all(torch.allclose(a[name], b[name], rtol=1e-3, atol=1e-4) for name in a)
    assert len((out / "metrics.jsonl").read_text().splitlines()) == 3  # one process writes


def test_two_processes_train_a_context_as_one(settings: dict[str, Any], tmp_path: Path) -> None:
    settings = {**settings, "batch_size": 4, "precision": "float32"}
    train(RunConfig(**settings, steps=3, cache_latents=PIECE), quiet)
    assert_close(losses(settings["out"]), in_two_processes(settings, tmp_path / "two", f"--cache-latents={PIECE}"))


def test_shares_make_up_the_batch(photos: Path, tmp_path: Path) -> None:
    crops = Crops(load_pictures(photos, tmp_path), 64, 0.5, 0)
    whole = crops.batch(3, 4)
    for rank in (0, 1):
        share = Processes(rank, 2, CPU).share(4)
        assert (crops.batch(3, 4, share) == whole[share]).all()
    with pytest.raises(UsageError, match="cannot be divided among 3"):
        Processes(0, 3, CPU).share(4)


def test_noise_of_processes_is_that_of_one() -> None:
    like = torch.zeros(4, 2, 3, 3)
    drawn = []
    for noise, part in ((Noise(), like), (Noise(0, 2), like[:2]), (Noise(1, 2), like[2:])):
        torch.manual_seed(1)
        drawn.append(noise(part))
    assert torch.equal(drawn[0], torch.cat(drawn[1:])) and drawn[0].abs().max() <= 0.5


def test_many_crops_are_cut_by_threads_alike(photos: Path, tmp_path: Path) -> None:
    crops = Crops(load_pictures(photos, tmp_path), 64, 0.5, 0)
    many = crops.batch(5, 18)
    assert (many[:4] == crops.batch(5, 18, slice(0, 4))).all()
