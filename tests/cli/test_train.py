"""`hpcm train` and `hpcm models export` as far as they go without torch."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import hpcmcodec.train
from hpcmcodec.cli.train_progress import event, progress, running

from .storing import Hpcm


@pytest.fixture
def no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without torch."""
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in [name for name in sys.modules if name.startswith("hpcmcodec.train.")]:
        monkeypatch.delitem(sys.modules, name)
        monkeypatch.delattr(hpcmcodec.train, name.rsplit(".", 1)[1], raising=False)


def test_missing_torch_is_told_with_its_remedy(hpcm: Hpcm, no_torch: None, tmp_path: Path) -> None:
    for arguments in (
        ("train", "--data", tmp_path, "--out", tmp_path / "run", "--steps", 1),
        ("models", "export", tmp_path, "-o", tmp_path / "x.safetensors"),
    ):
        result = hpcm(*arguments)
        assert result.code == 2 and "pip install 'hpcmcodec[train]'" in result.err and result.err.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_help_shows_defaults(hpcm: Hpcm) -> None:
    result = hpcm("train", "--help")
    assert result.code == 0 and "--batch-size N" in result.out and "Default: 0.998" in result.out


@pytest.mark.parametrize(
    "more",
    [
        (),
        ("--steps", "1", "--patch-size", "100"),
        ("--time-budget", "soon"),
        ("--steps", "1", "--metric", "ms-ssim", "--patch-size", "128"),
        ("--steps", "1", "--optimizer", "sgd"),
        ("--steps", "1", "--rates", "ctx"),
        ("--steps", "1", "--balance", "famo"),
        ("--time-budget", "1h", "--spectral-reg"),
    ],
)
def test_unusable_options(hpcm: Hpcm, tmp_path: Path, more: tuple[str, ...]) -> None:
    result = hpcm("train", "--data", tmp_path, "--out", tmp_path / "run", *more)
    assert result.code == 2 and result.err.count("\n") == 1


def test_progress_in_words() -> None:
    values = {"step": 7, "loss": 0.51, "bpp": 0.4, "pixels_per_second": 250000, "skipped": 1, "done": 0.5}
    assert running(values) == "step 7  loss 0.5100  0.400 bpp  0.25 Mpixel/s  1 skipped"
    assert "not finite" in running({**values, "loss": None, "bpp": None})
    point = {"quality": 0.5, "bpp": 0.25, "psnr": 30.0, "yardstick": 0.5}
    valid = {"step": 0, "valid": {"yardstick": 0.5, "points": [point], "coded": [{"bpp": 0.3, "psnr": 29.5}]}}
    assert "quality 50: 0.2500 bpp, 30.00 dB; files 0.3000 bpp, 29.50 dB" in event(valid)
    assert event({"step": 0, "start": {"new": ["a.b"], "left_out": []}}) == "new parts with their initial values: a.b"


def test_progress_line_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    with progress() as show:
        show(json.dumps({"step": 0, "seconds": 0, "start": {"new": ["a.b"]}}))
        show(json.dumps({"step": 7, "loss": 0.5, "bpp": 0.4, "pixels_per_second": 9, "skipped": 0, "done": 1.0}))
    shown = capsys.readouterr().out
    assert "step 7" in shown and "a.b" in shown
