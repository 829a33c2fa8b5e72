"""Bidirectional WKV: the recorded bits at every level and thread count, the definition, and what must not matter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hpcmcodec import kernels
from tests.levels import everywhere

VECTORS = np.load(Path(__file__).parents[1] / "data/kernels/wkv.npz")
"""Per case w, u [C], k, v [B, T, C], the recorded result y32, and y, the quadratic definition in float64 (rounded)."""
CASES = [str(name) for name in VECTORS["cases"]]


def case(name: str) -> list[np.ndarray]:
    return [VECTORS[f"{name}.{part}"] for part in "wukv"]


def drawn(batch: int, tokens: int, channels: int, seed: int = 1) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    shape = (batch, tokens, channels)
    arrays = (
        rng.uniform(0, 0.3, channels),
        rng.normal(size=channels),
        2 * rng.normal(size=shape),
        rng.normal(size=shape),
    )
    return [array.astype(np.float32) for array in arrays]


def definition(w: np.ndarray, u: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Every pair of tokens, in float64."""
    w, u, k, v = (array.astype(np.float64) for array in (w, u, k, v))
    t = np.arange(k.shape[1])
    distance = np.abs(t[:, None] - t)[:, :, None]
    e = np.where(distance == 0, u + k[:, None], k[:, None] - w * (distance - 1))
    p = np.exp(e - e.max(axis=2, keepdims=True))
    return (p * v[:, None]).sum(axis=2) / p.sum(axis=2)


@pytest.mark.parametrize("name", CASES)
def test_recorded_bits(name: str) -> None:
    result = everywhere(lambda: kernels.wkv(*case(name)))
    assert result.tobytes() == VECTORS[f"{name}.y32"].tobytes()
    tolerance = 2e-3 if name == "kshift" else 2e-6  # keys around -5000 have lost their last digits before the call
    np.testing.assert_allclose(result, VECTORS[f"{name}.y"], rtol=0, atol=tolerance)


@pytest.mark.parametrize("tokens", [1, 2, 63, 64, 65, 200])
@pytest.mark.parametrize(("batch", "channels"), [(1, 1), (1, 3), (1, 17), (7, 5)])
def test_any_size(tokens: int, batch: int, channels: int) -> None:
    arrays = drawn(batch, tokens, channels)
    result = everywhere(lambda: kernels.wkv(*arrays))
    np.testing.assert_allclose(result, definition(*arrays), rtol=0, atol=3e-6)
    alone = kernels.wkv(*(np.ascontiguousarray(array[..., -1:]) for array in arrays))
    assert alone.tobytes() == np.ascontiguousarray(result[..., -1:]).tobytes()  # channels do not meet


def test_long_sequences_stay_accurate() -> None:
    w, u, k, v = drawn(1, 1500, 1)
    ours, exact = kernels.wkv(w / 64, u, k, v), definition(w / 64, u, k, v)
    assert np.abs(ours - exact).max() < 1e-5


def test_special_decays_and_bonuses() -> None:
    w, u, k, v = drawn(1, 90, 5)
    zero, far = np.zeros_like(w), np.full_like(u, 500)
    weights = np.exp(k.astype(np.float64))
    average = (weights * v).sum(axis=1) / weights.sum(axis=1)
    np.testing.assert_allclose(kernels.wkv(zero, zero, k, v)[0], np.repeat(average, 90, 0), rtol=0, atol=1e-6)
    assert (kernels.wkv(w, far, k, v) == v).all()
    constant = np.full_like(v, 0.7)
    np.testing.assert_allclose(kernels.wkv(w, u, k, constant), constant, rtol=16 * 2.0**-23)
    changed = v.copy()
    changed[:, 40] += 1
    without = kernels.wkv(w, -far, k, v)[:, 40]
    np.testing.assert_allclose(kernels.wkv(w, -far, k, changed)[:, 40], without, rtol=0, atol=1e-6)


def raster(x: np.ndarray) -> np.ndarray:
    """(C, h, w) -> (1, h w, C)."""
    return np.ascontiguousarray(x.reshape(x.shape[0], -1).T[None])


@pytest.mark.parametrize(("rows", "columns"), [(4, 4), (16, 16), (1, 100), (100, 1), (5, 3)])
def test_windows_are_sequences(rows: int, columns: int) -> None:
    rng = np.random.default_rng(2)
    k, v = rng.normal(size=(2, 11, 21, 35)).astype(np.float32)
    w, u = drawn(1, 1, 11)[:2]
    result = everywhere(lambda: kernels.wkv_windows(w, u, k, v, rows, columns))
    for top in range(0, 21, rows):
        for left in range(0, 35, columns):
            part = np.s_[:, top : top + rows, left : left + columns]
            expected = kernels.wkv(w, u, raster(k[part]), raster(v[part]))
            assert raster(result[part]).tobytes() == expected.tobytes()


def test_a_crop_sees_what_the_large_map_sees() -> None:
    rng = np.random.default_rng(3)
    k, v = rng.normal(size=(2, 6, 64, 48)).astype(np.float32)
    w, u = drawn(1, 1, 6)[:2]
    whole = kernels.wkv_windows(w, u, k, v, 16, 16)
    crop = np.s_[:, 32:64, 16:48]
    k_crop, v_crop = np.ascontiguousarray(k[crop]), np.ascontiguousarray(v[crop])
    assert (kernels.wkv_windows(w, u, k_crop, v_crop, 16, 16) == whole[crop]).all()


def test_memory_around_the_arrays_is_not_read() -> None:
    w, u, k, v = drawn(1, 100, 13)
    expected = kernels.wkv(w, u, k, v)

    def guarded(array: np.ndarray) -> np.ndarray:
        memory = np.full(array.size + 128, np.nan, np.float32)
        inside = memory[64 : 64 + array.size].reshape(array.shape)
        inside[...] = array
        return inside

    arrays = [guarded(array) for array in (w, u, k, v)]
    assert everywhere(lambda: kernels.wkv(*arrays)).tobytes() == expected.tobytes()


def test_a_host_that_flushes_subnormals_changes_nothing() -> None:
    torch = pytest.importorskip("torch")
    w, u, k, v = drawn(1, 70, 9)
    v *= np.float32(1e-41)
    before = kernels.wkv(w, u, k, v)
    assert before.any()
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor cannot flush subnormals")
    try:
        after = everywhere(lambda: kernels.wkv(w, u, k, v))
    finally:
        torch.set_flush_denormal(False)
    assert after.tobytes() == before.tobytes()


def test_wrong_arguments() -> None:
    w, u, k, v = drawn(1, 5, 3)
    for arrays in ((w[:2], u, k, v), (w, u, k, v[:, :4]), (w, u, k[0], v[0]), (w.astype(np.float64), u, k, v)):
        with pytest.raises(ValueError, match="must be"):
            kernels.wkv(*arrays)
    with pytest.raises(ValueError, match="positive"):
        kernels.wkv_windows(w, u, np.zeros((3, 4, 4), np.float32), np.zeros((3, 4, 4), np.float32), 0, 4)
