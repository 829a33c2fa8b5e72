"""The picture as the codec sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from numpy.typing import NDArray

Samples: TypeAlias = NDArray[Any]
"""uint8 or uint16."""


@dataclass(frozen=True, eq=False)
class Picture:
    """An upright picture.

    pixels: (H, W, C), C = 1 (grey) or 3 (RGB), uint8 where `depth` is 8, else uint16.   alpha: the same type (H, W),
    not premultiplied, or None.   depth: bits of a sample, 8..16; the highest value is white, or opaque.
    icc, exif, xmp: blocks as bytes or None; exif is a TIFF structure without prefix.   mode: of the source, in
    Pillow's words.   warnings: what was changed or left out while reading, one sentence each.   notes: the same of
    what does not matter to the picture, such as its resolution or a comment.   incomplete: parts of the picture are
    missing, because its file was cut off.   cicp: H.273's numbers of the colours' meaning, primaries, transfer and full
    range (1) or not; before any profile. None: nothing is said.
    """

    pixels: Samples
    alpha: Samples | None = None
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    mode: str = "RGB"
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    incomplete: bool = False
    depth: int = 8
    cicp: tuple[int, int, int] | None = None
