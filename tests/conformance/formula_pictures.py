"""Pictures that are the same on every machine: of conformance files."""

from __future__ import annotations

import numpy as np


def formula_picture(height: int, width: int, channels: int) -> np.ndarray:
    """Stripes, checks and integer noise; the same on every machine. uint8 (H, W, C)."""
    y, x, c = np.mgrid[:height, :width, :channels]
    noise = ((y * 7919 + x * 104729 + c * 1299709) * 2654435761 >> 7) % 64
    waves = np.abs((x * (2 + c) + 3 * y + 17 * c) % 160 - 80) + 60 * ((x // 24 + y // 20 + c) % 2)
    return (waves + noise // 2 + 30).clip(0, 255).astype(np.uint8)


def formula_graphic(height: int, width: int, channels: int) -> np.ndarray:
    """Flat areas, marks that repeat, few colours. uint8 (H, W, C)."""
    y, x, c = np.mgrid[:height, :width, :channels]
    marks = (x % 12 < 7) & (y % 10 < 7) & (((x % 12) * 5 + (y % 10) * 3) % 7 < 3) & (y // 10 % 4 != 3)
    return np.where(marks, 20 + 30 * c, np.where(y > 3 * height // 4, 240 - 9 * c, 255)).astype(np.uint8)
