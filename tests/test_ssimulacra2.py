"""SSIMULACRA2 against what the reference program says of pictures made here."""

from __future__ import annotations

import numpy as np
import pytest

from hpcmcodec.ssimulacra2 import ssimulacra2


def scene(height: int, width: int) -> np.ndarray:
    """Waves of many lengths with hard edges, RGB."""
    y, x = np.mgrid[:height, :width] / 7.0
    waves = np.stack([np.sin(x * (1 + c) * (y + 3) / 9) + np.cos(y / (1 + c) + x) for c in range(3)], 2)
    blocks = ((np.floor(x / 3) + np.floor(y / 2)) % 2)[..., None] * (40, 70, 20)
    return np.clip(128 + 45 * waves + blocks - 30, 0, 255).astype(np.uint8)


def coarse(pixels: np.ndarray, step: int) -> np.ndarray:
    """Values rounded to multiples."""
    return (pixels // step * step + step // 2).astype(np.uint8)


def soft(pixels: np.ndarray) -> np.ndarray:
    """Each pixel the mean of itself and the next of its row and column."""
    wide = np.pad(pixels.astype(np.uint16), ((0, 1), (0, 1), (0, 0)), mode="edge")
    return ((wide[1:, 1:] + wide[:-1, 1:] + wide[1:, :-1] + wide[:-1, :-1] + 2) // 4).astype(np.uint8)


def noisy(pixels: np.ndarray, most: int) -> np.ndarray:
    """Noise of a simple generator."""
    state = np.arange(pixels.size, dtype=np.uint64) * np.uint64(2862933555777941757) + np.uint64(3037000493)
    noise = (state >> np.uint64(40)) % np.uint64(2 * most + 1)
    return np.clip(pixels + noise.reshape(pixels.shape).astype(int) - most, 0, 255).astype(np.uint8)


def grey(height: int, width: int) -> np.ndarray:
    """(H, W, 1)."""
    return scene(height, width)[:, :, 1:2]


CASES = {
    "coarse": (scene(130, 201), coarse(scene(130, 201), 16)),
    "coarser": (scene(300, 260), coarse(scene(300, 260), 48)),
    "soft": (scene(130, 201), soft(scene(130, 201))),
    "noisy": (scene(256, 256), noisy(scene(256, 256), 5)),
    "slightly": (scene(256, 256), noisy(scene(256, 256), 1)),
    "small": (scene(8, 8), coarse(scene(8, 8), 16)),
    "thin": (scene(9, 300), noisy(scene(9, 300), 20)),
    "grey": (grey(140, 170), noisy(grey(140, 170), 9)),
}
PROGRAM = {
    "coarse": 84.8700,
    "coarser": -36.2025,
    "soft": 26.8169,
    "noisy": 91.9505,
    "slightly": 96.6101,
    "small": 94.1332,
    "thin": 85.9748,
    "grey": 84.9099,
}
"""What `ssimulacra2` 2.1 of github.com/cloudinary/ssimulacra2 prints for these as PNG files."""


@pytest.mark.parametrize("name", CASES)
def test_it_is_the_reference_programs(name: str) -> None:
    assert ssimulacra2(*CASES[name]) == pytest.approx(PROGRAM[name], abs=0.15)


def test_alpha_is_seen_before_two_backgrounds() -> None:
    pixels = scene(90, 120)
    alpha = np.clip(np.add.outer(np.arange(90) * 3, np.arange(120)), 0, 255).astype(np.uint8)
    assert ssimulacra2(pixels, noisy(pixels, 12), alpha) == pytest.approx(72.1990, abs=0.05)  # of the program too
    assert ssimulacra2(pixels, 255 - pixels, np.zeros_like(alpha)) == 100


def test_16_bits_count_as_8() -> None:
    pixels, other = scene(40, 50), noisy(scene(40, 50), 12)
    deep = ssimulacra2(pixels.astype(np.uint16) * 257, other.astype(np.uint16) * 257)
    assert deep == pytest.approx(ssimulacra2(pixels, other), abs=1e-4)


def test_the_same_picture_has_100_and_a_tiny_one_nothing() -> None:
    assert ssimulacra2(scene(50, 60), scene(50, 60)) == 100
    assert ssimulacra2(scene(7, 60), scene(7, 60)) is None
