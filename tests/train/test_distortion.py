"""MS-SSIM against its formula in numpy, and the generalised Gaussian's bits against the tables' masses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hpcmcodec.entropy.tables import generalised_gaussian_survival, half_masses  # noqa: E402
from hpcmcodec.train import slopes  # noqa: E402
from hpcmcodec.train.distributions import GeneralisedGaussian, lower_bound  # noqa: E402
from hpcmcodec.train.ms_ssim import LEAST_SIDE, WEIGHTS, ms_ssim  # noqa: E402
from tests.codec.conftest import picture  # noqa: E402


def reference(a: np.ndarray, b: np.ndarray) -> float:
    """Of two planes with values in 0..1, float64, straight from the paper."""
    taps = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    taps /= taps.sum()

    def blur(p: np.ndarray) -> np.ndarray:
        rows = np.apply_along_axis(np.convolve, 0, p, taps, "valid")
        return np.apply_along_axis(np.convolve, 1, rows, taps, "valid")

    product = 1.0
    for i, weight in enumerate(WEIGHTS):
        ma, mb = blur(a), blur(b)
        va, vb, covariance = blur(a * a) - ma * ma, blur(b * b) - mb * mb, blur(a * b) - ma * mb
        structure = (2 * covariance + 0.03**2) / (va + vb + 0.03**2)
        luminance = (2 * ma * mb + 0.01**2) / (ma * ma + mb * mb + 0.01**2)
        product *= float((structure * luminance if i == 4 else structure).mean()) ** weight
        if i < 4:
            a, b = (p.reshape(p.shape[0] // 2, 2, p.shape[1] // 2, 2).mean((1, 3)) for p in (a, b))
    return product


def pair() -> tuple[Any, Any]:
    """A picture and a disturbed copy, (1, 3, 176, 192) in 0..1."""
    x = picture(176, 192).transpose(2, 0, 1)[None] / np.float32(255)
    return x, (x + np.random.default_rng(1).normal(0, 0.05, x.shape)).astype(np.float32)


def test_ms_ssim_is_the_formula() -> None:
    x, y = pair()
    expected = np.mean([reference(x[0, c].astype(float), y[0, c].astype(float)) for c in range(3)])
    found = ms_ssim(torch.from_numpy(x), torch.from_numpy(y))
    assert found.shape == (1,) and float(found) == pytest.approx(expected, abs=1e-5) and 0.5 < expected < 0.999


def test_ms_ssim_of_equal_and_opposite_pictures() -> None:
    x, y = (torch.from_numpy(v) for v in pair())
    assert float(ms_ssim(x, x)) == pytest.approx(1, abs=1e-5)
    leaf = (1 - x).requires_grad_()
    found = ms_ssim(leaf, x)
    found.sum().backward()
    assert 0 <= float(found.detach()) < float(ms_ssim(x, y)) and torch.isfinite(leaf.grad).all()
    small = torch.rand(1, 3, LEAST_SIDE, LEAST_SIDE)
    assert float(ms_ssim(small, small)) == pytest.approx(1, abs=1e-5)


def test_slopes_of_both_metrics_are_one_scale() -> None:
    published = [(0.0018, 2.4), (0.0035, 4.58), (0.0067, 8.73), (0.013, 16.64), (0.025, 31.73), (0.0483, 60.5)]
    for mse, similarity in published:
        assert slopes.slope_of(similarity, "ms-ssim") == pytest.approx(slopes.slope_of(mse, "mse"), rel=0.04)
    for quality in (-0.2, 0.0, 0.4, 1.0):
        slope = float(slopes.lambda_of(torch.tensor(quality, dtype=torch.float64)))
        assert slopes.quality_of(slope) == pytest.approx(quality, abs=1e-9)


@pytest.mark.parametrize("scale", [0.12, 0.5, 3.0, 40.0])
def test_generalised_gaussian_bits_are_the_tables_masses(scale: float) -> None:
    masses = half_masses(generalised_gaussian_survival, scale)
    masses = masses[masses > 1e-8][:20]
    r = torch.arange(len(masses), dtype=torch.float64)
    for sign in (1, -1):
        bits = GeneralisedGaussian().bits(sign * r, torch.tensor(scale, dtype=torch.float64)).numpy()
        np.testing.assert_allclose(bits, -np.log2(masses), rtol=1e-6)


def test_generalised_gaussian_gradients() -> None:
    r = torch.tensor([0.0, 0.5, -0.5, 1.3, -2.0], dtype=torch.float64, requires_grad=True)
    scale = torch.full((5,), 0.9, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(GeneralisedGaussian().bits, (r, scale))
    far = torch.tensor([0.5, 300.0, -1e4], requires_grad=True)
    small = torch.full((3,), -5.0, requires_grad=True)
    family = GeneralisedGaussian()
    family.bits(far, family.bound(small)).sum().backward()
    assert torch.isfinite(far.grad).all() and torch.isfinite(small.grad).all()


def test_lower_bound_lets_values_come_back() -> None:
    x = torch.tensor([0.05, 0.05, 0.5], requires_grad=True)
    bounded = lower_bound(x, 0.12)
    bounded.backward(torch.tensor([1.0, -1.0, 1.0]))
    assert bounded.tolist() == pytest.approx([0.12, 0.12, 0.5]) and x.grad.tolist() == [0.0, -1.0, 1.0]
