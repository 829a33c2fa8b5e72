"""White is white: areas of one value decode to exactly that value under a learned picture, whatever the quality."""

from __future__ import annotations

import numpy as np
import pytest

from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.codec.exact import encode_flats
from hpcmcodec.errors import CorruptError
from hpcmcodec.formats import container, flats
from hpcmcodec.formats.pictures import Picture
from hpcmcodec.kernels.exact import exact_encode

from .conftest import picture


def product(height: int = 90, width: int = 150, channels: int = 3) -> np.ndarray:
    """Something on white, with a black bar."""
    pixels = np.full((height, width, channels), 255, np.uint8)
    pixels[34:, :128] = picture(56, 128, channels)
    pixels[:, 140:] = 0
    return pixels


def expected(pixels: np.ndarray) -> np.ndarray:
    """Where blocks of one value lie that have an equal neighbour, pixel by pixel."""
    found = np.zeros(pixels.shape[:2], bool)
    tiles = {}
    for y in range(0, pixels.shape[0], 16):
        for x in range(0, pixels.shape[1], 16):
            block = pixels[y : y + 16, x : x + 16].reshape(-1, pixels.shape[2])
            tiles[y, x] = tuple(block[0]) if (block == block[0]).all() else None
    for (y, x), value in tiles.items():
        near = [tiles.get(place) for place in ((y - 16, x), (y + 16, x), (y, x - 16), (y, x + 16))]
        found[y : y + 16, x : x + 16] = value is not None and value in near
    return found


@pytest.mark.parametrize("quality", [1, 60, 100])
@pytest.mark.parametrize("channels", [1, 3])
def test_white_is_white(quality: int, channels: int) -> None:
    pixels = product(channels=channels)
    data = Encoder("tiny").encode(Picture(pixels), quality)
    assert container.read(data).header.learned
    decoder = Decoder()
    decoded, where = decoder.decode(data).pixels, expected(pixels)
    assert where.mean() > 0.25 and (decoded[where] == pixels[where]).all()
    plain = decoder.decode(Encoder("tiny").encode(Picture(pixels), quality, exact_tiles=False)).pixels
    assert (decoded[~where] == plain[~where]).all()
    part = decoder.decode(data, region=(20, 33, 101, 50)).pixels
    assert (part == decoded[33:83, 20:121]).all()
    assert decoder.decode(data, scale=4).pixels[0, 0].tolist() == [255] * channels


def test_tall_pictures_come_in_bands() -> None:
    pixels = np.full((600, 40, 3), 250, np.uint8)
    pixels[::3] = picture(200, 40)
    pixels[250:530] = 77
    data = Encoder("tiny").encode(Picture(pixels, pixels[:, :, 0].copy()), 50)
    decoded = Decoder().decode(data)
    assert (decoded.pixels[256:528] == 77).all()
    assert decoded.alpha is not None and (decoded.alpha == pixels[:, :, 0]).all()


def test_deep_pictures() -> None:
    pixels = product().astype(np.uint16) * 257
    data = Encoder("tiny").encode(Picture(pixels, depth=16), 50)
    assert (Decoder().decode(data).pixels[expected(pixels)] == pixels[expected(pixels)]).all()


def test_more_values_than_there_is_place_for() -> None:
    steps = np.arange(300, dtype=np.uint16).repeat(32)[None].repeat(16, 0)[..., None]
    values, index = flats.blocks(steps)  # type: ignore[misc]
    assert len(values) == 255 and index.max() == 255
    assert flats.blocks(picture(40, 40)) is None and encode_flats(picture(40, 40)) is None


def test_damaged_lists_are_refused() -> None:
    data = Encoder("tiny").encode(Picture(product()), 50)
    file = container.read(data)
    sound = bytes(file.flats or b"")
    tiles = [file.tile(0)]
    beyond = exact_encode(np.full((6, 10, 1), 9, np.uint8))
    for bad in (b"\0", sound[:3], b"\xff" + sound[1:], sound + b"\1" * 9, sound[:7] + beyond):
        with pytest.raises(CorruptError):
            Decoder().decode(container.write(file.header, tiles, flats=bad))
    again = container.write(file.header, tiles, flats=sound)
    assert again == data
