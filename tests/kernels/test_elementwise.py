"""fma against exact rational arithmetic; elementwise and pixel operations against numpy and plain loops."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import oracle
import pytest

from hpcmcodec import kernels

F = np.float32
LARGEST = Fraction(float(np.finfo(F).max))


def nearest_even(exact: Fraction) -> float:
    """The float32 nearest to an exact value, ties to even; subnormals kept."""
    if exact == 0:
        return 0.0
    size = abs(exact)
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    if Fraction(2) ** exponent > size:
        exponent -= 1
    step = Fraction(2) ** (max(exponent, -126) - 23)
    rounded = round(size / step) * step  # Python rounds a Fraction half to even
    value = float(rounded) if rounded <= LARGEST else float("inf")
    return value if exact > 0 else -value


def hard_triples(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Random bit patterns, cancellation, ties a little off, and subnormal results."""
    rng = np.random.default_rng(5)
    a, b, c = (rng.integers(0, 1 << 32, count, dtype=np.uint32).view(F) for _ in range(3))
    near = slice(0, count // 2)
    a[near] = (1 + rng.random(count // 2) * 0.01).astype(F)
    b[near] = (1 + rng.random(count // 2) * 0.01).astype(F)
    c[near] = -(a[near] * b[near]) * np.exp2(rng.integers(-30, 3, count // 2)).astype(F)
    tiny = slice(count // 2, 3 * count // 4)
    a[tiny] = (rng.standard_normal(count // 4) * 2.0**-70).astype(F)
    b[tiny] = (rng.standard_normal(count // 4) * 2.0**-70).astype(F)
    c[tiny] = (rng.standard_normal(count // 4) * 2.0**-142).astype(F)
    tie = slice(0, count // 8)  # the product reaches half a unit in the last place of c, nearly or exactly
    a[tie] = np.exp2(-24).astype(F) * (1 + rng.integers(-1, 2, count // 8) * F(2.0**-23)).astype(F)
    b[tie] = rng.choice([1, 1 - 2.0**-24, 1 + 2.0**-23], count // 8).astype(F)
    c[tie] = (1 + rng.integers(0, 1 << 22, count // 8) * 2.0**-22).astype(F)
    return a, b, c


@pytest.mark.filterwarnings("ignore:overflow")
def test_fma_is_exact_arithmetic_rounded_once(everywhere):
    a, b, c = hard_triples(8000)
    got = everywhere(lambda: np.nan_to_num(kernels.fma(a, b, c), nan=7.0, posinf=np.inf, neginf=-np.inf))
    finite = np.isfinite(a) & np.isfinite(b) & np.isfinite(c)
    assert finite.sum() > 7000
    for x, y, z, r in zip(a[finite], b[finite], c[finite], got[finite], strict=True):
        assert r == nearest_even(Fraction(float(x)) * Fraction(float(y)) + Fraction(float(z))), (x, y, z)


def test_fma_zeros_and_infinities(everywhere):
    inf = np.inf
    a = np.array([0.0, -0.0, -0.0, 1.0, -1.0, inf, 1e38, -1e38], F)
    b = np.array([1.0, 1.0, 1.0, 0.0, 0.0, 2.0, 10.0, 10.0], F)
    c = np.array([-0.0, 0.0, -0.0, -0.0, -0.0, 1.0, 0.0, 0.0], F)
    want = np.array([0.0, 0.0, -0.0, 0.0, -0.0, inf, inf, -inf], F)
    assert everywhere(lambda: kernels.fma(a, b, c)).tobytes() == want.tobytes()


@pytest.mark.parametrize("count", [0, 1, 3, 7, 8, 9, 15, 16, 17, 70001])
def test_elementwise(everywhere, count):
    rng = np.random.default_rng(count)
    x, y = rng.standard_normal((2, count)).astype(F) * F(2.0**-120)
    if count:
        x[0] = -0.0
    assert everywhere(lambda: kernels.leaky_relu(x, 0.25)).tobytes() == oracle.leaky_relu(x, 0.25).tobytes()
    assert everywhere(lambda: kernels.add(x, y)).tobytes() == (x + y).tobytes()


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 5, 7), (33, 2, 8), (2, 190, 191)])
def test_per_channel(everywhere, shape):
    rng = np.random.default_rng(1)
    x = rng.standard_normal(shape).astype(F)
    scale, shift = rng.standard_normal((2, shape[0])).astype(F)
    want = oracle.fma(x, scale[:, None, None], shift[:, None, None])
    assert everywhere(lambda: kernels.scale_shift(x, scale, shift)).tobytes() == want.tobytes()
    assert everywhere(lambda: kernels.multiply_channels(x, scale)).tobytes() == (x * scale[:, None, None]).tobytes()


@pytest.mark.parametrize(("count", "channels"), [(1, 1), (5, 7), (9, 320), (2, 40000)])
def test_blend_rows(everywhere, count, channels):
    rng = np.random.default_rng(1)
    weights, rows = rng.standard_normal(count).astype(F), rng.standard_normal((count, channels)).astype(F)
    want = np.zeros(channels, F)
    for weight, row in zip(weights, rows, strict=True):
        want = oracle.fma(weight, row, want)
    assert everywhere(lambda: kernels.blend_rows(weights, rows)).tobytes() == want.tobytes()


@pytest.mark.parametrize(
    ("channels", "height", "width", "r"), [(1, 1, 1, 1), (3, 2, 5, 2), (2, 3, 7, 4), (1, 2, 2, 16)]
)
def test_pixel_shuffle_and_back(everywhere, channels, height, width, r):
    x = np.arange(channels * r * r * height * width, dtype=F).reshape(-1, height, width)
    want = x.reshape(channels, r, r, height, width).transpose(0, 3, 1, 4, 2).reshape(channels, height * r, width * r)
    got = everywhere(lambda: kernels.pixel_shuffle(x, r))
    assert np.array_equal(got, want)
    assert np.array_equal(everywhere(lambda: kernels.pixel_unshuffle(got, r)), x)


@pytest.mark.parametrize("heights", [(3,), (1, 2), (5, 0, 300)])
def test_join_rows_of_slices(everywhere, heights):
    rng = np.random.default_rng(1)
    wholes = [rng.standard_normal((5, height + 2, 140)).astype(F) for height in heights]
    parts = [whole[1:4, 2:, 7:137] for whole in wholes]
    assert np.array_equal(everywhere(lambda: kernels.join_rows(parts)), np.concatenate(parts, 1))
    backwards = wholes[0][::-1, 1::-1]
    assert np.array_equal(everywhere(lambda: kernels.join_rows([backwards])), backwards)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 5, 7), (3, 190, 191)])
def test_round_pixels(everywhere, shape):
    x = np.random.default_rng(1).uniform(-0.3, 1.3, shape).astype(F)
    x.flat[: min(x.size, 512)] = (np.arange(min(x.size, 512), dtype=F) / 2) / F(255)  # halves between levels
    x.flat[0] = -0.0
    want = np.rint(np.clip(x, F(0), F(1)) * F(255)).astype(np.uint8).transpose(1, 2, 0)
    assert np.array_equal(everywhere(lambda: kernels.round_pixels(x)), want)
    assert everywhere(lambda: kernels.round_pixels(np.full((1, 1, 4), np.nan, F))).tobytes() == bytes(4)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (16, 48), (48, 16), (64, 80)])
def test_lapped_filter(everywhere, height, width):
    rng = np.random.default_rng(1)
    x, p = rng.standard_normal((3, height, width)).astype(F), rng.standard_normal((16, 16)).astype(F)
    assert everywhere(lambda: kernels.lapped_filter(x, p)).tobytes() == oracle.lapped_filter(x, p).tobytes()


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: kernels.add(np.ones(3, F), np.ones(4, F)), "b"),
        (lambda: kernels.fma(np.ones(3, F), np.ones(3, F), np.ones((3, 1), F)), "c"),
        (lambda: kernels.scale_shift(np.ones((2, 1, 1), F), np.ones(2, F), np.ones(3, F)), "shift"),
        (lambda: kernels.multiply_channels(np.ones((2, 1, 1), F), np.ones(1, F)), "scale"),
        (lambda: kernels.blend_rows(np.ones(2, F), np.ones((3, 4), F)), "weights"),
        (lambda: kernels.pixel_shuffle(np.ones((3, 2, 2), F), 2), "x"),
        (lambda: kernels.pixel_unshuffle(np.ones((3, 2, 3), F), 2), "x"),
        (lambda: kernels.pixel_shuffle(np.ones((3, 2, 2), F), 0), "r"),
        (lambda: kernels.join_rows([]), "parts"),
        (lambda: kernels.join_rows([np.ones((2, 3, 4), F), np.ones((2, 3, 5), F)]), "parts"),
        (lambda: kernels.join_rows([np.ones((2, 3, 4), F), np.ones((1, 3, 4), F)]), "parts"),
        (lambda: kernels.join_rows([np.ones((2, 3, 4))]), "parts"),
        (lambda: kernels.join_rows([np.ones((2, 4, 3), F).transpose(0, 2, 1)]), "parts"),
        (lambda: kernels.join_rows([np.ones((3, 4), F)]), "parts"),
        (lambda: kernels.round_pixels(np.ones((3, 4), F)), "x"),
        (lambda: kernels.lapped_filter(np.ones((3, 16, 24), F), np.ones((16, 16), F)), "x"),
        (lambda: kernels.lapped_filter(np.ones((3, 16, 16), F), np.ones((8, 16), F)), "p"),
    ],
)
def test_bad_arguments_are_refused_by_name(call, named):
    with pytest.raises(ValueError, match=rf"\b{named}\b"):
        call()
