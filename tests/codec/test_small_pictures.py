"""Small pictures: means of squares, whatever pieces they come in, of what the fast part of the synthesis gives."""

from __future__ import annotations

import numpy as np
import pytest

import hpcmcodec
from hpcmcodec import errors
from hpcmcodec.codec import Decoder, Encoder, transforms
from hpcmcodec.codec.canvas import canvas, shrink
from hpcmcodec.formats.pictures import Picture
from hpcmcodec.nn.lazy import Span

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


@pytest.mark.parametrize("scale", [1, 2, 4, 8])
@pytest.mark.parametrize("size", [(1, 1), (16, 24), (17, 31)], ids=str)
def test_means_of_squares(size: tuple[int, int], scale: int) -> None:
    pixels = picture(*size)
    np.testing.assert_array_equal(shrink(pixels, scale), means(pixels, scale))
    made, cut = canvas(*pixels.shape, scale), size[1] // 3
    for top in range(0, size[0], 5):
        rows = Span(top, min(top + 5, size[0]))
        for columns in (Span(0, cut), Span(cut, size[1])):
            if columns.stop > columns.start:
                made.add(rows, columns, pixels[slice(*rows), slice(*columns)])
    np.testing.assert_array_equal(made.picture(), means(pixels, scale))


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_a_small_picture_shows_the_large_one(scale: int, monkeypatch: pytest.MonkeyPatch) -> None:
    source = picture(150, 201)
    data = Encoder().encode(Picture(source, source[:, :, 0].copy()), 50)
    small, large = Decoder().decode(data, scale=scale), Decoder().decode(data)
    wanted = means(large.pixels, scale)
    assert small.pixels.shape == wanted.shape
    assert np.square(small.pixels.astype(float) - wanted).mean() < 65  # 30 dB, of saturated waves 30 pixels long
    assert small.alpha is not None
    np.testing.assert_array_equal(small.alpha, means(source[:, :, :1], scale)[:, :, 0])
    monkeypatch.setattr(transforms, "STRIP_BYTES", 1)
    monkeypatch.setattr(transforms, "LEAST_COLUMNS", 64)
    np.testing.assert_array_equal(Decoder().decode(data, scale=scale).pixels, small.pixels)
    part = Decoder().decode(data, (16, 32, 80, 64), scale=scale)
    np.testing.assert_array_equal(part.pixels, small.pixels[32 // scale : 96 // scale, 16 // scale : 96 // scale])


def test_scales_that_there_are() -> None:
    data = hpcmcodec.encode(picture(30, 40), model="tiny")
    assert hpcmcodec.decode(data, scale=8).size == (5, 4)
    for scale in (0, 3, 16):
        with pytest.raises(errors.UsageError, match="1/2, 1/4 or 1/8"):
            hpcmcodec.decode(data, scale=scale)
