"""Small pictures, and a worker that computes instead of coding."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def photo(height: int, width: int, seed: int) -> np.ndarray:
    """Something like a photograph: smooth shapes, an edge, a little noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / 16.0
    phases = rng.uniform(0, 6, (3, 2))
    planes = [120 + 60 * np.sin(x + p) * np.cos(y + q) + 50 * (x > y) for p, q in phases]
    return np.clip(np.stack(planes, 2) + rng.normal(0, 4, (height, width, 3)), 0, 255).astype(np.uint8)


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """A folder of two pictures."""
    folder = tmp_path / "shots"
    folder.mkdir()
    for name, seed in (("a.png", 1), ("b.png", 2)):
        Image.fromarray(photo(48, 64, seed)).save(folder / name)
    return folder
