"""Where each latent lives: scale lattices, step patterns, and the placement of hyper parameters at scale 2.

Everything here is periodic and depends only on the channel group and the position (HPCM, arXiv 2507.19125), so all of
it is `ops.regroup` by a table. Arrays are (N, C, H, W); C is a multiple of 8 and H, W of 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from hpcmcodec.nn import operations as ops
from hpcmcodec.nn.module import Array
from hpcmcodec.nn.regrouping import Cell, Place, Regrouping, regrouping
from hpcmcodec.nn.sizes import ceil_div


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


def zeros(like: Array, channels: int) -> Array:
    """Zeros (N, channels, H, W) of the size, type and device of `like`."""
    rows, columns = like.shape[2:]
    return ops.fill(like, channels, rows, columns, 0.0)


def sample(t: Array, lattice: Lattice, parts: int = 1) -> Array:
    """The coarser scale's grid of `t`: (N, C, H, W) -> (N, C, H/2, W/2).

    `parts` > 1 when the channels are that many stacked maps of the same geometry (scales above means).
    """
    return ops.regroup((t,), _sampled(lattice, parts))


def added(t: Array, lattice: Lattice) -> Array:
    """Mean of the three samples of every 2x2 cell that are not on the lattice: (N, C, H, W) -> (N, C, H/2, W/2)."""
    c, h, w = t.shape[1:]
    rest = overlay(t, ops.fill(t, c, h // 2, w // 2, 0.0), lattice)
    return ops.cell_sum(rest, 2) / 3.0


def scatter(t: Array, lattice: Lattice, parts: int = 1) -> Array:
    """Inverse placement of `sample`, zeros elsewhere: (N, C, h, w) -> (N, C, 2h, 2w)."""
    return ops.regroup((t,), _scattered(lattice, parts))


def overlay(fine: Array, coarse: Array, lattice: Lattice, parts: int = 1) -> Array:
    """`fine` with its positions on the coarser lattice replaced by `coarse`."""
    return ops.regroup((fine, coarse), _overlaid(lattice, parts))


def pack(t: Array, pattern: Pattern) -> Array:
    """The elements of `t` that the pattern codes, dense: (N, C, H, W) -> (N, C / count, H, W)."""
    return ops.regroup((t,), _packed(pattern))


def unpack(t: Array, pattern: Pattern) -> Array:
    """Inverse placement of `pack`, zeros elsewhere: (N, C / count, H, W) -> (N, C, H, W)."""
    return ops.regroup((t,), _unpacked(pattern))


@cache
def _sampled(lattice: Lattice, parts: int) -> Regrouping:
    phases = lattice.phases * parts
    return regrouping(
        len(phases), (1, 1), [(len(phases), (2, 2))], lambda group, row, column: (0, group, *phases[group])
    )


@cache
def _scattered(lattice: Lattice, parts: int) -> Regrouping:
    phases = lattice.phases * parts

    def where(group: int, row: int, column: int) -> Place | None:
        return (0, group, 0, 0) if phases[group] == (row, column) else None

    return regrouping(len(phases), (2, 2), [(len(phases), (1, 1))], where)


@cache
def _overlaid(lattice: Lattice, parts: int) -> Regrouping:
    phases = lattice.phases * parts

    def where(group: int, row: int, column: int) -> Place:
        return (1, group, 0, 0) if phases[group] == (row, column) else (0, group, row, column)

    return regrouping(len(phases), (2, 2), [(len(phases), (2, 2)), (len(phases), (1, 1))], where)


@cache
def _packed(pattern: Pattern) -> Regrouping:
    side = pattern.period, pattern.period
    return regrouping(
        1, side, [(pattern.count, side)], lambda _, row, column: (0, pattern.groups[row][column], row, column)
    )


@cache
def _unpacked(pattern: Pattern) -> Regrouping:
    side = pattern.period, pattern.period

    def where(group: int, row: int, column: int) -> Place | None:
        return (0, 0, row, column) if pattern.groups[row][column] == group else None

    return regrouping(pattern.count, side, [(1, side)], where)


def hyper_at_scale2(params: Array, *, legacy: bool) -> Array:
    """Hyper parameters (N, 2C, H, W), scales above means, as the context of scale 2 receives them: (N, 2C, H/2, W/2).

    `legacy` reproduces the order of the official base and large networks, whose weights were trained with it.
    """
    sampled = sample(params, SCALE2, parts=2)
    return _misplaced(sampled) if legacy else sampled


def _misplaced(x: Array) -> Array:
    """Eighths 2 to 7 of each half of the channels in the official order: see `_MISPLACED`."""
    h, w = x.shape[2:]
    even = ops.regroup((x,), _EVEN)  # of even rows, the even cells
    odd = ops.regroup((x,), _ODD)  # odd rows
    half = ceil_div(w, 2)
    rows = ceil_div(h, 2)
    first, second = ops.crop(odd, rows, half), ops.crop(odd, rows, half, 0, half)
    return ops.regroup((x, ops.concat_columns(even, first), second), _MISPLACED)


_EVEN = regrouping(16, (1, 1), [(16, (2, 2))], lambda group, row, column: (0, group, 0, 0))
_ODD = regrouping(16, (1, 1), [(16, (2, 1))], lambda group, row, column: (0, group, 1, 0))


def _misplaced_from(group: int, row: int, column: int) -> Place:
    eighth = group % 8
    if eighth in (2, 3) and row == 0 and column == 0:  # left cells of even rows take their right-hand neighbours'
        return 0, group, 0, 1
    if eighth >= 4 and row == 0:  # an even row takes its own even cells, then the first half of the odd row
        return 1, group, 0, column
    if eighth >= 4 and column == (1 if eighth < 6 else 0):  # the odd row's free cells take the second half
        return 2, group, 0, 0
    return 0, group, row, column


_MISPLACED = regrouping(16, (2, 2), [(16, (2, 2)), (16, (1, 2)), (16, (1, 1))], _misplaced_from)
