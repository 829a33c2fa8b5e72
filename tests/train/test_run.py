"""Whole runs of a tiny network: learning, going on, stopping, failing."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hpcmcodec.errors import InputError, ModelFileError, OutputError, UsageError  # noqa: E402
from hpcmcodec.train import checkpoint  # noqa: E402
from hpcmcodec.train.config import RunConfig  # noqa: E402
from hpcmcodec.train.initial import from_model  # noqa: E402
from hpcmcodec.train.optimizer import kind_of, schedule  # noqa: E402
from hpcmcodec.train.options import seconds  # noqa: E402
from hpcmcodec.train.run import train  # noqa: E402

from .conftest import losses, mean, quiet  # noqa: E402


def run(settings: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A silent run."""
    return train(RunConfig(**{**settings, **more}), quiet)


def test_a_few_steps_lower_the_loss(settings: dict[str, Any], photos: Path) -> None:
    run(settings, steps=20, lr=5e-3, lr_fast=3e-2, decay=0.2)
    found = losses(settings["out"])
    assert sorted(found) == list(range(1, 21))
    assert mean(found[s] for s in range(16, 21)) < 0.9 * mean(found[s] for s in range(1, 6))


def test_resumed_run_is_the_uninterrupted_one(settings: dict[str, Any], tmp_path: Path) -> None:
    run(settings, steps=6)
    whole = losses(settings["out"])
    parts = tmp_path / "parts"

    def interrupt(line: str) -> None:
        if json.loads(line)["step"] == 3:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train(RunConfig(**{**settings, "out": parts, "steps": 6}), interrupt)
    assert checkpoint.load(parts)["step"] == 3 and sorted(losses(parts)) == [1, 2, 3]
    run(settings, out=parts, steps=6, resume=True, init=None)
    assert losses(parts) == whole  # bit for bit
    a, b = (checkpoint.load(folder)["average"] for folder in (settings["out"], parts))
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_going_on_drops_metrics_beyond_the_checkpoint(settings: dict[str, Any]) -> None:
    run(settings, steps=2)
    with (settings["out"] / "metrics.jsonl").open("a") as file:
        file.write('{"step": 9, "loss": 1.0}\n{"step": 3, "lo')
    run(settings, steps=3, resume=True)
    assert sorted(losses(settings["out"])) == [1, 2, 3]


def test_chunks_and_time_budget(settings: dict[str, Any]) -> None:
    run(settings, time_budget=600.0, chunk=1e-6)
    assert checkpoint.load(settings["out"])["step"] == 1
    run(settings, time_budget=600.0, chunk=1e-6, log_every=25, resume=True)
    first = checkpoint.load(settings["out"])
    assert first["step"] == 2 and sorted(losses(settings["out"])) == [1, 2] and 0 < first["seconds"] < 600
    run(settings, time_budget=first["seconds"], resume=True)
    assert checkpoint.load(settings["out"])["step"] == first["step"]  # the budget was used up


def test_validation_uses_the_averaged_weights(
    settings: dict[str, Any], photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hpcmcodec.train.validation.SIZE", 64)
    run(settings, steps=2, valid=photos, valid_count=2, valid_coded=1)
    lines = [json.loads(line) for line in (settings["out"] / "metrics.jsonl").read_text().splitlines()]
    first, last = (line["valid"] for line in lines if "valid" in line)
    assert [p["quality"] for p in first["points"]] == [0, 0.25, 0.5, 0.75, 1]
    assert first["yardstick"] == pytest.approx(mean(p["yardstick"] for p in first["points"]), abs=1e-4)
    rates = [p["bpp"] for p in first["points"]]
    assert rates == sorted(rates) and last != first
    coded = [p["bpp"] for p in first["coded"]]  # whole files: headers weigh a lot at this size
    assert coded == sorted(coded) and all(p["psnr"] > 5 for p in first["coded"])
    assert checkpoint.load(settings["out"])["validation"] == {"step": 2, **last}


def test_frozen_parameters_stay(settings: dict[str, Any]) -> None:
    run(settings, steps=2, freeze=r"^(g_a|linear)\.")
    saved, start = checkpoint.load(settings["out"]), from_model(settings["init"]).arrays
    for name, tensor in saved["weights"].items():
        if name.startswith(("g_a.", "linear.")):
            np.testing.assert_array_equal(tensor.numpy(), start[name])
    assert not np.array_equal(saved["weights"]["g_s.stem.weight"].numpy(), start["g_s.stem.weight"])
    with pytest.raises(UsageError, match="--freeze"):
        run(settings, steps=4, resume=True)


def test_steps_without_finite_gradients_are_skipped(settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hpcmcodec.train.run.clipped_norm", lambda parameters, limit: float("nan"))
    last = run(settings, steps=2)
    assert last["skipped"] == 1 and last["norm"] is None
    start = from_model(settings["init"]).arrays
    saved = checkpoint.load(settings["out"])["weights"]
    assert all(np.array_equal(saved[name].numpy(), start[name]) for name in start)
    monkeypatch.setattr("hpcmcodec.train.run._MOST_SKIPS", 2)
    with pytest.raises(UsageError, match="lower the learning rates"):
        run(settings, steps=9, resume=True)


def test_failed_write_keeps_the_checkpoint(settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    run(settings, steps=1)

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("torch.save", full)
    with pytest.raises(OutputError, match=r"No space left.*intact"):
        run(settings, steps=2, resume=True)
    monkeypatch.undo()
    assert checkpoint.load(settings["out"])["step"] == 1
    assert not list(settings["out"].glob("*.part"))


def test_what_cannot_be(settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="no preset 'huge'"):
        run(settings, steps=1, init=None, preset="huge")
    run(settings, steps=1)
    with pytest.raises(UsageError, match="--resume"):
        run(settings, steps=2)
    with pytest.raises(InputError, match="smaller than the crop"):
        run(settings, steps=2, patch_size=512, resume=True)
    with pytest.raises(UsageError, match="another network than lite"):
        run(settings, steps=2, init=None, preset="lite", resume=True)
    with pytest.raises(UsageError, match="--device"):
        run(settings, steps=2, device="nonsense", resume=True)
    (settings["out"] / checkpoint.NAME).write_bytes(b"nonsense")
    with pytest.raises(ModelFileError, match="not a readable checkpoint"):
        run(settings, steps=2, resume=True)


@pytest.mark.parametrize(
    "more",
    [{}, {"steps": 0}, {"steps": 1, "patch_size": 100}, {"steps": 1, "decay": 1.5}, {"steps": 1, "freeze": "("}],
)
def test_settings_that_make_no_sense(settings: dict[str, Any], more: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        RunConfig(**{**settings, **more})


def test_durations() -> None:
    assert [seconds(text) for text in ("90", "1.5m", "25m", "1h30m", "2h")] == [90, 90, 1500, 5400, 7200]
    for text in ("", "5x", "m", "1h30"):
        with pytest.raises(ValueError, match="not a duration"):
            seconds(text)


def test_schedule_rises_stays_and_falls(settings: dict[str, Any]) -> None:
    config = RunConfig(**{**settings, "steps": 100, "decay": 0.4})
    factors = [schedule(step, step / 100, config) for step in range(101)]
    assert factors[0] == pytest.approx(0.2) and factors[4:60] == [1.0] * 56 and factors[80] == pytest.approx(0.5)
    assert factors[100] == 0


def test_kinds_of_parameters() -> None:
    kinds = {
        "linear": ["linear.ana", "linear.pre", "h_pca"],
        "fast": ["log_up.rows", "z_mean.rows", "ctx_b.direct.3.weight"],
        "deep": ["g_a.s4.mod.table.rows", "ctx_a.mods.0.table.rows", "ctx_a.heads.1.weight", "h_in.bias"],
    }
    assert {kind: [name for name in names if kind_of(name) == kind] for kind, names in kinds.items()} == kinds


def test_a_branch_begins_with_all_of_a_run_and_leaves_it_alone(settings: dict[str, Any], tmp_path: Path) -> None:
    trunk, branch = settings["out"], tmp_path / "branch"
    run(settings, steps=4, decay=0.0)
    before = (trunk / "last.pt").read_bytes()
    run({**settings, "init": None}, out=branch, branch=trunk, steps=3, decay=1.0, warmup=1)
    assert (trunk / "last.pt").read_bytes() == before
    saved = checkpoint.load(branch)
    assert saved["step"] == 7 and saved["extras"]["origin"][0] == 4
    assert sorted(losses(branch)) == [5, 6, 7]  # crops that the trunk would have seen next
    run({**settings, "init": None}, out=branch, branch=trunk, steps=5, decay=1.0, warmup=1, resume=True)
    assert checkpoint.load(branch)["step"] == 9
    with pytest.raises(UsageError, match="--init"):
        RunConfig(**{**settings, "branch": trunk, "steps": 1})


def test_a_branch_may_train_other_parameters(settings: dict[str, Any], tmp_path: Path) -> None:
    trunk, branch = settings["out"], tmp_path / "branch"
    run(settings, steps=2)
    run({**settings, "init": None}, out=branch, branch=trunk, steps=2, freeze="^(?!g_s)")
    own, other = (checkpoint.load(folder)["weights"] for folder in (trunk, branch))
    moved = {name for name in own if not torch.equal(own[name], other[name])}
    assert moved and all(name.startswith("g_s") for name in moved)
