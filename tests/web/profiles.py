"""An ICC profile of few bytes, for tests of colours."""

from __future__ import annotations

import struct

DISPLAY_P3 = ((0.5151, 0.2412, -0.0011), (0.2919, 0.6922, 0.0419), (0.1572, 0.0666, 0.7841))
"""XYZ of red, green and blue, adapted to D50 (SMPTE EG 432-1 with the white of sRGB)."""
D50 = (0.9642, 1.0, 0.8249)


def matrix_profile(primaries: tuple[tuple[float, float, float], ...], gamma: float) -> bytes:
    """A display profile, version 2.1, of three primaries and one gamma (ICC.1:2001-04)."""
    xyz = [b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(v * 65536)) for v in colour) for colour in primaries]
    white = b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(v * 65536)) for v in D50)
    curve = b"curv\0\0\0\0" + struct.pack(">IHxx", 1, round(gamma * 256))
    name = b"desc\0\0\0\0" + struct.pack(">I", 3) + b"P3\0" + bytes(81)
    text = b"text\0\0\0\0none\0\0\0\0"
    tags = {b"desc": name, b"cprt": text, b"wtpt": white}
    tags |= dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), xyz, strict=True))
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for tag, data in tags.items():
        table += tag + struct.pack(">II", start + len(body), len(data))
        body += data
    size = start + len(body)
    head = struct.pack(">I4xI4s4s4s12x4s", size, 0x02100000, b"mntr", b"RGB ", b"XYZ ", b"acsp").ljust(68, b"\0")
    return head + b"".join(struct.pack(">i", round(v * 65536)) for v in D50) + bytes(48) + table + body
