"""The entropy tiles of a picture (FORMAT.md section 6): where they lie, how large they are, and when there are any."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from hpcmcodec.errors import UsageError
from hpcmcodec.formats.header import TILE_UNIT
from hpcmcodec.models.program import HYPER_STRIDE

TILE_SIZE = 1024
"""Side of a tile in pixels where the encoder chooses; more if the network's padding asks for it."""
TILED_ABOVE = 2**22
"""Pictures of more pixels, padding included, are cut into tiles unless the caller says otherwise."""


class Padded(Protocol):
    """A network or a model: what it pads pictures to, in what units it codes them, and how many pixels a latent has
    along a side."""

    @property
    def pad_multiple(self) -> int: ...
    @property
    def coded_unit(self) -> int: ...
    @property
    def stride(self) -> int: ...


class Span(NamedTuple):
    """A range of rows or of columns: start <= i < stop."""

    start: int
    stop: int

    def within(self, size: int) -> Span:
        """The part of it in 0 .. size."""
        return Span(max(self.start, 0), min(self.stop, size))


def choose_tile_size(network: Padded, height: int, width: int, wanted: int | None = None) -> int:
    """Side of the tiles of a picture, 0 for none. Raises UsageError for a `wanted` side that the model cannot have."""
    unit = math.lcm(TILE_UNIT, network.pad_multiple)
    if wanted is None:
        padded = math.prod(-(-side // network.pad_multiple) * network.pad_multiple for side in (height, width))
        return -(-TILE_SIZE // unit) * unit if padded > TILED_ABOVE else 0
    if wanted % unit or wanted < 0:
        raise UsageError(f"a tile size of {wanted} does not suit this model: choose 0 (none) or a multiple of {unit}")
    return wanted


@dataclass(frozen=True)
class Tile:
    """One tile: its number, its size in pixels, and its first row and column on the latent grid."""

    index: int
    height: int
    width: int
    top: int
    left: int


@dataclass(frozen=True)
class TileGrid:
    """All tiles of a picture. `tile_size` 0 is one tile. Rows and columns count tiles unless they say otherwise."""

    height: int
    width: int
    tile_size: int
    multiple: int
    stride: int

    @classmethod
    def of(cls, network: Padded, height: int, width: int, tile_size: int) -> TileGrid:
        """The grid of a picture of height x width pixels."""
        return cls(height, width, tile_size, network.pad_multiple, network.stride)

    @property
    def rows(self) -> int:
        return -(-self.height // self.tile_size) if self.tile_size else 1

    @property
    def columns(self) -> int:
        return -(-self.width // self.tile_size) if self.tile_size else 1

    @property
    def padded(self) -> tuple[int, int]:
        """Height and width in pixels with the padding: what the transforms see."""
        height, width = (-(-side // self.multiple) * self.multiple for side in (self.height, self.width))
        return height, width

    @property
    def latent(self) -> tuple[int, int]:
        """Rows and columns of the latent grid of the padded picture."""
        return self.padded[0] // self.stride, self.padded[1] // self.stride

    @property
    def largest(self) -> tuple[int, int]:
        """Width and height in pixels of the largest tile, padding included."""
        height, width = (min(side, self.tile_size or side) for side in self.padded)
        return width, height

    @property
    def latent_side(self) -> int:
        """Latents along a tile's side."""
        return (self.tile_size or max(self.padded)) // self.stride

    def tile(self, row: int, column: int) -> Tile:
        """The tile in a row and a column."""
        size = self.tile_size or max(self.height, self.width)
        height, width = min(size, self.height - row * size), min(size, self.width - column * size)
        side = self.latent_side
        return Tile(row * self.columns + column, height, width, row * side, column * side)

    def row_of(self, row: int) -> Iterator[Tile]:
        """The tiles of a row."""
        return (self.tile(row, column) for column in range(self.columns))


@dataclass(frozen=True)
class LatentArea:
    """A grid of latents and the part of it that the picture itself covers, in whole cells of the model's coded unit;
    only that part is coded, elsewhere both sides take symbol 0. All counts in latents."""

    rows: int
    columns: int
    own_rows: int
    own_columns: int

    @classmethod
    def of(cls, height: int, width: int, multiple: int, stride: int, coded: int = 0) -> LatentArea:
        """For a picture of height x width pixels, padded to `multiple`, whose latent has one element per `stride` and
        is coded in cells of `coded` pixels, 0 for the stride."""

        def up(n: int, unit: int) -> int:
            return -(-n // unit)

        rows, columns = (up(up(n, multiple) * multiple, stride) for n in (height, width))
        own_rows, own_columns = (up(n, coded or stride) * (coded or stride) // stride for n in (height, width))
        return cls(rows, columns, own_rows, own_columns)

    @property
    def whole(self) -> bool:
        """Whether everything is coded."""
        return (self.rows, self.columns) == (self.own_rows, self.own_columns)


def areas_of(model: Padded, tile: Tile) -> tuple[LatentArea, LatentArea]:
    """Areas of the latent and of the hyper-latent of a tile."""
    size = tile.height, tile.width, model.pad_multiple
    return LatentArea.of(*size, model.stride, model.coded_unit), LatentArea.of(*size, HYPER_STRIDE)


def inside(area: LatentArea, channels: int) -> np.ndarray | None:
    """Which elements are coded, (1, channels, rows, columns) bool; None if all are."""
    if area.whole:
        return None
    found = np.zeros((1, channels, area.rows, area.columns), bool)
    found[:, :, : area.own_rows, : area.own_columns] = True
    return found
