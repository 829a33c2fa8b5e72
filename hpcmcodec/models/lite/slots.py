"""The latent as slots: a regrouping under which every coding step is a range of channels.

A 2x2 cell of positions has phases 0..3 (2 * row + column). Channels fall into groups 0..3 (two halves of four groups,
the first half first); slot k of group g holds phase PHASES[k] XOR g. So every slot holds each channel once per cell and
each position equally often: a checkerboard of four, HPCM's s3 and s2 lattices, expressed as array shapes.

Or slots are the orthonormal Haar bands of the cells: LL, which coarser scales hold, LH, HL, HH.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hpcmcodec.nn import operations as ops
from hpcmcodec.nn.module import Array
from hpcmcodec.nn.regrouping import Place, regrouping

PHASES = (0, 3, 1, 2)  # order of coding: a position, its diagonal, the two others
_GROUPS = 8


def _in_latent(group: int, row: int, column: int) -> Place:
    """Where a channel group of the slots, one slot after another, comes from."""
    slot, own = divmod(group, _GROUPS)
    phase = PHASES[slot] ^ own % 4
    return 0, own, phase // 2, phase % 2


def _in_slots(group: int, row: int, column: int) -> Place:
    """Where a channel group of the latent at a cell's position comes from."""
    return PHASES.index((2 * row + column) ^ group % 4), group, 0, 0


_APART = regrouping(4 * _GROUPS, (1, 1), [(_GROUPS, (2, 2))], _in_latent)
_TOGETHER = regrouping(_GROUPS, (2, 2), [(_GROUPS, (1, 1))] * 4, _in_slots)


def _positions_apart(y: Array) -> Array:
    return ops.regroup((y,), _APART)


def _positions_together(slots: Sequence[Array]) -> Array:
    return ops.regroup(tuple(slots), _TOGETHER)


def _bands_together(slots: Sequence[Array]) -> Array:
    return ops.inverse_haar(ops.concat(slots))


@dataclass(frozen=True)
class Slots:
    """A way between a latent and its slots: positions are moved, bands computed, which rounds."""

    stacked: Callable[[Array], Array]
    together: Callable[[Sequence[Array]], Array]
    """Four slots (N, C, h, w), in order of coding -> the latent (N, C, 2h, 2w)."""

    def apart(self, y: Array) -> list[Array]:
        """(N, C, H, W) with even H, W and C a multiple of 8 -> four slots (N, C, H/2, W/2) in order of coding."""
        slots, count = self.stacked(y), y.shape[1]
        return [slots[:, first : first + count] for first in range(0, 4 * count, count)]


POSITIONS = Slots(_positions_apart, _positions_together)
BANDS = Slots(ops.haar, _bands_together)
