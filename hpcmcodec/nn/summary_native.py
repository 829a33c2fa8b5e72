"""Summaries for linear attention on numpy arrays: sums over positions in the stated order (FORMAT.md section 11.7)."""

from __future__ import annotations

import numpy as np

from hpcmcodec import kernels

Array = np.ndarray
Summary = tuple[Array, Array, Array]
CHUNK = 64
"""Positions of a chunk, part of the format."""


def summarise(k: Array, v: Array, heads: int) -> Summary:
    d, count = k.shape[1], k.shape[2] * k.shape[3]
    e, chunks = d // heads, -(-count // CHUNK)
    keys, values = (_chunked(t, chunks) for t in (k, v))  # (CHUNK, chunks, d)
    present = [min(chunks, (count - j - 1) // CHUNK + 1) for j in range(min(CHUNK, count))]  # chunks with a position j
    peak = keys[0].copy()
    for j, number in enumerate(present):
        peak[:number] = np.maximum(peak[:number], keys[j, :number])
    mass = np.zeros((chunks, d), np.float32)
    sums = np.zeros((chunks, heads, e, e), np.float32)
    for j, number in enumerate(present):
        p = kernels.exp(keys[j, :number] - peak[:number])
        mass[:number] += p
        weight = np.broadcast_to(p.reshape(number, heads, e, 1), (number, heads, e, e))
        value = np.broadcast_to(values[j, :number].reshape(number, heads, 1, e), weight.shape)
        sums[:number] = kernels.fma(np.ascontiguousarray(weight), np.ascontiguousarray(value), sums[:number])
    total = (peak[None, 0], mass[None, 0], sums.reshape(chunks, 1, d, e)[0])
    for i in range(1, chunks):
        total = join_summaries(total, (peak[None, i], mass[None, i], sums.reshape(chunks, 1, d, e)[i]))
    positions = np.float32(count)
    return total[0], total[1] / positions, total[2] / positions


def _chunked(t: Array, chunks: int) -> Array:
    """(1, d, H, W) -> (CHUNK, chunks, d); what follows the last position is never read."""
    flat = t.reshape(t.shape[1], -1)
    padded = np.zeros((flat.shape[0], chunks * CHUNK), np.float32)
    padded[:, : flat.shape[1]] = flat
    return np.ascontiguousarray(padded.reshape(flat.shape[0], chunks, CHUNK).transpose(2, 1, 0))


def join_summaries(first: Summary, second: Summary) -> Summary:
    peak = np.maximum(first[0], second[0])
    a, b = kernels.exp(first[0] - peak), kernels.exp(second[0] - peak)
    mass = kernels.fma(a, np.ascontiguousarray(first[1]), b * second[1])
    wide = np.ascontiguousarray(np.broadcast_to(a[..., None], first[2].shape))
    return peak, mass, kernels.fma(wide, np.ascontiguousarray(first[2]), b[..., None] * second[2])


def attend_summary(q: Array, peak: Array, mass: Array, sums: Array, heads: int) -> Array:
    mixing = sums[0] / mass[0][:, None]  # (d, e): key channel, value channel of its head
    e, parts = mixing.shape[1], []
    for head in range(heads):
        own = slice(head * e, head * e + e)
        weights = kernels.softmax(np.ascontiguousarray(q[0, own]))
        parts.append(kernels.conv1x1(weights, np.ascontiguousarray(mixing[own].T), None))
    return np.concatenate(parts)[None]
