"""Entropy tiles, strips and regions: the transforms' bits are those of the whole picture at once, for every family."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hpcmcodec
from hpcmcodec import errors
from hpcmcodec.codec import Decoder, Encoder, memory, tiling
from hpcmcodec.codec.tiling import TileGrid, areas_of
from hpcmcodec.formats import container
from hpcmcodec.formats.pictures import Picture
from tests.levels import every_way

from . import eager
from .conftest import picture
from .test_hpcm_family import folder as folder  # the models `legacy` and `aligned`

SIZES = [(1, 1), (1, 190), (131, 1), (127, 193), (64, 128)]


@pytest.fixture(autouse=True)
def small_strips(folder: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """All models are installed, and strips have so little memory that even these pictures need many."""
    monkeypatch.setenv("HPCM_MODELS", f"{models}:{folder}")
    monkeypatch.setattr(memory, "STRIP_BYTES", 1)
    yield


def whole_file(encoder: Encoder, pixels: np.ndarray) -> bytes:
    """An untiled file, with nothing cut into strips."""
    header = container.read(encoder.encode(Picture(pixels), tile_size=0, exact_tiles=False)).header
    return container.write(header, [eager.encoded(encoder.model, pixels, 50)])


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", ["tiny", "legacy", "aligned"])
def test_strips_change_no_bit(name: str, size: tuple[int, int]) -> None:
    pixels, encoder, decoder = picture(*size), Encoder(name), Decoder()
    data = encoder.encode(Picture(pixels), tile_size=0, exact_tiles=False)
    assert data == whole_file(encoder, pixels)
    np.testing.assert_array_equal(decoder.decode(data).pixels, eager.decoded(data))


@pytest.mark.parametrize(("name", "size"), [("tiny", (127, 193)), ("tiny", (65, 1)), ("aligned", (130, 257))], ids=str)
def test_tiles_are_seen_by_the_entropy_model_alone(name: str, size: tuple[int, int]) -> None:
    decoder = Decoder()
    source = Picture(picture(*size))
    tile_size = Encoder(name).model.pad_multiple
    data = Encoder(name).encode(source, tile_size=tile_size, exact_tiles=False)
    header = container.read(data).header
    assert (header.tile_size, header.tiles) == (tile_size, -(-size[0] // tile_size) * -(-size[1] // tile_size))
    np.testing.assert_array_equal(decoder.decode(data).pixels, eager.decoded(data))


@pytest.mark.parametrize("quality", [1, 50])
def test_no_seams(quality: int) -> None:
    """At the tiles' borders the decoded picture's error jumps no more than at other borders of blocks of 16 pixels,
    with the shipped model, on slopes and noise; nor by more than without tiles."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:320, :320]
    plane = 100 + 40 * np.sin(x / 37) + 0.2 * y + rng.normal(0, 6, x.shape) * (x > 160)
    source = np.stack([plane, 0.8 * plane, 1.1 * plane], -1).clip(0, 255).astype(np.uint8)
    jumps = []
    for tile_size in (64, 0):
        data = Encoder().encode(Picture(source), quality, tile_size=tile_size)
        error = Decoder().decode(data).pixels.astype(np.int32) - source
        steps = np.square(np.diff(error, axis=1)).mean((0, 2))[15::16]  # across every border of blocks
        seams = np.arange(1, 1 + len(steps)) % 4 == 0
        jumps.append((steps[seams].mean(), steps[~seams].mean()))
    (tiled, inside), (whole, _) = jumps
    assert tiled <= 1.2 * inside and tiled <= 1.2 * whole


def test_every_tile_codes_what_it_would_code_alone() -> None:
    """Streams of a tile depend on its own latents only: a tile can be decoded without its neighbours."""
    data = Encoder("tiny").encode(Picture(picture(128, 192)), tile_size=64)
    file = container.read(data)
    tiles = [file.tile(i) for i in range(6)]
    swapped = [tiles[1], tiles[0], *tiles[2:]]
    pixels = Decoder().decode(container.write(file.header, swapped)).pixels
    assert pixels.shape == (128, 192, 3)


def test_the_same_bits_for_any_number_of_threads_and_any_level() -> None:
    found = set()
    for _ in every_way(1, 3):
        data = Encoder("tiny").encode(Picture(picture(70, 80)), 60, tile_size=64)
        found.add((data, Decoder().decode(data).pixels.tobytes()))
    assert len(found) == 1


@pytest.mark.parametrize("tile_size", [0, 64, 128])
def test_regions_are_cut_out_of_the_picture(tile_size: int) -> None:
    alpha = picture(150, 201, 1, seed=2)[:, :, 0]
    data = Encoder("tiny").encode(Picture(picture(150, 201), alpha), tile_size=tile_size)
    decoder, rng = Decoder(), np.random.default_rng(6)
    whole = decoder.decode(data)
    regions = [(0, 0, 201, 150), (200, 149, 1, 1), (0, 0, 1, 1), (63, 64, 2, 1), (17, 100, 184, 50)]
    for _ in range(2):
        x, y = int(rng.integers(201)), int(rng.integers(150))
        regions.append((x, y, int(rng.integers(1, 202 - x)), int(rng.integers(1, 151 - y))))
    for x, y, width, height in regions:
        part = decoder.decode(data, region=(x, y, width, height))
        np.testing.assert_array_equal(part.pixels, whole.pixels[y : y + height, x : x + width])
        assert part.alpha is not None and whole.alpha is not None
        np.testing.assert_array_equal(part.alpha, whole.alpha[y : y + height, x : x + width])


def test_a_region_decodes_only_the_tiles_it_needs() -> None:
    """Damage elsewhere does not matter, so a region costs what it covers."""
    data = Encoder("tiny").encode(Picture(picture(192, 192)), tile_size=64)
    file = container.read(data)
    tiles = [file.tile(i) for i in range(9)]
    tiles[8] = replace(tiles[8], check=tiles[8].check ^ 1)
    damaged, decoder = container.write(file.header, tiles), Decoder()
    with pytest.raises(errors.ArithmeticMismatchError):
        decoder.decode(damaged)
    part = decoder.decode(damaged, region=(0, 0, 32, 32))
    np.testing.assert_array_equal(part.pixels, decoder.decode(data).pixels[:32, :32])


@pytest.mark.parametrize("region", [(-1, 0, 5, 5), (0, 0, 41, 1), (0, 0, 1, 31), (5, 5, 0, 1), (40, 0, 1, 1)])
def test_regions_outside(region: tuple[int, int, int, int]) -> None:
    data = hpcmcodec.encode(picture(30, 40), model="tiny")
    with pytest.raises(errors.UsageError, match="region"):
        Decoder().decode(data, region=region)


def test_when_pictures_are_tiled() -> None:
    lite, aligned = (Encoder(name).model for name in ("tiny", "aligned"))
    assert [tiling.choose_tile_size(lite, *size) for size in ((2048, 2048), (2049, 2048), (1, 70000))] == [
        0,
        1024,
        1024,
    ]
    assert tiling.choose_tile_size(replace_multiple(aligned, 1280), 9000, 9000) == 1280
    assert tiling.choose_tile_size(lite, 100, 100, 128) == 128
    for wanted in (100, -64, 32):
        with pytest.raises(errors.UsageError, match="tile size"):
            tiling.choose_tile_size(lite, 100, 100, wanted)


def replace_multiple(network: Any, multiple: int) -> Any:
    class Padded:
        pad_multiple = multiple

    return Padded()


def test_tiles_that_the_model_cannot_have() -> None:
    file = container.read(Encoder("aligned").encode(Picture(picture(30, 40)), tile_size=0))
    header = replace(file.header, tile_size=64)
    with pytest.raises(errors.CorruptError, match="tiles"):
        Decoder().decode(container.write(header, [file.tile(0)]))


def test_tiles_fill_the_latent_grid() -> None:
    network = Encoder("tiny").model
    for height, width, size in ((1, 1, 64), (129, 500, 128), (640, 64, 192), (300, 300, 0)):
        grid = TileGrid.of(network, height, width, size)
        seen = np.zeros(grid.latent, int)
        for row in range(grid.rows):
            for tile in grid.row_of(row):
                area, _ = areas_of(network, tile)
                seen[tile.top : tile.top + area.rows, tile.left : tile.left + area.columns] += 1
        assert (seen == 1).all()
