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
KEPT = "the ICC profile stays: colours of more than 8 bits are not converted to sRGB"
_UNUSABLE_ERRORS = (ImageCms.PyCMSError, OSError, ValueError, TypeError)
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
    icc = picture.icc if "icc" in kinds and picture.cicp is None else None  # code points stay, and come first
    if icc and picture.depth > 8:  # Pillow converts 8 bits only
        kinds -= {"icc"}
        picture = replace(picture, warnings=(*picture.warnings, KEPT))
    elif icc:
        picture = _in_srgb(picture, icc)
    without: dict[str, Any] = dict.fromkeys(kinds)
    return replace(picture, **without)


def _in_srgb(picture: Picture, icc: bytes) -> Picture:
    """The picture's colours converted, and told; a profile that says sRGB in its own words changes no pixel."""
    grey = picture.pixels.shape[2] == 1
    try:
        if _is_srgb(icc, grey=grey):
            return picture
        pixels = _through(_transform(icc, grey=grey), picture.pixels)
    except _UNUSABLE_ERRORS:
        return replace(picture, warnings=(*picture.warnings, UNUSABLE))
    return replace(picture, pixels=pixels, notes=(*picture.notes, CONVERTED))


def _is_srgb(icc: bytes, *, grey: bool) -> bool:
    """Whether a profile changes nothing but what profiles of sRGB differ in. Raises what Pillow raises."""
    cube = _every_colour(grey)
    return bool(np.abs(_through(_transform(icc, grey=grey), cube).astype(int) - cube).max() <= _EXACT_TO)


def _transform(icc: bytes, *, grey: bool) -> ImageCms.ImageCmsTransform:
    profile, mode, flags = ImageCms.ImageCmsProfile(BytesIO(icc)), "RGB", ImageCms.Flags.NONE
    if grey:  # whose tables would be too coarse for the dark end of a linear profile
        mode, flags = "L", ImageCms.Flags.NOOPTIMIZE
    return ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), mode, "RGB", flags=flags)


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
