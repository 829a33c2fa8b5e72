"""Convolutions: the bits of the oracle at every level and thread count, on awkward shapes and values."""

from __future__ import annotations

import numpy as np
import oracle
import pytest

from hpcmcodec import kernels

SMALL = [(1, 1, 1, 1), (3, 1, 5, 7), (5, 7, 1, 3), (7, 3, 5, 5), (2, 4, 17, 13)]  # C, H, W, O


def values(seed: int, *shape: int) -> np.ndarray:
    """Random floats of mixed size, with zeros of both signs, subnormals and cancelling pairs among them."""
    rng = np.random.default_rng(seed)
    x = (rng.standard_normal(shape) * np.exp2(rng.integers(-4, 4, shape))).astype(np.float32)
    kind = rng.random(shape)
    x[kind < 0.1] = 0.0
    x[kind < 0.05] = -0.0
    x[(kind > 0.9) & (kind < 0.95)] *= np.float32(2.0**-140)
    return x


@pytest.mark.parametrize(("c", "h", "w", "o"), SMALL)
@pytest.mark.parametrize("bias", [False, True])
def test_conv1x1(everywhere, c, h, w, o, bias):
    x, weights = values(1, c, h, w), values(2, o, c)
    b = values(3, o) if bias else None
    got = everywhere(lambda: kernels.conv1x1(x, weights, b))
    assert got.tobytes() == oracle.conv2d(x, weights[:, :, None, None], b, 1, 0).tobytes()


@pytest.mark.parametrize("c", [1, 255, 256, 257, 513])
def test_conv1x1_slices_of_long_sums(everywhere, c):
    x, weights, b = values(1, c, 2, 19), values(2, 3, c), values(3, 3)
    got = everywhere(lambda: kernels.conv1x1(x, weights, b))
    assert got.tobytes() == oracle.conv2d(x, weights[:, :, None, None], b, 1, 0).tobytes()


@pytest.mark.parametrize("width", [7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65])
@pytest.mark.parametrize("o", [1, 5, 6, 7, 11, 12, 13, 25])
def test_widths_around_the_vector_and_tile(everywhere, width, o):
    x, w = values(1, 3, 1, width), values(2, o, 3, 3, 3)
    got = everywhere(lambda: kernels.conv2d(x, w, None, 1, 1))
    pick = sorted({0, width // 2, width - 1})
    assert got[:, :, pick].tobytes() == oracle.conv2d(x, w, None, 1, 1)[:, :, pick].tobytes()


@pytest.mark.parametrize(("c", "h", "w", "o"), SMALL)
@pytest.mark.parametrize(("k", "stride", "padding"), [(3, 1, 1), (2, 2, 0), (4, 2, 1), (5, 2, 2), (3, 3, 1), (5, 1, 2)])
def test_conv2d(everywhere, c, h, w, o, k, stride, padding):
    if min(h, w) + 2 * padding < k:
        pytest.skip("the kernel does not fit")
    x, weights, b = values(1, c, h, w), values(2, o, c, k, k), values(3, o)
    got = everywhere(lambda: kernels.conv2d(x, weights, b, stride, padding))
    assert got.tobytes() == oracle.conv2d(x, weights, b, stride, padding).tobytes()


@pytest.mark.parametrize("shape", [(3, 1), (1, 3), (5, 2)])
def test_conv2d_oblong_kernel(everywhere, shape):
    x, w = values(1, 2, 9, 11), values(2, 3, 2, *shape)
    got = everywhere(lambda: kernels.conv2d(x, w, None, 1, 0))
    assert got.tobytes() == oracle.conv2d(x, w, None, 1, 0).tobytes()


@pytest.mark.parametrize(("c", "h", "w", "o"), SMALL)
@pytest.mark.parametrize(("k", "stride", "padding"), [(2, 2, 0), (4, 2, 1), (3, 2, 1), (1, 2, 0), (3, 1, 1), (5, 3, 2)])
def test_conv_transpose2d(everywhere, c, h, w, o, k, stride, padding):
    if (min(h, w) - 1) * stride - 2 * padding + k < 1:
        pytest.skip("the result is empty")
    x, weights, b = values(1, c, h, w), values(2, c, o, k, k), values(3, o)
    got = everywhere(lambda: kernels.conv_transpose2d(x, weights, b, stride, padding))
    assert got.tobytes() == oracle.conv_transpose2d(x, weights, b, stride, padding).tobytes()


@pytest.mark.parametrize(("c", "h", "w"), [(1, 1, 1), (3, 5, 7), (17, 2, 9), (5, 19, 3), (1, 3, 33)])
@pytest.mark.parametrize(("k", "padding"), [(3, 1), (1, 0), (5, 2)])
def test_depthwise(everywhere, c, h, w, k, padding):
    x, weights, b = values(1, c, h, w), values(2, c, k, k), values(3, c)
    got = everywhere(lambda: kernels.depthwise(x, weights, b, padding))
    assert got.tobytes() == oracle.depthwise(x, weights, b, padding).tobytes()


def residual_weights(n: int, hidden: int) -> tuple[np.ndarray, ...]:
    return values(3, hidden, n), values(4, hidden), values(5, n, hidden), values(6, n)


@pytest.mark.parametrize(("n", "n1", "m", "h", "w"), [(1, 1, 1, 1, 1), (5, 2, 7, 3, 5), (8, 8, 16, 2, 17)])
def test_pconv_rb(everywhere, n, n1, m, h, w):
    x, sw, sb = values(1, n, h, w), values(2, n1, n1, 3, 3), values(7, n1)
    rest = residual_weights(n, m)
    got = everywhere(lambda: kernels.pconv_rb(x, sw, sb, *rest))
    spatial = np.concatenate((oracle.conv2d(x[:n1], sw, sb, 1, 1), x[n1:]))
    assert got.tobytes() == oracle.residual(x, spatial, *rest).tobytes()


@pytest.mark.parametrize(("n", "m", "h", "w"), [(1, 1, 1, 1), (5, 7, 3, 5), (18, 3, 2, 17), (7, 14, 9, 2)])
def test_dwconv_rb(everywhere, n, m, h, w):
    x, sw, sb = values(1, n, h, w), values(2, n, 3, 3), values(7, n)
    rest = residual_weights(n, m)
    got = everywhere(lambda: kernels.dwconv_rb(x, sw, sb, *rest))
    assert got.tobytes() == oracle.residual(x, oracle.depthwise(x, sw, sb, 1), *rest).tobytes()


@pytest.mark.parametrize("kind", ["pconv", "dwconv"])
def test_fused_blocks_equal_their_parts_on_larger_maps(everywhere, kind):
    n, m, h, w = 40, 300, 23, 37
    x = values(1, n, h, w)
    ew, eb, rw, rb = residual_weights(n, m)
    if kind == "pconv":
        sw, sb = values(2, 31, 31, 3, 3), values(7, 31)
        got = everywhere(lambda: kernels.pconv_rb(x, sw, sb, ew, eb, rw, rb))
        spatial = np.concatenate((kernels.conv2d(np.ascontiguousarray(x[:31]), sw, sb, 1, 1), x[31:]))
    else:
        sw, sb = values(2, n, 3, 3), values(7, n)
        got = everywhere(lambda: kernels.dwconv_rb(x, sw, sb, ew, eb, rw, rb))
        spatial = kernels.depthwise(x, sw, sb, 1)
    hidden = kernels.leaky_relu(kernels.conv1x1(spatial, ew, eb))
    assert got.tobytes() == kernels.add(x, kernels.conv1x1(hidden, rw, rb)).tobytes()


def test_results_are_never_negative_zero():
    x = np.full((1, 2, 2), -0.0, np.float32)
    one, bias = np.ones((1, 1, 3, 3), np.float32), np.array([-0.0], np.float32)
    for out in (
        kernels.conv1x1(x, one[:, :, 0, 0].copy(), bias),
        kernels.conv2d(x, one, bias, 1, 1),
        kernels.conv_transpose2d(x, one, bias, 2, 1),
        kernels.depthwise(x, one[0], bias, 1),
    ):
        assert not np.signbit(out).any()


def _f32(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


REST = (_f32(4, 2), _f32(4), _f32(2, 4), _f32(2))  # the 1x1 weights of a residual block of 2 channels


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: kernels.conv1x1(_f32(2, 3, 3).astype(np.float64), _f32(4, 2), None), "x"),
        (lambda: kernels.conv1x1(_f32(3, 3), _f32(4, 2), None), "x"),
        (lambda: kernels.conv1x1(_f32(0, 3, 3), _f32(4, 0), None), "x"),
        (lambda: kernels.conv1x1(_f32(3, 3, 2).T, _f32(4, 2), None), "x"),
        (lambda: kernels.conv1x1([[[1.0]]], _f32(1, 1), None), "x"),
        (lambda: kernels.conv1x1(_f32(2, 3, 3), _f32(4, 3), None), "w"),
        (lambda: kernels.conv1x1(_f32(2, 3, 3), _f32(4, 2), _f32(3)), "b"),
        (lambda: kernels.conv1x1(_f32(2, 3, 3).astype(">f4"), _f32(4, 2), None), "x"),
        (lambda: kernels.conv2d(_f32(2, 3, 3), _f32(4, 2, 3, 3), None, 0, 1), "stride"),
        (lambda: kernels.conv2d(_f32(2, 3, 3), _f32(4, 2, 3, 3), None, 1, 3), "padding"),
        (lambda: kernels.conv2d(_f32(2, 3, 3), _f32(4, 2, 3, 3), None, 1, -1), "padding"),
        (lambda: kernels.conv2d(_f32(2, 2, 2), _f32(4, 2, 3, 3), None, 1, 0), "kernel"),
        (lambda: kernels.conv2d(_f32(2, 2, 2), _f32(4, 2, 300, 1), None, 1, 0), "w"),
        (lambda: kernels.conv_transpose2d(_f32(2, 1, 1), _f32(2, 4, 2, 2), None, 1, 1), "kernel"),
        (lambda: kernels.conv_transpose2d(_f32(2, 1, 1), _f32(3, 4, 2, 2), None, 2, 0), "w"),
        (lambda: kernels.depthwise(_f32(2, 3, 3), _f32(3, 3, 3), None, 1), "w"),
        (lambda: kernels.pconv_rb(_f32(2, 3, 3), _f32(3, 3, 3, 3), _f32(3), *REST), "sw"),
        (lambda: kernels.pconv_rb(_f32(2, 3, 3), _f32(1, 1, 3, 3), None, *REST), "sb"),
        (lambda: kernels.dwconv_rb(_f32(2, 3, 3), _f32(2, 3, 3), _f32(2), *REST[:2], _f32(2, 3), _f32(2)), "rw"),
    ],
)
def test_bad_arguments_are_refused_by_name(call, named):
    with pytest.raises(ValueError, match=rf"\b{named}\b"):
        call()


def test_misaligned_memory_is_refused():
    raw = np.zeros(4 * 9 + 1, np.uint8)[1:].view(np.float32).reshape(1, 3, 3)
    with pytest.raises(ValueError, match="aligned"):
        kernels.conv1x1(raw, _f32(1, 1), None)
