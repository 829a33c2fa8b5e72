"""The latent as slots: a regrouping under which every coding step is a range of channels.

A 2x2 cell of positions has phases 0..3 (2 * row + column). Channels fall into groups 0..3 (two halves of four groups,
the first half first); slot k of group g holds phase PHASES[k] XOR g. So every slot holds each channel once per cell and
each position equally often: a checkerboard of four, HPCM's s3 and s2 lattices, expressed as array shapes.
"""

from __future__ import annotations

from collections.abc import Sequence

from hpcmcodec.nn import ops
from hpcmcodec.nn.module import Array

PHASES = (0, 3, 1, 2)  # order of coding: a position, its diagonal, the two others


def _exchange_phases(t: Array, row: int, column: int) -> Array:
    """XOR the phase axes `row`, `column` (length 2) of t (N, 2, 4, ...) with the group in axis 2. Its own inverse."""
    row, column = row - 1, column - 1  # one axis less once a group is picked
    groups = (
        t[:, :, 0],
        ops.flip(t[:, :, 1], (column,)),
        ops.flip(t[:, :, 2], (row,)),
        ops.flip(t[:, :, 3], (row, column)),
    )
    return ops.stack(groups, 2)


def to_slots(y: Array) -> list[Array]:
    """(N, C, H, W) with even H, W and C a multiple of 8 -> four slots (N, C, H/2, W/2) in order of coding."""
    n, c, h, w = y.shape
    t = y.reshape(n, 2, 4, c // 8, h // 2, 2, w // 2, 2)
    t = _exchange_phases(t, 5, 7)
    t = ops.transpose(t, (5, 7, 0, 1, 2, 3, 4, 6)).reshape(4, n, c, h // 2, w // 2)
    return [t[phase] for phase in PHASES]


def from_slots(slots: Sequence[Array]) -> Array:
    """Inverse of `to_slots`."""
    n, c, h, w = slots[0].shape
    t = ops.stack([slots[PHASES.index(phase)] for phase in range(4)], 0)
    t = ops.transpose(t.reshape(2, 2, n, 2, 4, c // 8, h, w), (2, 3, 4, 5, 6, 0, 7, 1))
    return _exchange_phases(t, 5, 7).reshape(n, c, 2 * h, 2 * w)
