"""Elements of a map by label: a step of a network may code any set of elements that a periodic table marks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .sizes import AnySize


@dataclass(frozen=True)
class Labels:
    """Element (c, y, x) of a map with C channels has the label table[(g * p + y mod p) * q + x mod q], where
    g = floor(c * groups / C) and (p, q) is the tile."""

    groups: int
    tile: tuple[int, int]
    table: tuple[int, ...]

    @classmethod
    def of(cls, array: np.ndarray) -> Labels:
        """From a table (groups, p, q)."""
        return cls(array.shape[0], (array.shape[1], array.shape[2]), tuple(int(label) for label in array.flat))

    def spread(self, channels: int, rows: int, columns: int) -> np.ndarray:
        """Labels of a map, (channels, rows, columns)."""
        p, q = self.tile
        tile = np.asarray(self.table, np.int16).reshape(self.groups, p, q)
        own = tile[np.arange(channels) * self.groups // channels]
        return own[:, np.arange(rows) % p][:, :, np.arange(columns) % q]


@dataclass(frozen=True)
class Selection:
    """Of one or several maps of `channels` channels: the elements labelled `label` that lie in the top left rows and
    columns `parts[i]` of map i, in C order, one map after another."""

    channels: int
    labels: Labels
    label: int
    parts: tuple[tuple[AnySize, AnySize], ...]

    def indexes(self, rows: int, columns: int) -> list[np.ndarray]:
        """For each map, of rows x columns, the flat places of its elements in (C, H, W), ascending."""
        return [_indexes(self.channels, self.labels, self.label, part, (rows, columns)) for part in self.parts]


@lru_cache(256)
def _indexes(channels: int, labels: Labels, label: int, part: tuple[int, int], grid: tuple[int, int]) -> np.ndarray:
    marked = labels.spread(channels, *grid) == label
    marked[:, part[0] :] = False
    marked[:, :, part[1] :] = False
    found = np.flatnonzero(marked)
    found.flags.writeable = False
    return found


def mask(labels: Labels, channels: int, below: int, part: tuple[int, int], grid: tuple[int, int]) -> np.ndarray:
    """float32 (channels, *grid): 1 where the label is below `below` and the position in the top left `part`."""
    marked = labels.spread(channels, *grid) < below
    marked[:, part[0] :] = False
    marked[:, :, part[1] :] = False
    return marked.astype(np.float32)
