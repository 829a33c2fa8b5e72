"""Functions, normalisations, attention, scale index, Haar: equal to the format's text at every level, and accurate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import formulas
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpcmcodec import kernels
from tests.levels import everywhere

DATA = Path(__file__).parents[1] / "data/kernels"
SPECIAL = np.array(
    [
        *(0, -0.0, 1e-45, -1e-45, 1e-38, 1, -1, 0.625, -0.625, np.inf, -np.inf, np.nan, 3.4e38, -3.4e38),
        *(88, 88.5, -86, -86.00001, -87, 0.70710677, 0.7071068, 1.4142135, 1.4142137, 2.0**100, 2.0**101),
    ],
    np.float32,
)


def samples(kind: str, count: int = 20_003) -> np.ndarray:
    rng = np.random.default_rng(3)
    wide = np.exp(rng.uniform(-90, 89, count)) * rng.choice([-1, 1], count)
    near = rng.normal(size=count) * 4
    ranges = {"wide": wide, "near": near, "unit": rng.uniform(0.5, 2, count), "exponents": rng.uniform(-90, 90, count)}
    return ranges[kind].astype(np.float32)


@pytest.mark.parametrize("name", ["exp", "sigmoid", "tanh", "log", "log1p"])
@pytest.mark.parametrize("kind", ["wide", "near", "unit", "exponents", "special"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_function_is_its_formula(name: str, kind: str) -> None:
    x = SPECIAL if kind == "special" else samples(kind)
    result = everywhere(lambda: getattr(kernels, name)(x))
    assert result.tobytes() == getattr(formulas, name)(x).astype(np.float32).tobytes()
    assert np.isfinite(result).all()


@pytest.mark.parametrize(
    ("name", "low", "high", "ulps"),
    [
        ("exp", -86, 0, 0.99),
        ("exp", 0, 88, 1.01),
        ("log", 1e-37, 1e38, 0.9),
        ("log", 0.5, 2, 0.9),
        ("log1p", 1e-30, 1e30, 1.5),
        ("log1p", 0, 4, 1.5),
        ("tanh", -0.7, 0.7, 1.7),
        ("tanh", -10, 10, 1.7),
        ("sqrt", 1e-30, 1e30, 0.5),
    ],
)
def test_accuracy(name: str, low: float, high: float, ulps: float) -> None:
    rng = np.random.default_rng(1)
    geometric = low > 0 and high > 1e6
    x = np.exp(rng.uniform(np.log(low), np.log(high), 300_000)) if geometric else rng.uniform(low, high, 300_000)
    x = x.astype(np.float32)
    exact = getattr(np, name)(x.astype(np.float64))
    unit = np.spacing(np.abs(exact).astype(np.float32)).astype(np.float64)
    assert (np.abs(getattr(kernels, name)(x) - exact) / unit).max() <= ulps


def test_sigmoid_accuracy() -> None:
    x = np.linspace(-80, 30, 300_000, dtype=np.float32)
    exact = 1 / (1 + np.exp(-x.astype(np.float64)))
    assert (np.abs(kernels.sigmoid(x) - exact) / np.spacing(exact.astype(np.float32))).max() < 2.5


def test_golden_exponentials() -> None:
    golden = np.load(DATA / "nexp.npz")
    assert everywhere(lambda: kernels.exp(golden["exp_x"])).tobytes() == golden["exp_y"].tobytes()
    assert everywhere(lambda: kernels.sigmoid(golden["sigmoid_x"])).tobytes() == golden["sigmoid_y"].tobytes()


@pytest.mark.torch
def test_subnormals_survive_in_a_host_that_flushes_them() -> None:
    torch = pytest.importorskip("torch")
    x = np.geomspace(1e-45, 1e-36, 999, dtype=np.float32)
    expected = everywhere(lambda: kernels.log1p(x)), everywhere(lambda: kernels.tanh(x))
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor cannot flush subnormals")
    try:
        found = everywhere(lambda: kernels.log1p(x)), everywhere(lambda: kernels.tanh(x))
    finally:
        torch.set_flush_denormal(False)
    assert [a.tobytes() for a in found] == [a.tobytes() for a in expected]
    assert (expected[0] > 0).all()


def test_square_root() -> None:
    x = np.array([4, 2, 0, -0.0, -1, np.nan, 1e-45], np.float32)
    expected = np.array([2, np.sqrt(np.float32(2)), 0, 0, 0, 0, np.sqrt(np.float32(1e-45))], np.float32)
    assert everywhere(lambda: kernels.sqrt(x)).tobytes() == expected.tobytes()


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.integers(1, 9), st.integers(1, 41), st.integers(0, 99))
def test_log_features_of_any_shape(channels: int, height: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    v = (rng.normal(size=(channels, height, width)) * 10 ** rng.uniform(-3, 3)).astype(np.float32)
    v[rng.random(v.shape) < 0.2] = 0
    s0 = np.exp(rng.normal(size=channels)).astype(np.float32)
    m = formulas.log1p(np.abs(v) / s0[:, None, None])
    expected = np.concatenate((np.where(v > 0, m, np.where(v < 0, -m, np.float32(0))), m))
    assert everywhere(lambda: kernels.signed_log_feature(v, s0)).tobytes() == expected.tobytes()


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 5, 7), (65, 9, 17)])
def test_softmax(shape: tuple[int, ...]) -> None:
    x = (np.random.default_rng(2).normal(size=shape) * 9).astype(np.float32)
    result = everywhere(lambda: kernels.softmax(x))
    assert result.tobytes() == formulas.softmax(x).tobytes()
    assert result.sum(axis=0) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 5, 7), (67, 9, 17)])
def test_layer_norm(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(4)
    x = (rng.normal(size=shape) * 3 + 1).astype(np.float32)
    weight, bias = rng.normal(size=(2, shape[0])).astype(np.float32)
    result = everywhere(lambda: kernels.layer_norm(x, weight, bias, 1e-5))
    assert result.tobytes() == formulas.layer_norm(x, weight, bias, 1e-5).tobytes()
    wide = x.astype(np.float64)
    exact = (wide - wide.mean(0)) / np.sqrt(wide.var(0) + 1e-5) * weight[:, None, None] + bias[:, None, None]
    assert result == pytest.approx(exact, abs=2e-5)


@pytest.mark.parametrize(
    ("channels", "heads", "window", "height", "width"),
    [
        (8, 2, 4, 4, 8),
        (20, 1, 8, 16, 8),
        (6, 3, 1, 2, 3),
        (14, 2, 3, 6, 9),
        (40, 2, 8, 8, 24),
        (8, 2, 8, 11, 21),
        (6, 1, 4, 3, 2),
    ],
)
def test_window_attention(channels: int, heads: int, window: int, height: int, width: int) -> None:
    rng = np.random.default_rng(5)
    q, k, v = (rng.normal(size=(3, channels, height, width)) * 2).astype(np.float32)
    result = everywhere(lambda: kernels.window_attention(q, k, v, window, heads))
    size = channels // heads
    for c in range(0, channels, size):
        for i in range(0, height, window):
            for j in range(0, width, window):
                place = (slice(c, c + size), slice(i, i + window), slice(j, j + window))
                parts = [np.ascontiguousarray(x[place]).reshape(size, -1) for x in (q, k, v)]
                expected = formulas.attention(*parts)
                assert np.ascontiguousarray(result[place]).tobytes() == expected.tobytes()
                score = parts[0].astype(np.float64).T @ parts[1] / np.sqrt(size)
                weights = np.exp(score - score.max(1, keepdims=True))
                exact = (weights / weights.sum(1, keepdims=True)) @ parts[2].T
                np.testing.assert_allclose(expected.T, exact, atol=2e-5)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 255), st.integers(0, 3000), st.integers(0, 99))
def test_scale_index_counts_thresholds_below(number: int, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    thresholds = np.sort(rng.normal(size=number).astype(np.float32))
    scale = np.where(rng.random(count) < 0.3, rng.choice(thresholds, count), rng.normal(size=count) * 2).astype(
        np.float32
    )
    index = everywhere(lambda: kernels.scale_index(scale, thresholds))
    assert index.dtype == np.uint16
    assert np.array_equal(index, np.searchsorted(thresholds, scale, "left"))


def test_scale_index_takes_infinities_and_refuses_nan() -> None:
    thresholds = np.array([0.12, 1, 2], np.float32)
    assert kernels.scale_index(np.array([-np.inf, -1, 0.12, 1.5, np.inf], np.float32), thresholds).tolist() == [
        0,
        0,
        0,
        2,
        3,
    ]
    with pytest.raises(ValueError, match="not a number"):
        kernels.scale_index(np.array([1, np.nan], np.float32), thresholds)
    with pytest.raises(ValueError, match="rise"):
        kernels.scale_index(np.ones(3, np.float32), thresholds[::-1].copy())


@pytest.mark.parametrize("name", ["even", "odd_h", "odd_both", "one"])
def test_haar_golden(name: str) -> None:
    golden = np.load(DATA / "haar.npz")
    x = golden[f"dwt_{name}_x"].astype(np.float32)
    x = x.reshape(-1, *x.shape[-2:])
    expected = np.concatenate(
        [golden[f"dwt_{name}_{b}"].reshape(-1, *golden[f"dwt_{name}_{b}"].shape[-2:]) for b in ("ll", "lh", "hl", "hh")]
    )
    bands = everywhere(lambda: kernels.haar_dwt(x))
    assert np.array_equal(bands, expected)
    assert np.array_equal(everywhere(lambda: kernels.haar_idwt(bands))[:, : x.shape[1], : x.shape[2]], x)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 3), st.integers(1, 33), st.integers(1, 33), st.integers(0, 99))
def test_haar_returns_integers_exactly(channels: int, height: int, width: int, seed: int) -> None:
    x = np.random.default_rng(seed).integers(-(2**20), 2**20, (channels, height, width)).astype(np.float32)
    assert np.array_equal(kernels.haar_idwt(kernels.haar_dwt(x))[:, :height, :width], x)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kernels.exp(np.ones(3)), "x must be a C-contiguous float32"),
        (lambda: kernels.exp(np.ones((4, 4), np.float32).T[::2]), "contiguous"),
        (lambda: kernels.signed_log_feature(np.ones((2, 2, 2), np.float32), np.ones(3, np.float32)), "s0 .*shape"),
        (
            lambda: kernels.signed_log_feature(np.ones((1, 2, 2), np.float32), np.zeros(1, np.float32)),
            "s0 must be positive",
        ),
        (lambda: kernels.softmax(np.ones((2, 2), np.float32)), "x .*shape"),
        (lambda: kernels.layer_norm(np.ones((2, 2, 2), np.float32), *np.ones((2, 3), np.float32), 1e-5), "weight"),
        (lambda: kernels.window_attention(*np.ones((3, 4, 6, 6), np.float32), 65, 2), "window"),
        (lambda: kernels.window_attention(*np.ones((3, 4, 8, 8), np.float32), 4, 3), "heads"),
        (lambda: kernels.haar_idwt(np.ones((6, 2, 2), np.float32)), "multiple of 4"),
        (lambda: kernels.scale_index(np.ones(2, np.float32), np.ones(2)), "thresholds must be"),
    ],
)
def test_arguments_are_checked(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
