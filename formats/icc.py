"""ICC profiles (ICC.1:2022, version 4) of what a PNG file says by gAMA and cHRM."""

from __future__ import annotations

import struct
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Chromaticities: TypeAlias = tuple[float, ...]
"""x and y of white, red, green and blue."""
SRGB: Chromaticities = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
_D50 = np.array((0.9642, 1.0, 0.8249))
_BRADFORD = np.array(((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296)))
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_EXPONENTS = (0.1, 10.0)
_SMALLEST = 1e-3  # a y, or a determinant, below which nothing sensible comes of it


def of_png(gamma: float | None, chromaticities: Chromaticities | None, channels: int) -> bytes | None:
    """The profile of samples in 1 or 3 channels that are light to the power of `gamma`, by sRGB's curve where it is
    None, with sRGB's colours where there are no others. None where no profile can say it."""
    if gamma is not None and not (gamma > 0 and _EXPONENTS[0] <= 1 / gamma <= _EXPONENTS[1]):
        return None
    curve = _parametric(0, (1 / gamma,)) if gamma is not None else _parametric(3, _SRGB_CURVE)
    tags = [(b"desc", _text("PNG gAMA and cHRM")), (b"cprt", _text("CC0")), (b"wtpt", _xyz(_D50))]
    if channels == 1:
        return _profile(b"GRAY", [*tags, (b"kTRC", curve)])
    adapted = _adapted(chromaticities or SRGB)
    if adapted is None:
        return None
    primaries, adaptation = adapted
    tags.append((b"chad", b"sf32\0\0\0\0" + _fixed(*adaptation.ravel())))
    tags += [(f"{name}XYZ".encode(), _xyz(column)) for name, column in zip("rgb", primaries.T, strict=True)]
    return _profile(b"RGB ", [*tags, *((f"{name}TRC".encode(), curve) for name in "rgb")])


def _adapted(found: Chromaticities) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """XYZ of the three colours at full light (3, 3), a column each, as white is made D50; and what makes it so."""
    points = np.array(found).reshape(4, 2)
    if not np.isfinite(points).all() or (points[:, 1] < _SMALLEST).any():
        return None
    xyz = np.column_stack((points[:, 0], points[:, 1], 1 - points.sum(1))) / points[:, 1:]
    if abs(np.linalg.det(xyz[1:])) < _SMALLEST:
        return None
    primaries = xyz[1:].T * np.linalg.solve(xyz[1:].T, xyz[0])
    cones = (_BRADFORD @ _D50) / (_BRADFORD @ xyz[0])
    adaptation = np.linalg.solve(_BRADFORD, cones[:, None] * _BRADFORD)
    adapted = adaptation @ primaries
    return (adapted, adaptation) if np.abs(adapted).max() < 100 else None


def _profile(space: bytes, tags: list[tuple[bytes, bytes]]) -> bytes:
    """Equal contents are stored once."""
    place, table, content = 128 + 4 + 12 * len(tags), b"", b""
    known: dict[bytes, int] = {}
    for name, data in tags:
        if data not in known:
            known[data] = place + len(content)
            content += data + bytes(-len(data) % 4)
        table += name + struct.pack(">II", known[data], len(data))
    head = struct.pack(">I4sI4s4s4s", place + len(content), b"\0" * 4, 0x04400000, b"mntr", space, b"XYZ ")
    head += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(28) + _fixed(*_D50)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + content


def _fixed(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(float(value) * 65536)) for value in values)


def _xyz(values: NDArray[np.float64]) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(*values)


def _parametric(kind: int, values: tuple[float, ...]) -> bytes:
    return b"para\0\0\0\0" + struct.pack(">HH", kind, 0) + _fixed(*values)


def _text(words: str) -> bytes:
    data = words.encode("utf-16-be")
    return b"mluc\0\0\0\0" + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(data), 28) + data
