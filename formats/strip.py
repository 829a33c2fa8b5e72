"""Leaving metadata out of a picture. Where its ICC profile goes, its colours become what they are without one: sRGB."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from hpcmcodec.errors import UsageError
from hpcmcodec.formats.picture import Picture

KINDS = ("icc", "exif", "xmp")
"""Kinds of metadata: fields of `Picture`."""
Strip = bool | str | Iterable[str]
"""What to leave out: True for everything, or kinds."""

CONVERTED = "colours were converted to sRGB by the ICC profile, which was left out"
UNUSABLE = "the ICC profile that was left out cannot be used: colours are as they were"
_GRID = 17  # samples along each axis of the cube that tells whether a profile is sRGB
_EXACT_TO = 1  # a difference of the rounding in profiles that say sRGB in different words


def kinds_of(strip: Strip) -> frozenset[str]:
    """The kinds that are to be left out. Raises UsageError for one that does not exist."""
    if isinstance(strip, bool):
        return frozenset(KINDS if strip else ())
    kinds = frozenset((strip,) if isinstance(strip, str) else strip)
    kinds = frozenset(KINDS) if kinds == {"all"} else kinds
    if not kinds <= set(KINDS):
        unknown = ", ".join(sorted(map(str, kinds - set(KINDS))))
        raise UsageError(f"there is no kind of metadata {unknown}: strip is True or of {', '.join(KINDS)}")
    return kinds


def stripped(picture: Picture, strip: Strip) -> Picture:
    """The picture without these kinds of metadata, its pixels in sRGB if its profile is one of them."""
    kinds = kinds_of(strip)
    if "icc" in kinds and picture.icc:
        picture = _in_srgb(picture, picture.icc)
    without: dict[str, Any] = dict.fromkeys(kinds)
    return replace(picture, **without)


def _in_srgb(picture: Picture, icc: bytes) -> Picture:
    """The picture's colours converted, and told; a profile that says sRGB in its own words changes no pixel."""
    grey = picture.pixels.shape[2] == 1
    try:
        profile, mode, flags = ImageCms.ImageCmsProfile(BytesIO(icc)), "RGB", ImageCms.Flags.NONE
        if grey:  # whose tables would be too coarse for the dark end of a linear profile
            mode, flags = "L", ImageCms.Flags.NOOPTIMIZE
        transform = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), mode, "RGB", flags=flags)
        cube = _every_colour(grey)
        if np.abs(_through(transform, cube).astype(int) - cube).max() <= _EXACT_TO:
            return picture
        pixels = _through(transform, picture.pixels)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return replace(picture, warnings=(*picture.warnings, UNUSABLE))
    return replace(picture, pixels=pixels, notes=(*picture.notes, CONVERTED))


def _through(transform: ImageCms.ImageCmsTransform, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pixels (H, W, 1 or 3) through a transform to RGB; grey stays grey, since sRGB's is neutral."""
    channels = pixels.shape[2]
    out = transform.apply(Image.fromarray(pixels[:, :, 0] if channels == 1 else pixels))
    return np.ascontiguousarray(np.asarray(out)[:, :, 1:2] if channels == 1 else np.asarray(out))


def _every_colour(grey: bool) -> NDArray[np.uint8]:
    """All greys, or colours evenly over the cube: uint8 (H, W, 1 or 3)."""
    if grey:
        return np.arange(256, dtype=np.uint8).reshape(1, 256, 1)
    axis = np.linspace(0, 255, _GRID).round().astype(np.uint8)
    return np.stack(np.meshgrid(axis, axis, axis), -1).reshape(_GRID, -1, 3)
