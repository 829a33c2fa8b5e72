"""Metrics against their definition and against the one that training uses."""

from __future__ import annotations

import numpy as np
import pytest

from hpcmcodec.bench.metrics import LEAST_SIDE, MOST_DECIBELS, decibels, ms_ssim, psnr

from .conftest import photo


def noisy(pixels: np.ndarray, amount: int) -> np.ndarray:
    noise = np.random.default_rng(3).integers(-amount, amount + 1, pixels.shape)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


def test_psnr() -> None:
    black = np.zeros((4, 5, 3), np.uint8)
    assert psnr(black, black) == MOST_DECIBELS
    assert psnr(black, black + np.uint8(255)) == pytest.approx(0)
    assert psnr(black, black + np.uint8(1)) == pytest.approx(48.1308, abs=1e-4)


def test_ms_ssim_ends() -> None:
    picture = photo(LEAST_SIDE, LEAST_SIDE + 3, 1)
    assert ms_ssim(picture, picture) == pytest.approx(1, abs=1e-6)
    values = [ms_ssim(picture, noisy(picture, amount)) for amount in (2, 8, 40)]
    assert sorted(values, reverse=True) == values and values[2] < 0.9
    assert ms_ssim(picture[:-1], picture[:-1]) is None


@pytest.mark.parametrize("size", [(161, 180), (192, 256), (175, 163)])
def test_ms_ssim_is_the_one_of_training(size: tuple[int, int]) -> None:
    torch = pytest.importorskip("torch")
    from hpcmcodec.train.ms_ssim import ms_ssim as of_training

    a = photo(*size, 4)
    b = noisy(a, 20)
    x, y = (torch.from_numpy(p.astype(np.float32) / 255).permute(2, 0, 1)[None] for p in (a, b))
    assert ms_ssim(a, b) == pytest.approx(float(of_training(x, y)), abs=2e-6)


def test_decibels() -> None:
    assert [decibels(x) for x in (0.9, 0.99)] == pytest.approx([10, 20])
    assert decibels(1.0) == MOST_DECIBELS
