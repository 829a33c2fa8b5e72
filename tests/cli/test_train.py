"""`hpcm train` and `hpcm models export` as far as they go without torch."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import hpcmcodec.train

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
