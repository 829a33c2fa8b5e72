"""Exact tiles in files: which there are, and what is in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from hpcmcodec import kernels
from hpcmcodec.codec.memory import FILE_BYTES, PROCESS_BYTES, machine_memory, readable
from hpcmcodec.codec.parallel import MOST_TILES, for_tiles
from hpcmcodec.errors import LimitExceededError, UsageError
from hpcmcodec.formats import flats
from hpcmcodec.formats.exact import ALPHA, COLOURS, ON_TOP, ExactPart, check_value
from hpcmcodec.formats.header import TILE_UNIT, Header
from hpcmcodec.formats.picture import Picture, Samples
from hpcmcodec.kernels.exact import exact_decode, exact_encode

TILE_SIZE = 1024
"""Side of an exact tile in pixels where the encoder chooses."""
TILED_ABOVE = 2**21
"""Pictures of more pixels are cut into exact tiles."""
SMALLER_SIDES = (512, 256, 128)
"""Sides that are tried too for smooth pictures of more than COARSE_ABOVE bits."""
COARSE_ABOVE = 13
"""The coder predicts from the upper 13 bits of what a tile's values span (EXACT.md, 5): a small tile's span less."""
MOST_NEAR = 255
_CODER_BYTES = 40 * 2**20  # tables of one coder at work
_PIXEL_BYTES = 64  # of a tile while it is coded: samples of 16 bits in a few copies


class Rectangle(NamedTuple):
    """Of one tile: its number and what it covers."""

    number: int
    rows: slice
    columns: slice


def choose_tile_size(height: int, width: int, wanted: int | None = None) -> int:
    """Side of exact tiles, 0 for one tile. Raises UsageError for a `wanted` side that cannot be."""
    if wanted is None:
        return TILE_SIZE if height * width > TILED_ABOVE else 0
    if wanted % TILE_UNIT or wanted < 0:
        raise UsageError(f"a tile size of {wanted} is not possible: choose 0 (none) or a multiple of {TILE_UNIT}")
    return wanted


def sides(picture: Picture, wanted: int | None) -> tuple[int, ...]:
    """Sides of exact tiles to try, 0 for one tile. Raises as choose_tile_size."""
    height, width, _ = picture.pixels.shape
    usual = choose_tile_size(height, width, wanted)
    return (usual, *SMALLER_SIDES) if wanted is None and _finely_smooth(picture) else (usual,)


def _finely_smooth(picture: Picture) -> bool:
    """Whether most samples are so near to a plane through their neighbours that the lower bits matter to it."""
    if picture.depth <= COARSE_ABOVE:
        return False
    lower = picture.pixels[1::8].astype(np.int32)
    bends = np.abs(np.diff(lower - picture.pixels[::8][: len(lower)], axis=1))
    return bends.size > 0 and bool((bends < 8 << (picture.depth - COARSE_ABOVE)).mean() > 0.5)


def rectangles(header: Header) -> Iterator[Rectangle]:
    """The exact tiles of a picture in raster order."""
    rows, columns = header.exact_grid
    side = header.exact_tile_size or max(header.height, header.width)
    for index in range(rows * columns):
        top, left = index // columns * side, index % columns * side
        yield Rectangle(index, slice(top, min(top + side, header.height)), slice(left, min(left + side, header.width)))


def check_near(near: int) -> None:
    """Raises UsageError for an error that cannot be asked for."""
    if not 0 <= near <= MOST_NEAR:
        raise UsageError(f"a greatest error of {near} is out of range: choose 0 (lossless) to {MOST_NEAR}")


def encode_alone(
    header: Header, picture: Picture, near: int, max_memory: int | None, effort: int = 0
) -> list[ExactPart]:
    """All of a picture, exactly or with colours that differ by at most `near`. effort: as in kernels.exact. Raises
    LimitExceededError."""
    planes: list[tuple[int, Samples, int]]
    if picture.alpha is None:
        planes = [(COLOURS, picture.pixels, near)]
    elif near:  # alpha stays as it is
        planes = [(COLOURS, picture.pixels, near), (ALPHA, picture.alpha[:, :, None], 0)]
    else:
        planes = [(COLOURS | ALPHA, np.dstack((picture.pixels, picture.alpha)), 0)]
    return _encode(header, planes, max_memory, effort=effort)


def encode_on_top(
    header: Header, picture: Picture, shown: Samples, near: int, max_memory: int | None, effort: int = 0
) -> list[ExactPart]:
    """What makes a learned picture `shown` exact: in each tile the smaller of the residual and the picture itself."""
    alone = _encode(header, [(COLOURS, picture.pixels, near)], max_memory, effort=effort)
    residual = _encode(header, [(COLOURS | ON_TOP, picture.pixels, near)], max_memory, shown, effort=effort)
    best = [min(pair, key=lambda part: len(part.stream)) for pair in zip(alone, residual, strict=True)]
    return merged(best, encode_alpha(header, picture, max_memory))


def encode_alpha(header: Header, picture: Picture, max_memory: int | None) -> list[ExactPart]:
    """A picture's alpha, if it has any."""
    return [] if picture.alpha is None else _encode(header, [(ALPHA, picture.alpha[:, :, None], 0)], max_memory)


def merged(colours: list[ExactPart], alpha: list[ExactPart]) -> list[ExactPart]:
    """Parts in the order of a file."""
    return sorted([*colours, *alpha], key=lambda part: (part.tile, part.what == ALPHA))


def encode_flats(pixels: Samples, without: np.ndarray | None = None) -> bytes | None:
    """The payload of a picture's flat blocks, if it has any outside the pixels `without` (bool (H, W))."""
    found = flats.blocks(pixels)
    if found is None:
        return None
    values, index = found
    if without is not None:
        index[without[:: flats.SIDE, :: flats.SIDE]] = 0
    return flats.pack(values, exact_encode(index[..., None])) if index.any() else None


def encode_part(
    tile: int, what: int, samples: Samples, *, depth: int, reference: Samples | None, near: int, effort: int = 0
) -> ExactPart:
    """samples, reference, effort: as in kernels.exact; a reference exactly if `what` says ON_TOP."""
    samples = np.ascontiguousarray(samples)
    stream = exact_encode(samples, depth=depth, near=near, reference=reference, effort=effort)
    kept = samples
    if near:
        height, width, channels = samples.shape
        kept = exact_decode(stream, (height, width, channels), samples.dtype, depth=depth, reference=reference)
    return ExactPart(tile, what, check_value(kept), stream)


def _encode(
    header: Header,
    planes: list[tuple[int, Samples, int]],
    max_memory: int | None,
    shown: Samples | None = None,
    *,
    effort: int = 0,
) -> list[ExactPart]:
    return encode_tiles(header, list(rectangles(header)), planes, max_memory, shown, effort=effort)


def encode_tiles(
    header: Header,
    places: list[Rectangle],
    planes: list[tuple[int, Samples, int]],
    max_memory: int | None,
    shown: Samples | None = None,
    *,
    effort: int = 0,
) -> list[ExactPart]:
    """Parts of some tiles. planes: what, samples (H, W, C), the greatest error. shown: what lies below those ON_TOP."""

    def one(work: tuple[Rectangle, int, Samples, int]) -> ExactPart:
        place, what, samples, near = work
        below = None if shown is None else np.ascontiguousarray(shown[place.rows, place.columns])
        part = samples[place.rows, place.columns]
        depth = header.bit_depth
        return encode_part(place.number, what, part, depth=depth, reference=below, near=near, effort=effort)

    tiles = [(place, *plane) for place in places for plane in planes]
    return for_tiles(one, tiles, _workers(header, max_memory))


def _workers(header: Header, max_memory: int | None) -> int:
    """Tiles that are coded at a time. Raises LimitExceededError if there is no room for one."""
    most = machine_memory() if max_memory is None else max_memory
    side = header.exact_tile_size
    tile = min(side or header.width, header.width) * min(side or header.height, header.height)
    fixed = PROCESS_BYTES + 2 * FILE_BYTES * header.width * header.height
    each = _CODER_BYTES + _PIXEL_BYTES * tile
    if fixed + each > most:
        raise LimitExceededError(
            f"a picture of {header.width} x {header.height} pixels takes about {readable(fixed + each)} of memory, more"
            f" than the limit of {readable(most)}; see --max-memory"
        )
    return max(1, min(kernels.get_threads(), MOST_TILES, (most - fixed) // each))
