"""Where each latent lives: scale lattices, step patterns, and the placement of hyper parameters at scale 2.

Everything here is periodic and depends only on the channel group and the position (HPCM, arXiv 2507.19125), so every
regrouping is a handful of strided slices; there are no masks and no gathers. Arrays are (N, C, H, W), numpy or torch;
C is a multiple of 8 and H, W of 4. Results are fresh arrays, inputs are never written to, autograd passes through.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any
Cell = tuple[int, int]


@dataclass(frozen=True)
class Lattice:
    """A 2x2 sub-sampling: channel group g keeps the positions (2i + row, 2j + column) of its own phase."""

    phases: tuple[Cell, ...]


@dataclass(frozen=True)
class Pattern:
    """What one coding step codes: `groups[row][column]` is the channel group coded at that cell of a periodic tile.

    Each position belongs to exactly one group, so the step's elements fill a dense array of C / `count` channels.
    """

    count: int
    groups: tuple[tuple[int, ...], ...]

    @property
    def period(self) -> int:
        """Side of the tile in positions."""
        return len(self.groups)


# Scale 2 inside scale 3 by eighth of the channels, and scale 1 inside scale 2 by quarter.
SCALE2 = Lattice(((0, 0), (1, 1), (0, 1), (1, 0)) * 2)
SCALE1 = Lattice(((0, 0), (0, 1), (1, 0), (1, 1)))

# The eight pairs of cells of a 4x4 tile from which scale 3's patterns are made.
_PAIRS: tuple[tuple[Cell, Cell], ...] = (
    ((0, 0), (2, 2)),
    ((0, 2), (2, 0)),
    ((1, 1), (3, 3)),
    ((1, 3), (3, 1)),
    ((0, 1), (2, 3)),
    ((0, 3), (2, 1)),
    ((1, 0), (3, 2)),
    ((1, 2), (3, 0)),
)


def checkerboard(turn: int) -> Pattern:
    """Pattern `turn` (0 or 1) of scale 1: two channel halves on opposite colours of a checkerboard."""
    return Pattern(2, ((turn, 1 - turn), (1 - turn, turn)))


def quarters(turn: int) -> Pattern:
    """Pattern `turn` (0..3) of scale 2: quarter k at cell k XOR turn, cells numbered 2 * row + column."""
    return Pattern(4, ((turn, 1 ^ turn), (2 ^ turn, 3 ^ turn)))


def eighths(turn: int) -> Pattern:
    """Pattern `turn` (0..7) of scale 3: each eighth of the channels at two cells of a 4x4 tile.

    Turns 0 and 1 together are the scale-2 lattice.
    """
    tile = [[-1] * 4 for _ in range(4)]
    for group in range(8):
        first = turn if group < 4 else turn ^ 1
        for row, column in _PAIRS[(first + 2 * (group % 4)) % 8]:
            tile[row][column] = group
    return Pattern(8, tuple(tuple(row) for row in tile))


def zeros(like: Array, shape: tuple[int, ...]) -> Array:
    """Zeros of `shape` with the array library, type and device of `like`."""
    return np.zeros(shape, like.dtype) if isinstance(like, np.ndarray) else like.new_zeros(shape)


def sample(t: Array, lattice: Lattice, parts: int = 1) -> Array:
    """The coarser scale's grid of `t`: (N, C, H, W) -> (N, C, H/2, W/2).

    `parts` > 1 when the channels are that many stacked maps of the same geometry (scales above means).
    """
    n, c, h, w = t.shape
    phases = lattice.phases * parts
    width = c // len(phases)
    out = zeros(t, (n, c, h // 2, w // 2))
    for group, (row, column) in enumerate(phases):
        channels = slice(group * width, (group + 1) * width)
        out[:, channels] = t[:, channels, row::2, column::2]
    return out


def added(t: Array, lattice: Lattice) -> Array:
    """Mean of the three samples of every 2x2 cell that are not on the lattice: (N, C, H, W) -> (N, C, H/2, W/2)."""
    n, c, h, w = t.shape
    rest = overlay(t, zeros(t, (n, c, h // 2, w // 2)), lattice)
    cells = rest[:, :, 0::2, 0::2] + rest[:, :, 0::2, 1::2] + rest[:, :, 1::2, 0::2] + rest[:, :, 1::2, 1::2]
    return cells / 3.0


def scatter(t: Array, lattice: Lattice, parts: int = 1) -> Array:
    """Inverse placement of `sample`, zeros elsewhere: (N, C, h, w) -> (N, C, 2h, 2w)."""
    n, c, h, w = t.shape
    return _write(zeros(t, (n, c, 2 * h, 2 * w)), t, lattice, parts)


def overlay(fine: Array, coarse: Array, lattice: Lattice, parts: int = 1) -> Array:
    """`fine` with its positions on the coarser lattice replaced by `coarse`."""
    return _write(_copy(fine), coarse, lattice, parts)


def pack(t: Array, pattern: Pattern) -> Array:
    """The elements of `t` that the pattern codes, dense: (N, C, H, W) -> (N, C / count, H, W)."""
    n, c, h, w = t.shape
    width, period = c // pattern.count, pattern.period
    out = zeros(t, (n, width, h, w))
    for row, column, group in _cells(pattern):
        chosen = t[:, group * width : (group + 1) * width, row::period, column::period]
        out[:, :, row::period, column::period] = chosen
    return out


def unpack(t: Array, pattern: Pattern) -> Array:
    """Inverse placement of `pack`, zeros elsewhere: (N, C / count, H, W) -> (N, C, H, W)."""
    n, width, h, w = t.shape
    period = pattern.period
    out = zeros(t, (n, width * pattern.count, h, w))
    for row, column, group in _cells(pattern):
        channels = slice(group * width, (group + 1) * width)
        out[:, channels, row::period, column::period] = t[:, :, row::period, column::period]
    return out


def hyper_at_scale2(params: Array, *, legacy: bool) -> Array:
    """Hyper parameters (N, 2C, H, W), scales above means, as the context of scale 2 receives them: (N, 2C, H/2, W/2).

    Positions already coded at scale 1 hold junk that `overlay` replaces. Aligned placement is plain sampling.
    `legacy` is the official code's misplacement, which official weights were trained with: for channel groups 2..7
    the values are read at wrong cells and written in flat order, which moves them by up to half the picture's width.
    """
    sampled = sample(params, SCALE2, parts=2)
    if not legacy:
        return sampled
    out = _copy(sampled)
    width = params.shape[1] // 16
    for part in (0, 8):
        second, late = slice((part + 2) * width, (part + 4) * width), slice((part + 4) * width, (part + 8) * width)
        # Groups 2, 3: the left cells of even rows take their right-hand neighbours' values.
        out[:, second, 0::2, 0::2] = sampled[:, second, 0::2, 1::2]
        half = sampled.shape[3] // 2
        # Groups 4..7: an even row takes its own even cells, then the first half of the odd row; the odd row's
        # free cells take the second half. The free cells are the odd columns for groups 4, 5, the even ones for 6, 7.
        out[:, late, 0::2, :half] = sampled[:, late, 0::2, 0::2]
        out[:, late, 0::2, half:] = sampled[:, late, 1::2, :half]
        for group, column in ((4, 1), (6, 0)):
            channels = slice((part + group) * width, (part + group + 2) * width)
            out[:, channels, 1::2, column::2] = sampled[:, channels, 1::2, half:]
    return out


def _copy(t: Array) -> Array:
    return t.copy() if isinstance(t, np.ndarray) else t.clone()


def _write(out: Array, coarse: Array, lattice: Lattice, parts: int) -> Array:
    phases = lattice.phases * parts
    width = coarse.shape[1] // len(phases)
    for group, (row, column) in enumerate(phases):
        channels = slice(group * width, (group + 1) * width)
        out[:, channels, row::2, column::2] = coarse[:, channels]
    return out


def _cells(pattern: Pattern) -> list[tuple[int, int, int]]:
    return [(row, column, group) for row, line in enumerate(pattern.groups) for column, group in enumerate(line)]
