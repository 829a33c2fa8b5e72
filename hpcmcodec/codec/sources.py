"""What the public functions take: pictures and numbers in every usual form."""

from __future__ import annotations

import os
from numbers import Integral, Real
from typing import BinaryIO

import numpy as np
from PIL import Image

from hpcmcodec.errors import InputError, UsageError
from hpcmcodec.formats.pictures import Picture, picture_from_image, read_picture

ImageLike = Picture | Image.Image | np.ndarray | str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO
"""A picture: Pillow's, an array, or an image file as path, bytes or open file."""


def as_picture(image: ImageLike) -> Picture:
    """Any accepted kind of image as a `Picture`. Raises InputError, LimitExceededError."""
    if isinstance(image, Picture):
        return image
    if isinstance(image, Image.Image):
        return picture_from_image(image)
    if isinstance(image, np.ndarray):
        return _from_array(image)
    if isinstance(image, str | os.PathLike | bytes | bytearray | memoryview) or hasattr(image, "read"):
        return read_picture(image)
    raise InputError(f"a {type(image).__name__} is no picture: give a path, bytes, an open file, an image or an array")


def as_quality(quality: object) -> int | float:
    """A quality as plain Python's number, of whichever kind it is. Raises UsageError for what is none in range."""
    if isinstance(quality, np.generic | np.ndarray) and np.ndim(quality) == 0:
        quality = quality.item()
    if isinstance(quality, bool) or not isinstance(quality, Real):
        raise UsageError(f"quality must be a number from 1 to 100, not {quality!r}")
    value = float(quality)
    if not 1 <= value <= 100:
        raise UsageError(f"quality {value:g} is out of range: choose 1 (smallest file) to 100 (best picture)")
    return int(value) if value.is_integer() else value


def as_near(lossless: bool, near_lossless: int | None) -> int | None:
    """The greatest error that is asked for, None for any. Raises UsageError for what excludes each other."""
    if near_lossless is None or (lossless and near_lossless == 0):
        return 0 if lossless else None
    if lossless:
        raise UsageError("lossless and near_lossless exclude each other")
    if isinstance(near_lossless, bool) or not isinstance(near_lossless, Integral):
        raise UsageError(f"near_lossless must be a whole number, not {near_lossless!r}")
    return int(near_lossless)


def _from_array(array: np.ndarray) -> Picture:
    if array.ndim == 2:
        array = array[:, :, None]
    if (
        array.dtype not in (np.uint8, np.uint16)
        or array.ndim != 3
        or array.shape[2] not in (1, 3, 4)
        or 0 in array.shape
    ):
        raise InputError(
            f"an array must be uint8 or uint16 of shape (H, W) or (H, W, 1 | 3 | 4), not {array.dtype} {array.shape}"
        )
    alpha = np.ascontiguousarray(array[:, :, 3]) if array.shape[2] == 4 else None
    depth = 8 * array.itemsize
    return Picture(np.ascontiguousarray(array[:, :, :3]), alpha, depth=depth)
