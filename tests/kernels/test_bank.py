"""The memory bank's kernels: the definition to the bit, at every level and thread count, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hpcmcodec import kernels
from tests.levels import everywhere


def drawn(*shape: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def one(function: Any, *numbers: Any) -> np.float32:
    """A kernel of single numbers."""
    return function(*(np.array([x], np.float32) for x in numbers))[0]


def chain(a: np.ndarray, b: np.ndarray) -> np.float32:
    """Sum of products from +0, in order, with fma."""
    total = np.float32(0)
    for x, y in zip(a, b, strict=True):
        total = one(kernels.fma, x, y, total)
    return total


def recalled(
    q: np.ndarray, keys: list[np.ndarray], values: list[np.ndarray], topk: int, temperature: float
) -> np.ndarray:
    """FORMAT.md section 11.7 to the letter, for vectors of one position."""
    scores = [chain(q, key) for key in keys]
    order = sorted(range(len(keys)), key=lambda e: (-scores[e], e))[:topk]
    inverse = np.float32(1) / np.float32(temperature)
    p = [one(kernels.exp, (scores[e] - scores[order[0]]) * inverse) for e in order]
    total = p[0]
    for x in p[1:]:
        total = total + x
    weights = np.array([x / total for x in p])
    return np.array([chain(weights, np.array([values[e][c] for e in order])) for c in range(len(values[0]))])


@pytest.mark.parametrize("shape", [(1, 1), (5, 13), (8, 16), (3, 90)], ids=str)
def test_unit_vectors(shape: tuple[int, int]) -> None:
    x = drawn(7, *shape)
    x[:, 0, 0] = 0
    result = everywhere(lambda: kernels.unit(x))
    flat, found = x.reshape(7, -1), result.reshape(7, -1)
    for i in range(flat.shape[1]):
        length = np.sqrt(np.maximum(chain(flat[:, i], flat[:, i]), np.float32(1e-12)))
        assert found[:, i].tobytes() == (flat[:, i] / length).tobytes()
    assert not found[:, 0].any()


@pytest.mark.parametrize(("entries", "topk"), [(1, 2), (2, 2), (4, 2), (5, 3), (8, 8)])
@pytest.mark.parametrize("shared", [False, True])
def test_what_is_recalled(entries: int, topk: int, shared: bool) -> None:
    """Of all positions, with two entries that are equal where there are four or more."""
    grid = (1, 1) if shared else (3, 23)
    q = kernels.unit(drawn(6, *grid))
    keys = [kernels.unit(drawn(6, *grid, seed=2 + e)) for e in range(entries)]
    values = [drawn(3, 3, 23, seed=20 + e) for e in range(entries)]
    if entries > 3:
        keys[3] = keys[1]
    result = everywhere(lambda: kernels.recall(q, keys, values, topk, 0.3))
    for i, j in np.ndindex(3, 23):
        at = (slice(None), 0, 0) if shared else (slice(None), i, j)
        stated = recalled(q[at], [k[at] for k in keys], [v[:, i, j] for v in values], topk, 0.3)
        assert result[:, i, j].tobytes() == stated.tobytes()


@pytest.mark.parametrize("pixels", [1, 63, 64, 65, 1000])
@pytest.mark.parametrize(("channels", "heads"), [(4, 2), (33, 3), (64, 2)])
def test_summaries_are_the_same_everywhere(pixels: int, channels: int, heads: int) -> None:
    """And what the stated sums are in float64; tests/models/test_multiref.py holds their order."""
    k, v = 2 * drawn(channels, 1, pixels), drawn(channels, 1, pixels, seed=2)
    summary: Any = None

    def run() -> np.ndarray:
        nonlocal summary
        summary = kernels.summarise(k, v, heads)
        return np.concatenate([part.ravel() for part in summary])

    everywhere(run)
    keys, values = k.reshape(channels, -1).astype(float), v.reshape(heads, channels // heads, -1).astype(float)
    p = np.exp(keys - keys.max(1, keepdims=True))
    sums = p.reshape(heads, channels // heads, -1) @ values.transpose(0, 2, 1) / pixels
    assert np.array_equal(summary[0], k.reshape(channels, -1).max(1))
    np.testing.assert_allclose(summary[1], p.mean(1), rtol=1e-5)
    np.testing.assert_allclose(summary[2], sums.reshape(channels, -1), rtol=0, atol=1e-5)


def test_joining_is_summarising_both() -> None:
    k, v = drawn(8, 1, 128), drawn(8, 1, 128, seed=2)
    halves = [
        kernels.summarise(*(np.ascontiguousarray(t[:, :, half]) for t in (k, v)), 2)
        for half in (slice(64), slice(64, 128))
    ]
    joined = everywhere(lambda: np.concatenate([part.ravel() for part in kernels.join_summaries(*halves)]))
    whole = kernels.summarise(k, v, 2)
    np.testing.assert_allclose(joined[:8], whole[0], rtol=0, atol=0)
    np.testing.assert_allclose(joined[8:16] / 2, whole[1], rtol=1e-5)
    np.testing.assert_allclose(joined[16:] / 2, whole[2].ravel(), rtol=0, atol=1e-6)


def test_wrong_arguments_are_refused() -> None:
    x, other = drawn(4, 2, 3), drawn(4, 2, 2)
    for arguments in (
        (x, [], [], 2, 0.1),
        (x, [x] * 9, [x] * 9, 2, 0.1),
        (x, [x, x], [x], 2, 0.1),
        (x, [x, other], [x, x], 2, 0.1),
        (x, [x, x], [x, other], 2, 0.1),
        (other, [other], [x], 2, 0.1),
        (x, [x], [x], 0, 0.1),
        (x, [x], [x], 2, 0.0),
        (x, [x], [x], 2, float("nan")),
        (x, [x[:, ::-1]], [x], 2, 0.1),
    ):
        with pytest.raises(ValueError):
            kernels.recall(*arguments)
    for heads in (0, 3, -1):
        with pytest.raises(ValueError, match="heads"):
            kernels.summarise(x, x, heads)
    with pytest.raises(ValueError, match="heads"):
        kernels.summarise(drawn(65, 1, 2), drawn(65, 1, 2), 1)
    first = kernels.summarise(x, x, 2)
    with pytest.raises(ValueError, match="sums2"):
        kernels.join_summaries(first, (first[0], first[1], first[2][:, :1].copy()))
