"""Small pictures: means of squares, whatever pieces they come in, of what the fast part of the synthesis gives."""

from __future__ import annotations

import numpy as np
import pytest

import hpcmcodec
from hpcmcodec import errors
from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.formats.pictures import Picture

from .conftest import picture


def means(pixels: np.ndarray, scale: int) -> np.ndarray:
    """The definition."""
    height, width = (-(-side // scale) for side in pixels.shape[:2])
    out = np.empty((height, width, pixels.shape[2]), np.uint8)
    for y in range(height):
        for x in range(width):
            square = pixels[y * scale : (y + 1) * scale, x * scale : (x + 1) * scale]
            out[y, x] = np.rint(square.mean((0, 1), dtype=np.float64))
    return out


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_a_small_picture_shows_the_large_one(scale: int) -> None:
    source = picture(150, 201)
    data = Encoder().encode(Picture(source, source[:, :, 0].copy()), 50)
    small, large = Decoder().decode(data, scale=scale), Decoder().decode(data)
    wanted = means(large.pixels, scale)
    assert small.pixels.shape == wanted.shape
    assert np.square(small.pixels.astype(float) - wanted).mean() < 65  # 30 dB, of saturated waves 30 pixels long
    assert small.alpha is not None
    np.testing.assert_array_equal(small.alpha, means(source[:, :, :1], scale)[:, :, 0])
    part = Decoder().decode(data, (16, 32, 80, 64), scale=scale)
    np.testing.assert_array_equal(part.pixels, small.pixels[32 // scale : 96 // scale, 16 // scale : 96 // scale])


def test_scales_that_there_are() -> None:
    data = hpcmcodec.encode(picture(30, 40), model="tiny")
    assert hpcmcodec.decode(data, scale=8).size == (5, 4)
    for scale in (0, 3, 16):
        with pytest.raises(errors.UsageError, match="1/2, 1/4 or 1/8"):
            hpcmcodec.decode(data, scale=scale)
