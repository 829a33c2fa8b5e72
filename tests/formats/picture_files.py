"""Small TIFF and PNG files of kinds that Pillow does not write."""

from __future__ import annotations

import struct
import zlib

import numpy as np

WIDTH, HEIGHT = 16, 12
GREY = (np.add.outer(np.arange(HEIGHT) * 9, np.arange(WIDTH) * 8)).astype(np.uint8)
RGB = np.dstack((GREY, GREY[::-1], 255 - GREY))


def tiff_file(samples: bytes | list[bytes], bits: int, photometric: int, tags: dict[int, int | list[int]]) -> bytes:
    """A little-endian file of one page. tags: further ones; lists are SHORTs, numbers LONGs."""
    pieces = samples if isinstance(samples, list) else [samples]
    starts = np.cumsum([8, *[len(piece) for piece in pieces]]).tolist()
    entries: dict[int, int | list[int]] = {256: WIDTH, 257: HEIGHT, 258: [bits], 259: [1], 262: [photometric]}
    entries |= {273: starts[0], 277: [1], 278: HEIGHT, 279: len(pieces[0])} | tags
    body, head, extra = b"".join(pieces), b"", b""
    if len(pieces) > 1:
        entries |= {273: starts[:-1], 279: [len(piece) for piece in pieces]}
    folder = 8 + len(body)
    behind = folder + 2 + 12 * len(entries) + 4
    for tag, value in sorted(entries.items()):
        kind, values = (3, value) if isinstance(value, list) else (4, [value])
        content = struct.pack(f"<{len(values)}{'HI'[kind - 3]}", *values)
        if len(content) > 4:
            place = struct.pack("<I", behind + len(extra))
            extra += content
        head += struct.pack("<HHI", tag, kind, len(values)) + (place if len(content) > 4 else content.ljust(4, b"\0"))
    return struct.pack("<2sHI", b"II", 42, folder) + body + struct.pack("<H", len(entries)) + head + bytes(4) + extra


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_file(before: bytes, after: bytes = b"", *, wide: np.ndarray | None = None) -> bytes:
    """An RGB file with chunks before and behind its samples; `wide`: 16-bit ones (H, W, 3) instead of `RGB`."""
    array = RGB if wide is None else wide.astype(">u2")
    head = struct.pack(">IIBBBBB", array.shape[1], array.shape[0], 8 if wide is None else 16, 2, 0, 0, 0)
    rows = b"".join(b"\0" + row.tobytes() for row in array)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + before + chunk(b"IDAT", zlib.compress(rows)) + after
        + chunk(b"IEND", b"")
    )  # fmt: skip
