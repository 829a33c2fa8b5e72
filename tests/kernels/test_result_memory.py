"""Results own their memory: reuse of dropped blocks never reaches an array that is still alive."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from hpcmcodec import kernels


def test_live_results_are_never_overwritten() -> None:
    rng = np.random.default_rng(1)
    kept = []
    for i in range(200):
        x = rng.standard_normal((4, 64, 64 + i % 7), dtype=np.float32)
        result = kernels.leaky_relu(x, 0.5)
        if i % 3 == 0:
            kept.append((result, np.where(x > 0, x, x * np.float32(0.5))))
    for result, expected in kept:
        np.testing.assert_array_equal(result, expected)


def test_large_results_start_on_a_huge_page() -> None:
    for count in (2**20 - 1, 2**20, 3 * 2**20 + 5):
        result = kernels.leaky_relu(np.ones(count, np.float32), 0.5)
        assert result.ctypes.data % (2**21 if count >= 2**20 else 64) == 0
        assert (result == 1).all()


def test_views_keep_the_memory() -> None:
    x = np.ones((8, 128, 128), np.float32)
    view = kernels.scale_shift(x, np.full(8, 3, np.float32), np.zeros(8, np.float32))[2:, 5:]
    for _ in range(10):
        kernels.leaky_relu(-x, 0.5)
    assert (view == 3).all()


def test_many_threads() -> None:
    def work(seed: int) -> bool:
        x = np.full((4, 100, 100), np.float32(seed))
        return all(bool((kernels.leaky_relu(x, 0.5) == seed).all()) for _ in range(30))

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(work, range(1, 13)))
