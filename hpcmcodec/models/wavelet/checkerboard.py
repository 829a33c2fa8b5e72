"""Checkerboard groups: the order in which a band's positions are coded in phase 5.

Later groups have known neighbours all around: with four groups, 0, 2, 6 and 8 of the eight nearest.
"""

from __future__ import annotations

import numpy as np

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


def channel_labels(groups: int, channels: int, rows: int, columns: int, *, rotate: bool) -> np.ndarray:
    """(channels, rows, columns), or one plane for all channels. With `rotate` every position has 1 / groups of its
    channels in each group."""
    plane = labels(groups, rows, columns)[None]
    if not rotate:
        return plane
    turns = np.arange(channels) * groups // channels
    return ((plane + turns[:, None, None]) % groups).astype(np.int8)


def known(label: np.ndarray, group: int, defined: np.ndarray) -> np.ndarray:
    """What is decoded before `group`, as a mask for networks: bool labels' shape with a batch axis, float32. `defined`
    (rows, columns) bool: the positions that are coded at all."""
    return ((label < group) & defined)[None].astype(np.float32)
