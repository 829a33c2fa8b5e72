"""Convolutions against torch in float64, within what float32 sums allow; and a host that flushes subnormals."""

from __future__ import annotations

import numpy as np
import pytest

from hpcmcodec import kernels

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def random(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32)


def check(got: np.ndarray, function: str, x: np.ndarray, w: np.ndarray, b: np.ndarray, **options: int) -> None:
    arguments = [torch.from_numpy(v).double() for v in (x[None], w, b)]
    want = getattr(torch.nn.functional, function)(*arguments, **options)[0].numpy()
    scale = np.abs(w).sum() / min(w.shape[:2]) * np.abs(x).max()
    np.testing.assert_allclose(got, want, rtol=0, atol=scale * 2.0**-23)


@pytest.mark.parametrize(("c", "h", "w", "o"), [(1, 7, 9, 2), (96, 24, 32, 40), (13, 31, 5, 64)])
def test_convolutions(c, h, w, o):
    x, b = random(c, h, w), random(o)
    for k, stride, padding in [(1, 1, 0), (3, 1, 1), (5, 2, 2), (2, 2, 0)]:
        weights = random(o, c, k, k)
        got = kernels.conv2d(x, weights, b, stride, padding)
        check(got, "conv2d", x, weights, b, stride=stride, padding=padding)
    for k, stride, padding in [(2, 2, 0), (4, 2, 1), (5, 3, 2)]:
        weights = random(c, o, k, k)
        got = kernels.conv_transpose2d(x, weights, b, stride, padding)
        check(got, "conv_transpose2d", x, weights, b, stride=stride, padding=padding)


def test_depthwise():
    x, w, b = random(20, 17, 23), random(20, 3, 3), random(20)
    check(kernels.depthwise(x, w, b, 1), "conv2d", x, w[:, None], b, padding=1, groups=20)


def test_a_host_that_flushes_subnormals_changes_nothing():
    x, w = random(8, 9, 33) * np.float32(2.0**-130), random(8, 8, 3, 3)
    want = kernels.conv2d(x, w, None, 1, 1)
    assert (np.abs(want) < 2.0**-126).any() and want.any()
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor cannot flush subnormals")
    try:
        for threads in (1, 3):
            kernels.set_threads(threads)
            assert kernels.conv2d(x, w, None, 1, 1).tobytes() == want.tobytes()
    finally:
        torch.set_flush_denormal(False)
