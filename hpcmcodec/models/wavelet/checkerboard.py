"""Checkerboard groups: the order in which a band's positions are coded in phase 5.

Later groups have known neighbours all around: with four groups, 0, 2, 6 and 8 of the eight nearest.
"""

from __future__ import annotations

import numpy as np

from hpcmcodec.nn.labels import Labels

GROUPS = (1, 2, 4, 8)


def labels(groups: int, rows: int, columns: int) -> np.ndarray:
    """(rows, columns): the group of every position, 0 .. groups - 1."""
    i, j = np.indices((rows, columns))
    if groups == 1:
        return np.zeros((rows, columns), np.int8)
    if groups == 2:
        return ((i + j) % 2).astype(np.int8)
    quarter = 2 * (i % 2) + j % 2
    return (quarter if groups == 4 else 2 * quarter + (i // 2 + j // 2) % 2).astype(np.int8)


def channel_labels(groups: int, *, rotate: bool) -> Labels:
    """One plane for all channels, or with `rotate` as many as groups, so that every position has 1 / groups of its
    channels in each group."""
    side = 4  # a period of all of them
    plane = labels(groups, side, side)
    turns = np.arange(groups if rotate else 1)[:, None, None]
    return Labels.of((plane + turns) % groups)
