"""What a picture is collected on, piece by piece: as it is, or small, every pixel the mean of a square."""

from __future__ import annotations

import numpy as np

from hpcmcodec.codec.pixels import Pixels
from hpcmcodec.errors import UsageError
from hpcmcodec.nn.lazy import Span

SCALES = (1, 2, 4, 8)
"""Sides of the squares."""


def check_scale(scale: int) -> None:
    """Raises UsageError for a scale that there is none of."""
    if scale not in SCALES:
        raise UsageError(f"a scale of 1/{scale} is not possible: choose 1/2, 1/4 or 1/8")


class Whole:
    """Every pixel."""

    def __init__(self, height: int, width: int, channels: int) -> None:
        self._pixels = np.empty((height, width, channels), np.uint8)

    def add(self, rows: Span, columns: Span, pixels: Pixels) -> None:
        """Takes the rectangle rows x columns of the picture."""
        self._pixels[rows.start : rows.stop, columns.start : columns.stop] = pixels

    def picture(self) -> Pixels:
        """All that was taken."""
        return self._pixels


class Squares:
    """Sums over squares of scale x scale pixels of a picture; at the right and lower edge, of what there is."""

    def __init__(self, height: int, width: int, channels: int, scale: int) -> None:
        self._scale = scale
        self._sums = np.zeros((-(-height // scale), -(-width // scale), channels), np.uint32)
        rows, columns = (np.bincount(np.arange(side) // scale) for side in (height, width))
        self._counts = np.multiply.outer(rows, columns)[:, :, None]

    def add(self, rows: Span, columns: Span, pixels: Pixels) -> None:
        """Takes the rectangle rows x columns of the picture."""
        high, tops = self._parts(rows)
        wide, lefts = self._parts(columns)
        sums = np.add.reduceat(np.add.reduceat(pixels, tops, 0, np.uint32), lefts, 1)
        self._sums[high.start : high.stop, wide.start : wide.stop] += sums

    def picture(self) -> Pixels:
        """The means."""
        return np.rint(self._sums / self._counts).astype(np.uint8)

    def _parts(self, span: Span) -> tuple[Span, np.ndarray]:
        """The squares that a range meets, and where in it each of them begins."""
        met = Span(span.start // self._scale, -(-span.stop // self._scale))
        return met, np.maximum(np.arange(*met) * self._scale - span.start, 0)


def canvas(height: int, width: int, channels: int, scale: int) -> Whole | Squares:
    """For a picture of this size that is made `scale` times smaller."""
    return Whole(height, width, channels) if scale == 1 else Squares(height, width, channels, scale)


def shrink(pixels: Pixels, scale: int) -> Pixels:
    """uint8 (H, W, C) -> (ceil(H / scale), ceil(W / scale), C)."""
    height, width, channels = pixels.shape
    made = canvas(height, width, channels, scale)
    made.add(Span(0, height), Span(0, width), pixels)
    return made.picture()
