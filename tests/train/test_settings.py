"""Every way to train, for two steps: networks, metrics, optimisers, regularisers, and their pairs."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hpcmcodec.errors import ModelFileError, UsageError  # noqa: E402
from hpcmcodec.formats import model_file  # noqa: E402
from hpcmcodec.models.config import HpcmConfig  # noqa: E402
from hpcmcodec.models.presets import PRESETS  # noqa: E402
from hpcmcodec.train import checkpoint  # noqa: E402
from hpcmcodec.train.config import RunConfig  # noqa: E402
from hpcmcodec.train.export import export_run  # noqa: E402
from hpcmcodec.train.run import train  # noqa: E402
from tests.codec.conftest import TINY  # noqa: E402
from tests.codec.test_hpcm_family import ALIGNED  # noqa: E402

from .conftest import losses, quiet  # noqa: E402

WAYS: dict[str, dict[str, Any]] = {
    "spectral": {"spectral_reg": True, "truncation_steps": 2},
    "latent": {"spectral_reg": True, "truncation_steps": 2, "spectral_target": "latent"},
    "inter-scale": {"inter_scale_reg": True, "inter_scale_start": 0, "truncation_steps": 1},
    "margin": {"inter_scale_reg": True, "inter_scale_start": 0, "inter_scale_form": "margin", "truncation_steps": 1},
    "anchored": {"balance": "anchored"},
    "famo": {"balance": "famo", "lambda_": 0.01},
    "cautious": {"optimizer": "cautious"},
    "muon": {"optimizer": "muon"},
    "soap": {"optimizer": "soap"},
    "bfloat16": {"precision": "bfloat16"},
    "channels-last": {"channels_last": True, "precision": "float32"},
    "one rate": {"lambda_": 0.013},
    "official": {"schedule": "official"},
}
HPCM: HpcmConfig = replace(ALIGNED, hyper=replace(ALIGNED.hyper, analysis_blocks=(0, 0), synthesis_blocks=(0, 0)))


def run(settings: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A silent run."""
    return train(RunConfig(**{**settings, **more}), quiet)


@pytest.mark.parametrize("way", [pytest.param(w, marks=pytest.mark.slow if w == "muon" else ()) for w in WAYS])
def test_every_way_trains_and_goes_on(settings: dict[str, Any], tmp_path: Path, way: str) -> None:
    run(settings, steps=4, **WAYS[way])
    whole, parts = losses_of(settings["out"]), tmp_path / "parts"
    assert len(whole) == 4 and all(np.isfinite(v) for v in whole)
    run(settings, out=parts, steps=4, chunk=1e-9, **WAYS[way])
    run(settings, out=parts, steps=4, resume=True, **WAYS[way])
    assert losses_of(parts) == whole  # bit for bit: what a way keeps is in the checkpoint


def losses_of(run: Path) -> list[float]:
    """Losses in order, of truncated pictures too."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [line.get("loss", line.get("loss_truncated")) for line in lines]


@pytest.mark.slow
def test_pairs_of_regularisers(settings: dict[str, Any], tmp_path: Path) -> None:
    for a, b in itertools.combinations(("spectral", "inter-scale", "anchored", "cautious"), 2):
        out = tmp_path / f"{a}-{b}"
        run(settings, out=out, steps=2, **{**WAYS[a], **WAYS[b]})
        assert len(losses_of(out)) == 2


def test_truncation_that_is_over_leaves_no_trace(settings: dict[str, Any], tmp_path: Path) -> None:
    run(settings, steps=2)
    run(settings, out=tmp_path / "cut", steps=2, spectral_reg=True, truncation_steps=1, tau_init=1.0)
    assert losses(tmp_path / "cut") == losses(settings["out"])


def test_plain_weights_of_the_balance_change_nothing(settings: dict[str, Any], tmp_path: Path) -> None:
    run(settings, steps=3)
    run(settings, out=tmp_path / "w", steps=3, balance="anchored", balance_max=0)
    found, plain = losses(tmp_path / "w"), losses(settings["out"])
    assert list(found.values()) == pytest.approx(list(plain.values()), rel=1e-5)


@pytest.mark.parametrize("metric", ["mse", "ms-ssim"])
def test_fixed_rate_network(
    settings: dict[str, Any], photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, metric: str
) -> None:
    """The HPCM family: generalised Gaussian scales, its own padding, an export that encodes."""
    monkeypatch.setitem(PRESETS, "small", HPCM)
    monkeypatch.setattr("hpcmcodec.train.validation.SIZE", 128)
    more = {"init": None, "preset": "small", "lambda_": 0.0483 if metric == "mse" else 60.5, "metric": metric}
    size = 128 if metric == "mse" else 256
    if metric == "ms-ssim":
        more["data"] = _large(tmp_path)
    with pytest.raises(UsageError, match="--lambda"):
        run(settings, steps=1, **{**more, "lambda_": None, "patch_size": size})
    with pytest.raises(UsageError, match="multiple of 128"):
        run(settings, steps=1, **{**more, "patch_size": 192, "data": _large(tmp_path)})
    valid = {"valid": more.get("data", photos), "valid_count": 1, "valid_coded": 1} if metric == "mse" else {}
    run(settings, steps=12, lr=3e-3, patch_size=size, **more, **valid)
    found = list(losses(settings["out"]).values())
    assert np.mean(found[-3:]) < np.mean(found[:3])
    if valid:
        points = checkpoint.load(settings["out"])["validation"]
        assert len(points["points"]) == len(points["coded"]) == 1
        export_run(settings["out"], tmp_path / "f.safetensors")
        assert model_file.read(tmp_path / "f.safetensors").distribution == {"name": "generalised_gaussian"}


def _large(folder: Path) -> Path:
    from PIL import Image

    from tests.codec.conftest import picture

    (folder / "large").mkdir(exist_ok=True)
    Image.fromarray(picture(260, 260)).save(folder / "large" / "a.png")
    return folder / "large"


def test_start_from_a_smaller_model(settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """What the model lacks keeps its initial values, and the run says so."""
    monkeypatch.setitem(PRESETS, "deeper", replace(TINY, blocks=(1, 1, 2)))
    monkeypatch.setitem(PRESETS, "wider", replace(TINY, hyper_channels=16))
    shown: list[str] = []
    train(RunConfig(**settings, steps=1, preset="deeper"), shown.append)
    assert json.loads(shown[0])["start"]["new"] == [
        f"{net}.s16.blocks.1.branch.{part}" for net in ("g_a", "g_s") for part in ("0.pconv", "1", "3")
    ]
    assert json.loads(shown[0])["start"]["left_out"] == []
    with pytest.raises(UsageError, match="another shape"):
        run(settings, out=settings["out"] / "x", steps=1, preset="wider")


def test_learning_rates_by_name(settings: dict[str, Any]) -> None:
    run(settings, steps=1, rates=(("^g_a", 0.0), ("^linear", 0.0), ("h_pca", 0.5)))
    groups = checkpoint.load(settings["out"])["optimizer"]["param_groups"]
    assert {group["base"] for group in groups} == {0.0, 6e-4, 3e-3, 0.5}


def test_split_checkpoint(settings: dict[str, Any], tmp_path: Path) -> None:
    out = settings["out"]
    run(settings, steps=2, split_mb=0.05)
    assert not (out / checkpoint.NAME).exists()
    parts = sorted(out.glob("last.pt.*"))
    assert len(parts) > 1 and max(p.stat().st_size for p in parts) <= 0.05 * (1 << 20)
    run(settings, steps=3, split_mb=0.05, resume=True)
    assert checkpoint.load(out)["step"] == 3 and not set(parts) & set(out.glob("last.pt.*"))
    whole = tmp_path / "whole"
    run(settings, out=whole, steps=3)
    assert losses(whole) == losses(out)
    one = min(out.glob("last.pt.*"))
    one.write_bytes(one.read_bytes()[:-1] + b"?")
    with pytest.raises(ModelFileError, match="damaged"):
        checkpoint.load(out)
    one.unlink()
    with pytest.raises(ModelFileError, match="missing"):
        checkpoint.load(out)
