"""EXIF blocks, which are TIFF structures: the entries of their first directory, and the orientation there.

What a block in an hpc file may hold is checked by `kernels.decode.exif_problem`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

ORIENTATION = 0x0112
_NUMBERS = {3: ("H", 2), 4: ("I", 1)}  # SHORT, and LONG, which some writers use; how many of them lie in the entry


def upright(block: bytes) -> bytes:
    """The same block with orientation 1; every other byte stays. What cannot be parsed stays as it is."""
    changed = bytearray(block)
    for place, kind in _orientations(block):
        struct.pack_into(kind, changed, place, 1)
    return bytes(changed)


def tags(block: bytes) -> list[int]:
    """Of the first directory, as far as it can be read."""
    return [tag for _, tag, _, _ in _entries(block)]


def _orientations(block: bytes) -> list[tuple[int, str]]:
    """Where orientations stand in a block, and how struct reads them."""
    order = _order(block)
    found = []
    for place, tag, kind, count in _entries(block):
        letter, most = _NUMBERS.get(kind, ("", 0))
        if tag == ORIENTATION and 1 <= count <= most:
            found.append((place + 8, order + letter))
    return found


def _entries(block: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Place, tag, type and count of the entries of the first directory that are whole."""
    order = _order(block)
    try:
        (folder,) = struct.unpack_from(order + "I", block, 4)
        (count,) = struct.unpack_from(order + "H", block, folder)
    except struct.error:
        return
    for place in range(folder + 2, min(folder + 2 + 12 * count, len(block) - 11), 12):
        yield place, *struct.unpack_from(order + "HHI", block, place)


def _order(block: bytes) -> str:
    return "<" if block[:2] == b"II" else ">"
