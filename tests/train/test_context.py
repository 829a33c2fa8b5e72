"""Training of the context alone, on cached latents."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hpcmcodec.errors import UsageError  # noqa: E402
from hpcmcodec.formats import model_file  # noqa: E402
from hpcmcodec.models import store  # noqa: E402
from hpcmcodec.models.presets import PRESETS  # noqa: E402
from hpcmcodec.models.rwkv.config import RwkvConfig  # noqa: E402
from hpcmcodec.train import checkpoint  # noqa: E402
from hpcmcodec.train.config import RunConfig  # noqa: E402
from hpcmcodec.train.export import export_run  # noqa: E402
from hpcmcodec.train.initial import from_model  # noqa: E402
from hpcmcodec.train.latents import PIECE  # noqa: E402
from hpcmcodec.train.run import train  # noqa: E402
from tests.codec.conftest import TINY  # noqa: E402

from .conftest import losses, mean, quiet  # noqa: E402

CONTEXT = ("ctx_", "h_s", "up_state", "log_scale0", "z_log_scale")


def run(settings: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A silent run on one piece of latents."""
    return train(RunConfig(**{**settings, "cache_latents": PIECE, **more}), quiet)


def test_the_context_learns_and_nothing_else(settings: dict[str, Any]) -> None:
    run(settings, steps=20, lr=5e-3, lr_fast=3e-2, decay=0.2, batch_size=8)
    found = losses(settings["out"])
    assert mean(found[s] for s in range(16, 21)) < 0.95 * mean(found[s] for s in range(1, 6))
    before, after = from_model(settings["init"]).arrays, checkpoint.load(settings["out"])["average"]
    changed = {name for name in after if not np.array_equal(before[name], after[name].numpy())}
    assert {name for name in changed if not name.startswith(CONTEXT)} == set()
    assert any(name.startswith("ctx_a") for name in changed) and any(name.startswith("ctx_b") for name in changed)


def test_a_resumed_run_is_the_uninterrupted_one(settings: dict[str, Any], tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    run(settings, steps=4, cache=cache)
    whole = losses(settings["out"])
    (folder,) = cache.glob("latents-*")
    (piece,) = folder.iterdir()
    made = piece.stat().st_mtime_ns
    parts = tmp_path / "parts"
    run(settings, steps=2, cache=cache, out=parts, decay=0.0)
    assert piece.stat().st_mtime_ns == made  # once for all runs
    assert losses(parts) == {step: whole[step] for step in (1, 2)}
    piece.unlink()
    run(settings, steps=4, cache=cache, out=parts, resume=True)
    assert losses(parts) == whole


def test_latents_of_another_model_are_others(settings: dict[str, Any], tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    run(settings, steps=1, cache=cache)
    run(settings, steps=1, cache=cache, out=tmp_path / "seed", seed=1)
    run(settings, steps=1, cache=cache, out=tmp_path / "more", preset=None, range=(0.001, 0.05))
    assert len(list(cache.glob("latents-*"))) == 3


def test_its_result_is_a_small_adapter(
    settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(settings, steps=1)
    whole, small = tmp_path / "whole.safetensors", tmp_path / "small.safetensors"
    export_run(settings["out"], whole)
    export_run(settings["out"], small, base=settings["init"])
    monkeypatch.setenv("HPCM_MODELS", str(Path(settings["init"]).parent))
    left = set(model_file.stored_tensors(small))
    assert left and all(name.startswith(CONTEXT) for name in left)
    one, other = store.find(whole).tensors, store.find(small).tensors
    assert set(one) == set(other)
    assert all(np.array_equal(one[name], other[name]) for name in left if not name.endswith(".scale"))


def test_a_part_of_the_context(settings: dict[str, Any]) -> None:
    run(settings, steps=2, freeze=r"^(?!ctx_b\.heads)")
    before, after = from_model(settings["init"]).arrays, checkpoint.load(settings["out"])["average"]
    changed = {name for name in after if not np.array_equal(before[name], after[name].numpy())}
    assert changed and all(name.startswith("ctx_b.heads") for name in changed)


@pytest.fixture
def other_blocks(settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Settings of a network with RWKV in place of its model's blocks."""
    rwkv = RwkvConfig(cell_rates=(2, 2, 2), windows=(4, 4, 8))
    monkeypatch.setitem(PRESETS, "tiny-rwkv", replace(TINY, rwkv=rwkv))
    return {**settings, "preset": "tiny-rwkv", "batch_size": 8, "lr": 1e-2, "ema": 0.5}


def test_new_blocks_learn_what_the_old_ones_do(other_blocks: dict[str, Any]) -> None:
    run(other_blocks, steps=40, distil=40)
    lines = [json.loads(line) for line in (other_blocks["out"] / "metrics.jsonl").read_text().splitlines()]
    found = [line["mismatch"] for line in lines if "mismatch" in line]
    assert len(found) == 40 and not losses(other_blocks["out"])
    assert found[0] == pytest.approx(1)  # closed blocks add nothing
    assert found[-1] < 0.8
    before, after = from_model(other_blocks["init"]).arrays, checkpoint.load(other_blocks["out"])["average"]
    kept = [name for name in after if not name.startswith("ctx_b.blocks.")]
    assert kept and all(np.array_equal(before[name], after[name].numpy()) for name in kept)


def test_rates_follow_distillation(other_blocks: dict[str, Any], tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    run(other_blocks, steps=4, distil=2, cache=cache, decay=0.0)
    whole = losses(other_blocks["out"])
    assert list(whole) == [3, 4]
    parts = tmp_path / "parts"
    for steps in (1, 3, 4):
        run({**other_blocks, "out": parts}, steps=steps, distil=2, cache=cache, decay=0.0, resume=True)
    assert losses(parts) == whole


def test_nothing_to_distil(settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="--distil needs"):
        RunConfig(**settings, steps=1, distil=1)
    monkeypatch.setitem(PRESETS, "tiny", TINY)
    with pytest.raises(UsageError, match="nothing to learn"):
        run(settings, steps=1, distil=1, preset="tiny")


def test_what_has_no_place_in_it(settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="cache-latents"):
        RunConfig(**settings, steps=90, cache_latents=64, inter_scale_reg=True)
    with pytest.raises(UsageError, match="cache-latents must be positive"):
        RunConfig(**settings, steps=1, cache_latents=-1)
