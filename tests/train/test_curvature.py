"""The curvature of the distortion is that of the network."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from hpcmcodec.train.curvature import BINS, Curvature  # noqa: E402
from hpcmcodec.train.slopes import LAMBDA, slope_at  # noqa: E402

GAIN = 0.02


class Linear:
    """A network whose picture is its latent, times a gain."""

    rate = "fixed"

    def condition(self, quality: torch.Tensor) -> None:
        return None

    def synthesise(self, y: torch.Tensor, cond: Any) -> torch.Tensor:
        return GAIN * y


def test_it_is_measured_by_quality_and_kept() -> None:
    network: Any = Linear()
    found, quality = Curvature(), torch.tensor([0.05, 0.95])
    before = found(quality).clone()
    y = torch.randn(2, 3, 8, 8)
    for _ in range(200):
        found.update(network, torch.rand(2, 3, 8, 8), quality, y, y.round(), "mse")
    true = torch.tensor([2 * GAIN**2 * slope_at(q, LAMBDA) * 255**2 / 3 for q in quality.tolist()])
    torch.testing.assert_close(found(quality), true, rtol=1e-3, atol=1e-6)
    assert not torch.equal(before, true) and found(torch.tensor([0.5])) == before[0]  # others stay
    again = Curvature()
    again.load_state_dict(found.state_dict())
    assert torch.equal(again(quality), found(quality)) and len(again.found) == BINS


def test_what_cannot_be_measured_is_left_out() -> None:
    network: Any = Linear()
    found, quality = Curvature(), torch.tensor([0.5])
    y = torch.zeros(1, 3, 8, 8)
    found.update(network, torch.rand(1, 3, 8, 8), quality, y, y, "mse")
    assert torch.isfinite(found(quality)).all()
