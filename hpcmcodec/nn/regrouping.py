"""Periodic rearrangements of maps: which channel group and position each element of the result comes from.

One operation serves scale lattices, step patterns, slots: everything that depends on the channel group and on the
position within a small tile. Nothing is computed; results hold elements of the inputs, or zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Cell: TypeAlias = tuple[int, int]
Place: TypeAlias = tuple[int, int, int, int]
"""Number of the input, its channel group, row and column within its tile."""


@dataclass(frozen=True)
class Regrouping:
    """The result's channels fall into `groups` equal groups and its positions into tiles of tile = (p, q) rows and
    columns; those of input k into `in_groups[k]` groups and tiles of `in_tiles[k]`. All groups have as many channels,
    and all maps as many tiles. `table[(group * p + row) * q + column]` says where elements come from, None for zeros.
    """

    groups: int
    tile: Cell
    in_groups: tuple[int, ...]
    in_tiles: tuple[Cell, ...]
    table: tuple[Place | None, ...]

    def places(self) -> Iterator[tuple[int, int, int, Place | None]]:
        """(group, row, column, where from) of the result, in the table's order."""
        rows, columns = self.tile
        for index, place in enumerate(self.table):
            yield index // (rows * columns), index // columns % rows, index % columns, place

    def width(self, channels: Sequence[int]) -> int:
        """Channels of a group, from those of the inputs. Raises ValueError where they do not fit."""
        widths = {count // groups for count, groups in zip(channels, self.in_groups, strict=True)}
        if len(widths) != 1 or any(c % g for c, g in zip(channels, self.in_groups, strict=True)):
            raise ValueError(f"maps of {list(channels)} channels do not fall into groups of one width")
        return widths.pop()


def regrouping(
    groups: int,
    tile: Cell,
    inputs: Sequence[tuple[int, Cell]],
    where: Callable[[int, int, int], Place | None],
) -> Regrouping:
    """From a rule instead of a table. inputs: (groups, tile) of each."""
    rows, columns = tile
    table = tuple(where(g, r, c) for g in range(groups) for r in range(rows) for c in range(columns))
    return Regrouping(groups, tile, tuple(g for g, _ in inputs), tuple(t for _, t in inputs), table)
