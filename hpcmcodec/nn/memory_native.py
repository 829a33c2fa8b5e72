"""Operations of the memory bank on numpy arrays through the kernels (FORMAT.md section 11.7)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hpcmcodec import kernels

Array = np.ndarray
Summary = tuple[Array, Array, Array]
_CHUNK = 64
"""Positions that are added at a time, part of the format."""


def _planes(x: Array) -> Array:
    return np.ascontiguousarray(x[0])


def unit(x: Array) -> Array:
    return kernels.unit(_planes(x))[None]


def pooled(x: Array) -> Array:
    flat = x.reshape(*x.shape[:2], -1)
    total = np.zeros(x.shape[:2], np.float32)
    for start in range(0, flat.shape[2], _CHUNK):
        part = np.zeros_like(total)
        for position in range(start, min(start + _CHUNK, flat.shape[2])):
            part = part + flat[..., position]
        total = total + part
    return (total / np.float32(flat.shape[2]))[..., None, None]


def recall(q: Array, keys: Sequence[Array], values: Sequence[Array], topk: int, temperature: float) -> Array:
    sides = [_planes(key) for key in keys], [_planes(value) for value in values]
    return kernels.recall(_planes(q), *sides, topk, temperature)[None]


def add_scaled(h: Array, gamma: Array, x: Array) -> Array:
    wide = np.ascontiguousarray(np.broadcast_to(gamma[None, :, None, None], h.shape))
    return kernels.fma(wide, np.ascontiguousarray(x), np.ascontiguousarray(h))


def double(x: Array) -> Array:
    return np.ascontiguousarray(x.repeat(2, 2).repeat(2, 3))


def summarise(k: Array, v: Array, heads: int) -> Summary:
    peak, mass, sums = kernels.summarise(_planes(k), _planes(v), heads)
    return peak[None], mass[None], sums[None]


def join_summaries(first: Summary, second: Summary) -> Summary:
    (peak, mass, sums), other = ([np.ascontiguousarray(part[0]) for part in summary] for summary in (first, second))
    joined = kernels.join_summaries((peak, mass, sums), (other[0], other[1], other[2]))
    return joined[0][None], joined[1][None], joined[2][None]


def attend_summary(q: Array, summary: Summary, heads: int) -> Array:
    _, mass, sums = summary
    mixing = sums[0] / mass[0][:, None]  # (d, e): key channel, value channel of its head
    e, parts = mixing.shape[1], []
    for head in range(heads):
        own = slice(head * e, head * e + e)
        weights = kernels.softmax(np.ascontiguousarray(q[0, own]))
        parts.append(kernels.conv1x1(weights, np.ascontiguousarray(mixing[own].T), None))
    return np.concatenate(parts)[None]
