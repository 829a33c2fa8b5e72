"""The encoder's choice between learned and exact: graphics never cost more than exactly, photographs stay learned."""

from __future__ import annotations

import numpy as np
import pytest

import hpcmcodec
from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.codec.encoder import encode_exactly
from hpcmcodec.codec.graphics import SIDE, few_colours, filled, graphic_tiles
from hpcmcodec.codec.target import Target
from hpcmcodec.formats import container
from hpcmcodec.formats.pictures import Picture

from .conftest import picture

MODEL = "lite-8"


def page(height: int, width: int) -> np.ndarray:
    """Dark marks on white, a few colours."""
    rng = np.random.default_rng(3)
    out = np.full((height, width, 3), 255, np.uint8)
    for top in range(8, height - 12, 16):
        for left in range(8, width - 8, 9):
            mark = rng.random((9, 6)) < 0.4
            out[top : top + 9, left : left + 6][mark] = (20, 20, 60)
    return out


def psnr(decoded: Picture, given: np.ndarray) -> float:
    error = np.square(decoded.pixels.astype(float) - given).mean()
    return float(10 * np.log10(255**2 / error)) if error else 99.0


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder(MODEL)


@pytest.mark.parametrize("quality", [1, 50, 100])
def test_a_page_is_never_larger_than_exactly(encoder: Encoder, quality: int) -> None:
    given = Picture(page(150, 200))
    data, exact = encoder.encode(given, quality), encode_exactly(given)
    assert len(data) <= len(exact)
    learned = encoder.encode(given, quality, exact_tiles=False)
    assert container.read(learned).header.learned
    if len(exact) <= len(learned):
        assert data == exact


@pytest.mark.parametrize("model", [MODEL, "tiny"])
def test_photographs_stay_as_they_are(model: str) -> None:
    given = Picture(picture(150, 200))
    encoder = Encoder(model)
    assert encoder.encode(given, 50) == encoder.encode(given, 50, exact_tiles=False)


def test_a_photograph_on_a_page_is_coded_in_two_ways(encoder: Encoder) -> None:
    pixels = page(512, 768)
    pixels[:256, 256:512] = picture(256, 256, seed=1)
    graphic = graphic_tiles(pixels)
    assert graphic.tolist() == [[True, False, True], [True] * 3]
    given = Picture(pixels)
    data, learned = encoder.encode(given, 60), encoder.encode(given, 60, exact_tiles=False)
    file = container.read(data)
    assert file.header.learned and file.header.exact_tile_size == SIDE and len(file.exact) == 5
    decoded = Decoder().decode(data)
    assert (decoded.pixels[256:] == pixels[256:]).all() and len(data) < len(learned)
    inside = psnr(Picture(decoded.pixels[:256, 256:512]), pixels[:256, 256:512])
    whole = psnr(Picture(Decoder().decode(learned).pixels[:256, 256:512]), pixels[:256, 256:512])
    assert inside > whole - 0.5  # the smooth surroundings do no harm
    assert hpcmcodec.verify(data).ok


def test_what_lies_under_exact_tiles_is_smooth_and_meets_its_neighbours() -> None:
    pixels = page(2 * SIDE, 2 * SIDE)
    pixels[:SIDE, :SIDE] = 100
    graphic = np.array([[False, True], [True, True]])
    out = filled(pixels, graphic)
    assert (out[:SIDE, :SIDE] == pixels[:SIDE, :SIDE]).all()
    assert (np.abs(np.diff(out[SIDE:, SIDE:].astype(int), axis=0)) <= 1).all()
    assert out.dtype == pixels.dtype and (out[:, -1] == 255).all()


def test_few_colours() -> None:
    assert few_colours(page(40, 50), 2) and few_colours(np.zeros((1, 1, 1), np.uint16), 1)
    assert not few_colours(picture(60, 60), 100)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_dithered_picture_is_never_larger_than_exactly(encoder: Encoder, channels: int) -> None:
    """It is flat nowhere, and has few colours."""
    rng = np.random.default_rng(5)
    smooth = picture(96, 128)[..., :channels].astype(float)
    pixels = (((smooth + rng.uniform(0, 255, smooth.shape)) // 255).clip(0, 1) * 255).astype(np.uint8)
    assert not graphic_tiles(pixels).any()
    given = Picture(pixels)
    assert len(encoder.encode(given, 80)) <= len(encode_exactly(given))


def test_targets_take_the_exact_file_where_it_fits(encoder: Encoder) -> None:
    given = Picture(page(150, 200))
    exact = encode_exactly(given)
    for target in (Target(size=len(exact) + 10), Target(psnr=60), Target(ssimulacra2=95)):
        assert encoder.encode_to(given, target).data == exact
    assert len(encoder.encode_to(given, Target(psnr=30)).data) <= len(exact)


def test_tiny_and_thin_pictures(encoder: Encoder) -> None:
    for shape in ((1, 1, 3), (1, 300, 1), (300, 1, 3), (2, 2, 1)):
        for value in (0, 255):
            given = Picture(np.full(shape, value, np.uint8))
            data = encoder.encode(given, 50)
            assert (Decoder().decode(data).pixels == value).all() and len(data) < 60
