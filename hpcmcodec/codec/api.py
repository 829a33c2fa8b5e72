"""The two functions that most users need."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from hpcmcodec.codec.decoder import Decoder
from hpcmcodec.codec.encoder import DEFAULT_QUALITY, Encoder
from hpcmcodec.codec.refine import DEFAULT_EFFORT
from hpcmcodec.errors import InputError
from hpcmcodec.formats.pictures import Picture, picture_from_image, picture_to_image, read_picture

ImageLike = Image.Image | np.ndarray | str | Path | bytes | BinaryIO


def encode(
    image: ImageLike,
    quality: int = DEFAULT_QUALITY,
    *,
    model: str | Path | None = None,
    effort: int = DEFAULT_EFFORT,
) -> bytes:
    """Code one picture; see `Encoder` for many.

    image: a PIL image, a uint8 array (H, W) or (H, W, 1 | 3 | 4), a path, the bytes of an image file, or an open binary
    file. quality: 1 (smallest) .. 100 (best). model: name or path, None for the default.
    effort: 0 (fastest) .. 9 (smallest file for what it shows).
    Raises InputError for a picture that cannot be read, UsageError for a quality or an effort out of range.

    >>> small, good = encode("photo.png", 10), encode("photo.png", 90)
    >>> len(small) < len(good)
    True
    """
    return Encoder(model).encode(as_picture(image), quality, effort=effort)


def decode(data: bytes | memoryview, *, allow_truncated: bool = False, scale: int = 1) -> Image.Image:
    """The picture of an hpc file as a PIL image, with its ICC profile, EXIF and XMP in `info`. Errors as `Decoder`.

    allow_truncated: decode what is there of a file whose end is missing. scale: 2, 4 or 8 for a small picture of a
    half, a quarter or an eighth of the sides, in less time.

    >>> data = encode(np.zeros((20, 30), np.uint8))
    >>> image = decode(data)
    >>> image.mode, image.size
    ('L', (30, 20))
    """
    return picture_to_image(Decoder().decode(data, allow_truncated=allow_truncated, scale=scale))


def as_picture(image: ImageLike) -> Picture:
    """Any accepted kind of image as a `Picture`."""
    if isinstance(image, Image.Image):
        return picture_from_image(image)
    if isinstance(image, np.ndarray):
        return _from_array(image)
    return read_picture(image)


def _from_array(array: np.ndarray) -> Picture:
    if array.ndim == 2:
        array = array[:, :, None]
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] not in (1, 3, 4) or 0 in array.shape:
        raise InputError(
            f"an array must be uint8 of shape (H, W) or (H, W, 1 | 3 | 4), not {array.dtype} {array.shape}"
        )
    alpha = np.ascontiguousarray(array[:, :, 3]) if array.shape[2] == 4 else None
    return Picture(np.ascontiguousarray(array[:, :, :3]), alpha)
