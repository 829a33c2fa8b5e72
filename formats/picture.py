"""The picture as the codec sees it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Picture:
    """An upright picture.

    pixels: uint8 (H, W, C), C = 1 (grey) or 3 (RGB).   alpha: uint8 (H, W), not premultiplied, or None.
    icc, exif, xmp: blocks as bytes or None; exif is a TIFF structure without prefix.   mode: of the source, in
    Pillow's words.   warnings: what was changed or left out while reading, one sentence each.   notes: the same of
    what does not matter to the picture, such as its resolution or a comment.   incomplete: parts of the picture are
    missing, because its file was cut off.
    """

    pixels: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None = None
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    mode: str = "RGB"
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    incomplete: bool = False
