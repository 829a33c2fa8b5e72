"""What is done with a picture on its way in: alpha and colour go together, and what cannot be is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hpcmcodec.batch.shaping import Shape, Size
from hpcmcodec.errors import UsageError
from hpcmcodec.formats.pictures import Picture, read_picture
from tests.codec.conftest import picture


@pytest.mark.parametrize("channels", [1, 3])
def test_crop_and_turn(channels: int) -> None:
    pixels, alpha = picture(20, 30, channels), picture(20, 30, 1)[:, :, 0]
    shaped = Shape(crop=(4, 3, 12, 10), rotate=90)(Picture(pixels, alpha, icc=b"kept"))
    assert (shaped.pixels == np.rot90(pixels[3:13, 4:16], -1)).all() and shaped.icc == b"kept"
    assert shaped.alpha is not None and (shaped.alpha == np.rot90(alpha[3:13, 4:16], -1)).all()
    assert shaped.pixels.flags.c_contiguous


def test_four_quarters_are_none() -> None:
    source = Picture(picture(9, 14))
    turned = Shape(rotate=270)(Shape(rotate=90)(source))
    assert (turned.pixels == source.pixels).all()
    assert (Shape(rotate=180)(source).pixels == source.pixels[::-1, ::-1]).all()


def test_the_rectangle_is_of_the_upright_picture(tmp_path: Path) -> None:
    pixels, tags = picture(20, 30), Image.Exif()
    tags[0x112] = 6  # to be turned clockwise by a quarter
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=tags)
    shaped = Shape(crop=(5, 6, 10, 20))(read_picture(tmp_path / "a.png"))
    assert (shaped.pixels == np.rot90(pixels, -1)[6:26, 5:15]).all()


@pytest.mark.parametrize(
    "crop", [(-1, 0, 5, 5), (0, 0, 31, 5), (0, 0, 5, 21), (29, 0, 2, 1), (0, 0, 0, 5), (0, 0, 5, -1), (10**9, 0, 1, 1)]
)
def test_outside_the_picture(crop: tuple[int, int, int, int]) -> None:
    with pytest.raises(UsageError, match="30 x 20 pixels"):
        Shape(crop=crop)(Picture(picture(20, 30)))


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (Size(percent=50), (10, 15)),
        (Size(width=15, height=15), (10, 15)),
        (Size(width=15, height=5), (5, 8)),
        (Size(width=1, height=1), (1, 1)),
        (Size(width=99, height=99), (20, 30)),
        (Size(percent=200), (40, 60)),
    ],
    ids=str,
)
@pytest.mark.parametrize("channels", [1, 3])
def test_sizes(size: Size, expected: tuple[int, int], channels: int) -> None:
    plane = np.full((20, 30), 77, np.uint8)
    shaped = Shape(size=size)(Picture(picture(20, 30, channels), plane))
    assert shaped.pixels.shape == (*expected, channels)
    assert shaped.alpha is not None and shaped.alpha.shape == expected and (shaped.alpha == 77).all()


def test_what_is_transparent_lends_no_colour() -> None:
    pixels, alpha = np.zeros((16, 16, 3), np.uint8), np.zeros((16, 16), np.uint8)
    pixels[:, 8:], alpha[:, 8:] = 200, 255  # black that nobody sees beside grey
    shaped = Shape(size=Size(percent=25))(Picture(pixels, alpha))
    assert shaped.alpha is not None
    seen = shaped.pixels[shaped.alpha > 16]
    assert seen.size and seen.min() > 180
