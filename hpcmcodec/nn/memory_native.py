"""Operations of the memory bank on numpy arrays: normative arithmetic (FORMAT.md section 9), composed of kernels.

Every sum is a chain of `kernels.fma`, one call for each term and for all positions at once. Work is cut into runs of
positions, which bounds memory and changes no bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from hpcmcodec import kernels

Array = np.ndarray
_POSITIONS = 4096
_CHUNK = 64
"""Positions that are added at a time, part of the format."""
_FLOOR = np.float32(1e-12)


def _runs(count: int) -> Iterator[slice]:
    return (slice(start, min(start + _POSITIONS, count)) for start in range(0, count, _POSITIONS))


def _dot(a: Array, b: Array) -> Array:
    """Sum over the second-last axis of a * b (..., C, P), from +0 with fma in order."""
    total = np.zeros_like(b[..., 0, :])
    for c in range(b.shape[-2]):
        total = kernels.fma(_like(a[..., c, :], total), np.ascontiguousarray(b[..., c, :]), total)
    return total


def _like(a: Array, b: Array) -> Array:
    return np.ascontiguousarray(np.broadcast_to(a, b.shape))


def unit(x: Array) -> Array:
    flat = x.reshape(*x.shape[:2], -1)
    norm = kernels.sqrt(np.maximum(_dot(flat, flat), _FLOOR))
    return (flat / norm[:, None]).reshape(x.shape)


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
    n, width, h, w = values[0].shape
    q, *keys = (np.broadcast_to(t, (*t.shape[:2], h, w)) for t in (q, *keys))
    inverse = np.float32(1) / np.float32(temperature)
    flat_q = q.reshape(*q.shape[:2], -1)
    flat_keys, flat_values = ([t.reshape(n, t.shape[1], -1) for t in side] for side in (keys, values))
    out = np.empty((n, width, h * w), np.float32)
    for run in _runs(h * w):
        scores = _dot(flat_q[:, None, :, run], np.stack([k[..., run] for k in flat_keys], 1))  # (N, R, P)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :topk]  # equal scores: the lower slot first
        best = np.take_along_axis(scores, order, 1)
        weights = kernels.exp((best - best[:, :1]) * inverse)
        total = weights[:, 0]
        for r in range(1, weights.shape[1]):
            total = total + weights[:, r]
        weights = weights / total[:, None]
        held = np.stack([v[..., run] for v in flat_values], 1)  # (N, R, Dv, P)
        mixed = np.zeros((n, width, scores.shape[2]), np.float32)
        for r in range(weights.shape[1]):
            chosen = np.take_along_axis(held, order[:, r, None, None], 1)[:, 0]
            mixed = kernels.fma(_like(weights[:, r, None], mixed), chosen, mixed)
        out[..., run] = mixed
    return out.reshape(n, width, h, w)


def add_scaled(h: Array, gamma: Array, x: Array) -> Array:
    return kernels.fma(_like(gamma[None, :, None, None], h), np.ascontiguousarray(x), np.ascontiguousarray(h))


def double(x: Array) -> Array:
    return np.ascontiguousarray(x.repeat(2, 2).repeat(2, 3))
