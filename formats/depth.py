"""Samples of more than 8 bits: to 8, and to all of 16."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hpcmcodec.formats.picture import Picture, Samples

REDUCED = "samples of more than 8 bits were rounded to 8 bits"


def scaled(samples: Samples, depth: int, wanted: int) -> Samples:
    """Samples of `wanted` bits, 8 or 16, with the same black and white; rounded to the nearest."""
    if depth == wanted:
        return samples
    last, most = 2**depth - 1, 2**wanted - 1
    found = (samples.astype(np.uint64) * most + last // 2) // last
    return found.astype(np.uint8 if wanted == 8 else np.uint16)


def in_8_bits(picture: Picture) -> Picture:
    """The picture with samples of 8 bits; says so if it had more."""
    if picture.depth == 8:
        return picture
    alpha = None if picture.alpha is None else scaled(picture.alpha, picture.depth, 8)
    pixels = scaled(picture.pixels, picture.depth, 8)
    return replace(picture, pixels=pixels, alpha=alpha, depth=8, warnings=(*picture.warnings, REDUCED))
