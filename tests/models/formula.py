"""Formula numbers: weights and pictures made from names by integer arithmetic, the same on every machine."""

from __future__ import annotations

import re

import numpy as np

_MASK = (1 << 64) - 1
_GAINS = (
    (r"^g_a\.branch\.(11|15)\.weight$", 3.0),
    (r"^g_a\.g_a_down4\.weight$", 2.5),
    (r"^h_s\.(branch\.4|10)\.weight$", 0.5),
    (r"\.conv_[qk]\.weight$", 0.5),
    (r"\.conv_(v|out)\.weight$", 0.7),
    (r"^g_s\.(branch\.(11|15)|g_s_up1)\.weight$", 0.1),
    (r"^y_spatial_prior_s(1_s2|3)\.branch_2\.\d+\.weight$", 0.6),
)
_TRANSPOSED = re.compile(r"^(g_s\.branch\.\d+|g_s\.g_s_up\d|h_s\.branch\.\d+|h_s\.\d+)\.weight$")
_BRIGHT = re.compile(r"^g_s\.(branch\.(11|15)|g_s_up1)\.bias$")
_SCALES = re.compile(r"^h_s\.(branch\.5|14)\.branch\.3\.bias$|^y_spatial_prior_s(1_s2|3)\.branch_2\.\d+\.bias$")


def fnv(name: str) -> int:
    """64-bit FNV-1a hash of the UTF-8 name."""
    h = 0xCBF29CE484222325
    for byte in name.encode():
        h = ((h ^ byte) * 0x100000001B3) & _MASK
    return h


def unit(name: str, count: int, start: int = 0) -> np.ndarray:
    """Numbers `start` .. `start + count` of the stream `name`: float64 in [-1, 1), multiples of 2^-23."""
    x = np.arange(start + 1, start + count + 1, dtype=np.uint64)
    x *= np.uint64(0x9E3779B97F4A7C15)
    x += np.uint64(fnv(name))
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x ^= x >> np.uint64(shift)
        x *= np.uint64(factor)
    x ^= x >> np.uint64(31)
    return (x >> np.uint64(40)).astype(np.float64) / 2**23 - 1


def weight(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """The float32 formula weight of an official state-dict key."""
    u = _in_pieces(name, shape)
    if name == "means_hyper":
        return _single(0.5 * u)
    if name == "scales_hyper":
        return _single(1.6 + 1.4 * u)
    if name.startswith("adaptive_params_list."):
        return _single(1 + 0.25 * u)
    if name.endswith(".bias"):
        return _single(0.1 * u + _offset(name, shape[0]))
    return _single(_gain(name, shape) * np.sqrt(3 / _fan(name, shape)) * u)


def image(height: int, width: int, salt: int) -> np.ndarray:
    """The uint8 formula picture (3, height, width)."""
    noise = np.floor((unit(f"image{salt}", 3 * height * width) + 1) * 128).astype(np.int64).reshape(3, height, width)
    c, y, x = np.meshgrid(np.arange(3), np.arange(height), np.arange(width), indexing="ij")
    waves = _triangle(x * (2 + c) + 3 * y + 17 * c, 160) + _triangle(y * (5 - c) - x + 40 * c, 112)
    blocks = 255 * ((x // 24 + y // 20 + c) % 2)
    return ((3 * ((waves + blocks) // 3) + noise) // 4).astype(np.uint8)


def _in_pieces(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """The stream as an array; made in pieces that stay in the cache, since the largest networks have 10^9 weights."""
    count, piece = int(np.prod(shape)), 1 << 16
    out = np.empty(count)
    for start in range(0, count, piece):
        out[start : start + piece] = unit(name, min(piece, count - start), start)
    return out.reshape(shape)


def _single(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, dtype=np.float64).astype(np.float32)


def _offset(name: str, count: int) -> np.ndarray | float:
    if _BRIGHT.search(name):
        return 0.5
    return np.where(np.arange(count) < count // 2, 1.2, 0.0) if _SCALES.search(name) else 0.0


def _fan(name: str, shape: tuple[int, ...]) -> int:
    if _TRANSPOSED.search(name):
        return shape[0] * shape[2] * shape[3] // 4
    return int(np.prod(shape[1:]))


def _gain(name: str, shape: tuple[int, ...]) -> float:
    for pattern, gain in _GAINS:
        if re.search(pattern, name):
            return gain
    return 0.35 if name.endswith(".branch.3.weight") and shape[2:] == (1, 1) else 1.0


def _triangle(t: np.ndarray, period: int) -> np.ndarray:
    return np.abs(2 * (t % period) - period) * 255 // period
