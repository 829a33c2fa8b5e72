"""What a trellis makes of a residual on average: the slopes that training's gradients need and a search does not have.

A residual is coded as a value that stays where it is until it jumps. Where the jump lies depends on the state of the
trellis, which is as good as random, so that expectations are smooth. They are measured: residuals of every size, coded
with every row of the tables, are put here and there into sequences of ordinary ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

BINS, WIDTH = 100, 0.05
"""Of magnitudes of residuals. Beyond them values follow residuals."""
_SPACING = 8  # between what is measured: a trellis of 256 states has forgotten by then
_LENGTH, _SEQUENCES = 16384, 1440
_BUSY = (0.1, 0.2, 0.4, 0.7)  # shares of a sequence that are not all but sure to be zero
_SMOOTH_ROWS, _SMOOTH_BINS = 1.5, 1.2  # standard deviations of the windows
_NOISE = 0.005  # a slope that may be one of chance

Floats = npt.NDArray[np.float64]
Quantise = Callable[[npt.NDArray[np.float32], npt.NDArray[np.uint16]], npt.NDArray[np.float32]]
"""Residuals and rows, both flat, to values."""


class Response:
    """Slopes of the expected value and of the expected squared value of a residual, by its magnitude and row."""

    def __init__(self, by_residual: Tensor, by_log_scale: Tensor) -> None:
        """Both (2, rows, BINS) float32, at the middles of the bins: of the value, of its square."""
        far = torch.tensor([1.0, 2 * BINS * WIDTH])[:, None, None].expand(2, by_residual.shape[1], 1)
        pair = torch.cat((by_residual, far), 2), torch.cat((by_log_scale, 0 * far), 2)
        self._slopes = torch.cat(pair).permute(1, 2, 0).flatten(0, 1).contiguous()  # of a row and bin, side by side

    @classmethod
    def of(cls, quantise: Quantise, scales: npt.NDArray[np.floating]) -> Self:
        """Measured on a quantiser whose rows stand for logistic scales (R,). Takes seconds; each time the same."""
        rng, rows = np.random.default_rng(0), len(scales)
        sums = np.zeros((3, rows * BINS))
        for i in range(_SEQUENCES):
            residual, row = _ordinary(rng, scales, _BUSY[i % len(_BUSY)])
            here = np.arange(rng.integers(_SPACING), _LENGTH, _SPACING)
            magnitude = rng.random(len(here)).astype(np.float32) * np.float32(BINS * WIDTH)
            row[here] = rng.integers(rows, size=len(here))
            residual[here] = magnitude * rng.choice(np.array([-1, 1], np.float32), len(here))
            found = np.abs(quantise(residual, row)[here]).astype(np.float64)
            place = row[here].astype(np.int64) * BINS + (magnitude / WIDTH).astype(np.int64).clip(0, BINS - 1)
            for total, weights in zip(sums, (None, found, found**2), strict=True):
                total += np.bincount(place, weights, rows * BINS)
        count, *totals = sums.reshape(3, rows, BINS)
        means, slopes = (np.stack(part) for part in zip(*(_fitted(count, total) for total in totals), strict=True))
        across = np.gradient(means, np.log(scales), axis=1)
        moves = slopes[0] > _NOISE
        tables = [torch.from_numpy(np.where(moves, table, 0).astype(np.float32)) for table in (slopes, across)]
        return cls(*tables)

    def __call__(self, magnitude: Tensor, row: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """By the magnitude, then by the log-scale: slopes of value and square. Both arguments of one shape, rows
        int64."""
        self._slopes = self._slopes.to(magnitude.device)
        place = (magnitude / WIDTH - 0.5).clamp(0, BINS)
        below = place.floor().clamp_max(BINS - 1)
        index = row * (BINS + 1) + below.long()
        found = torch.lerp(self._slopes[index], self._slopes[index + 1], (place - below)[..., None])
        value, square, value_across, square_across = found.unbind(-1)
        return (value, torch.where(place < BINS, square, 2 * magnitude)), (value_across, square_across)


def _ordinary(
    rng: np.random.Generator, scales: npt.NDArray[np.floating], busy: float
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint16]]:
    """Residuals of logistic distributions and their rows; all but the share `busy` of the finest row."""
    row = np.where(rng.random(_LENGTH) < busy, rng.integers(len(scales) // 10, 3 * len(scales) // 4, _LENGTH), 0)
    uniform = rng.uniform(1e-6, 1 - 1e-6, _LENGTH)
    return (scales[row] * np.log(uniform / (1 - uniform))).astype(np.float32), row.astype(np.uint16)


def _fitted(count: Floats, total: Floats) -> tuple[Floats, Floats]:
    """The means total / count, and their slopes along the bins, by local linear fits, weighted by distance in rows and
    bins."""
    rows, bins = np.arange(len(count)), (np.arange(BINS) + 0.5) * WIDTH
    across = np.exp(-0.5 * ((rows[:, None] - rows) / _SMOOTH_ROWS) ** 2)
    along, away = np.exp(-0.5 * ((bins[:, None] - bins) / (_SMOOTH_BINS * WIDTH)) ** 2), bins[:, None] - bins
    n, t = across @ count, across @ total
    s0, s1, s2 = (n @ (along * away**k) for k in range(3))
    t0, t1 = t @ along, t @ (along * away)
    area = np.maximum(s0 * s2 - s1 * s1, 1e-12)
    return (s2 * t0 - s1 * t1) / area, ((s0 * t1 - s1 * t0) / area).clip(min=0)
