"""Bits, rounding and the two gradients of the rate."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hpcmcodec.entropy.tables import DISTORTION_WEIGHT  # noqa: E402
from hpcmcodec.models.lite import Lite  # noqa: E402
from hpcmcodec.nn.torch_model import TorchModel  # noqa: E402
from hpcmcodec.train import loss, slopes  # noqa: E402
from hpcmcodec.train.distributions import LOG_SCALE, Logistic, logistic_bits  # noqa: E402
from tests.codec.conftest import TINY, picture, tiny_arrays  # noqa: E402


@pytest.mark.parametrize("log_scale", [math.log(0.04), -1.0, 0.0, 2.0, math.log(256.0)])
def test_logistic_bits_are_the_formula(log_scale: float) -> None:
    scale = math.exp(log_scale)
    r = np.linspace(-20, 20, 81) * min(scale, 1.0)
    upper, lower = (1 / (1 + np.exp(-(r + shift) / scale)) for shift in (0.5, -0.5))
    exact = -np.log2(upper - lower)
    bits = logistic_bits(torch.tensor(r, dtype=torch.float32), torch.tensor(log_scale)).numpy()
    sound = upper - lower > 1e-9  # float64's own difference loses digits in the tails
    assert sound.any()
    np.testing.assert_allclose(bits[sound], exact[sound], rtol=2e-5, atol=2e-6)


def test_logistic_bits_are_finite_in_the_tails() -> None:
    r = torch.tensor([-1e5, -300.0, 0.0, 300.0, 1e5], requires_grad=True)
    scale = torch.full((5,), LOG_SCALE[0], requires_grad=True)
    bits = logistic_bits(r, scale)
    bits.sum().backward()
    assert all(torch.isfinite(v).all() for v in (bits, r.grad, scale.grad))
    tail = (300 - 0.5) / 0.04 / math.log(2)  # -log2 of exp(-(r - 1/2) / s), up to a factor close to one
    assert bits[3].item() == pytest.approx(tail, rel=1e-4)


def test_masses_add_up_to_one() -> None:
    r = torch.arange(-4000, 4001, dtype=torch.float64)
    for log_scale in (-3.0, 0.3, 4.0):
        mass = torch.exp2(-logistic_bits(r, torch.tensor(log_scale, dtype=torch.float64))).sum()
        assert float(mass) == pytest.approx(1, abs=1e-9)


def test_rdo_rounding_is_nearest_or_one_towards_zero() -> None:
    r = torch.linspace(-6, 6, 997)
    scale = torch.full_like(r, -1.5)
    chosen, near = loss.rdo_round(r, scale, 0.7, Logistic()), r.round()
    assert torch.equal(loss.rdo_round(r, scale, 0.0, Logistic()), near)
    moved = chosen != near
    assert moved.any() and not moved.all()
    assert torch.equal(chosen[moved], (near - near.sign())[moved])

    def cost(symbol: Any) -> Any:
        return DISTORTION_WEIGHT * (r - symbol).square() + 0.7 * logistic_bits(symbol, scale)

    assert (cost(chosen) <= cost(near) + 1e-4).all()


def test_split_bits_value_and_gradients() -> None:
    generator = torch.Generator().manual_seed(1)
    latent, mean, scale, noise = torch.randn(4, 200, generator=generator)
    latent, noise = latent * 3, (noise * 0.2).clamp(-0.5, 0.5)
    leaves = [v.clone().requires_grad_() for v in (latent, mean, scale)]
    symbols = (latent - mean).round()
    bits = loss.split_bits(*leaves, symbols, noise, Logistic())
    torch.testing.assert_close(bits.detach(), logistic_bits(symbols, scale), rtol=0, atol=1e-5)
    bits.sum().backward()

    shift, own_scale = torch.zeros(200, requires_grad=True), scale.clone().requires_grad_()
    logistic_bits(symbols - shift, own_scale).sum().backward()
    relaxed = latent.clone().requires_grad_()
    logistic_bits(relaxed - mean + noise, scale).sum().backward()
    torch.testing.assert_close(leaves[0].grad, relaxed.grad)
    torch.testing.assert_close(leaves[1].grad, shift.grad)
    torch.testing.assert_close(leaves[2].grad, own_scale.grad)


def test_straight_through() -> None:
    value = torch.tensor([0.3, -1.7], requires_grad=True)
    rounded = loss.straight_through(value, value.round())
    (rounded * torch.tensor([2.0, 3.0])).sum().backward()
    assert rounded.tolist() == [0.0, -2.0] and value.grad.tolist() == [2.0, 3.0]


def test_yardstick_and_slopes() -> None:
    quality = torch.tensor([0.0, 1.0])
    assert slopes.lambda_of(quality).tolist() == pytest.approx(slopes.LAMBDA)
    found = slopes.yardstick(slopes.lambda_of(quality), torch.tensor([1e-3, 1e-4]), torch.tensor([0.2, 1.5]))
    expected = [
        (s * 65025 * d + r) / math.sqrt(255 * s)
        for s, d, r in zip(slopes.LAMBDA, (1e-3, 1e-4), (0.2, 1.5), strict=True)
    ]
    assert found.tolist() == pytest.approx(expected, rel=1e-5)


def test_qualities_are_stratified() -> None:
    torch.manual_seed(0)
    q = slopes.stratified(8)
    assert sorted((q * 8).long().tolist()) == list(range(8)) and float(q.min()) >= 0 and float(q.max()) < 1


def test_rate_distortion_trains_and_evaluates_alike() -> None:
    network = Lite(TINY)
    TorchModel(network, tiny_arrays(0))
    x = torch.from_numpy(picture(128, 64).transpose(2, 0, 1).copy())[None].float() / 255
    quality = torch.tensor([0.5])
    with torch.no_grad():
        plain = loss.rate_distortion(network, x, quality, rdo=0.7)
        near = loss.rate_distortion(network, x, quality, rdo=0.0)
    torch.manual_seed(0)
    noisy = loss.rate_distortion(network, x, quality, rdo=0.7, noise=loss.Noise())
    assert plain.mse.item() == pytest.approx(noisy.mse.item(), rel=1e-6)  # same symbols, same picture
    assert plain.bpp.item() == pytest.approx(noisy.bpp.item(), rel=0.05)  # noise is in the hyper-latent's bits alone
    assert near.bpp.item() > plain.bpp.item()
