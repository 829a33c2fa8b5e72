"""TIFF files: deflate strips, and a directory with the EXIF and GPS directories below it.

Written here since Pillow leaves both out of compressed files, which it hands to libtiff; its directories do hold them.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL.TiffImagePlugin import ImageFileDirectory_v2

_SHORT, _LONG, _UNDEFINED, _BYTE = 3, 4, 7, 1
_DEFLATE, _CONTIGUOUS, _UNASSOCIATED = 8, 1, 2
_STRIP_OFFSETS, _STRIP_SIZES, _ICC, _XMP = 273, 279, 34675, 700
_STRIP_BYTES = 1 << 18  # of samples in a strip


def encode(planes: NDArray[Any], tags: Mapping[int, Any], icc: bytes | None, xmp: bytes | None) -> bytes:
    """The bytes of a TIFF file.

    planes: uint8 or uint16 (H, W, C), C of 1, 2, 3 or 4 for L, LA, RGB, RGBA.   tags: further ones, directories as
    dictionaries.
    Raises whatever Pillow raises for tags that cannot be written, struct.error for a file of 4 GiB or more.
    """
    height, width, channels = planes.shape
    rows = max(1, _STRIP_BYTES // (width * channels * planes.itemsize))
    strips = [
        zlib.compress(planes[top : top + rows].astype(f"<u{planes.itemsize}").tobytes())
        for top in range(0, height, rows)
    ]
    sizes = [len(strip) for strip in strips]
    layout: dict[int, tuple[int, Any]] = {
        256: (_LONG, width),
        257: (_LONG, height),
        258: (_SHORT, (8 * planes.itemsize,) * channels),
        259: (_SHORT, _DEFLATE),
        262: (_SHORT, 1 if channels < 3 else 2),  # black is zero; RGB
        _STRIP_OFFSETS: (_LONG, tuple(int(end - size) for end, size in zip(np.cumsum(sizes), sizes, strict=True))),
        277: (_SHORT, channels),
        278: (_LONG, rows),
        _STRIP_SIZES: (_LONG, tuple(sizes)),
        284: (_SHORT, _CONTIGUOUS),
    }
    if channels in (2, 4):
        layout[338] = (_SHORT, _UNASSOCIATED)
    if icc:
        layout[_ICC] = (_UNDEFINED, icc)
    if xmp:
        layout[_XMP] = (_BYTE, xmp)
    directory = ImageFileDirectory_v2()
    for tag, value in tags.items():
        directory[tag] = value
    for tag, (kind, value) in layout.items():  # whatever else was given for these
        directory.tagtype[tag] = kind
        directory[tag] = value
    buffer = BytesIO()
    directory.save(buffer)  # which moves the strips' offsets behind itself
    for strip in strips:
        buffer.write(strip)
    return buffer.getvalue()
