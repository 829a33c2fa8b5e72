"""Phase 4 of the wavelet family: growth, the quantiser's steps in training and coding, what attention costs."""

from __future__ import annotations

import sys
from dataclasses import replace
from subprocess import run
from typing import Any

import numpy as np
import pytest
import variant_kit as kit
from wavelet_configs import CONFIGS, GOLDEN, M, Walk, latents, small

from hpcmcodec import errors
from hpcmcodec.models.registry import build
from hpcmcodec.models.wavelet.frequency import FrequencyRefinement
from hpcmcodec.train.initial import Start, fitted

FUSION_AT_4K = """
import resource
import numpy as np
from hpcmcodec.models.wavelet.frequency import Fusion
net = Fusion(320, 8)
net.load(net.initial())
params, context = np.ones((1, 640, 68, 120), np.float32), np.ones((1, 320, 68, 120), np.float32)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
net(params, context)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_phase_4_starts_as_phase_3() -> None:
    """To the bit (W19, W20, W21)."""
    p3 = CONFIGS["p3"]
    before = build(p3)
    arrays = kit.formula_weights(before)
    for name in arrays:  # a network at its start does not look at the low band yet
        if name.startswith("refine.") and ".out." in name:
            arrays[name] *= 0
        if name.startswith("high_adaptors.") and name.endswith("weight"):
            arrays[name][:, 3 * M :] = 0
    found = fitted(Start(p3, arrays, {}), CONFIGS["p4"], 0)
    after = build(found.config)
    before.load(arrays)
    after.load(found.arrays)
    y, z = latents(9, 14)
    assert all(Walk(before, y, z).same(Walk(after, y, z)))


def test_fixed_steps_have_no_weights() -> None:
    """(W21)"""
    with_steps, without = (build(CONFIGS[name]).specs() for name in ("p4", "p4-fixed"))
    assert {n.partition(".")[0] for n in with_steps.keys() - without.keys()} >= {"step_sizes"}
    assert not any(n.startswith("step_sizes") for n in without)


@pytest.mark.parametrize("changes", [{"attention_heads": 3}, {"attention_heads": 0}, {"attention_heads": 128}])
def test_heads_must_divide_the_channels(changes: dict[str, Any]) -> None:
    with pytest.raises(errors.ModelFileError, match="attention_heads"):
        small("wavelet-p4", **changes)


def test_parts_of_later_phases_are_refused() -> None:
    for changes in ({"use_adaptive_quant": False}, {"attention_heads": 4}, {"checkerboard_groups": 2}):
        with pytest.raises(errors.ModelFileError, match=r"is of phases [45] to 5, this is phase 3"):
            replace(CONFIGS["p3"], **changes)


# ------------------------------------------------------------------------------------------ the quantiser
def test_elements_are_symbols_in_units_of_steps() -> None:
    """(W21)"""
    y, mu, delta = (GOLDEN[f"aq_{name}"].astype(np.float32) for name in ("y", "mu", "delta"))
    symbols = np.rint((y - mu) / delta)
    assert np.array_equal(symbols, GOLDEN["aq_q"])
    np.testing.assert_allclose(symbols.astype(np.float32) * delta + mu, GOLDEN["aq_yhat"], rtol=1e-6)


class OneStep:
    """A network whose latent is the picture, coded in one step with given means, scales and steps."""

    distribution = "generalised_gaussian"

    def __init__(self, mean: Any, scale: Any, delta: Any) -> None:
        self.given = mean, scale, delta

    def condition(self, quality: Any) -> None:
        return None

    def analyse(self, x: Any, cond: None) -> Any:
        return x.flatten(1)[:, :, None, None]

    def hyper_analyse(self, y: Any, cond: None) -> Any:
        return 0 * y

    def z_scale(self, cond: None) -> Any:
        return self.given[1].detach()[:1]

    def pick(self, y: Any) -> Any:
        return lambda step: y.flatten(1)

    def traverse_grid(self, z: Any, cond: None, code: Any, grid: tuple[int, int]) -> Any:
        mean, scale, delta = self.given
        return code(None, mean, scale / delta, delta)

    def synthesise(self, y_hat: Any, cond: None) -> Any:
        return y_hat


@pytest.mark.parametrize("noisy", [True, False])
def test_training_quantises_as_coding_does(noisy: bool) -> None:
    """y_hat = mu + step q in value; its gradient is 1 to y and q - r to the step (W21)."""
    torch = pytest.importorskip("torch")
    from hpcmcodec.train.loss import code_batch

    y, mu, delta, sigma = (
        torch.tensor(GOLDEN[f"aq_{name}"].astype(np.float32), requires_grad=True)
        for name in ("y", "mu", "delta", "sigma")
    )
    coded = code_batch(
        OneStep(mu, sigma, delta), y, torch.zeros(1), rdo=0.0, noise=(lambda like: 0 * like) if noisy else None
    )
    np.testing.assert_allclose(coded.y_hat.detach(), GOLDEN["aq_yhat"], rtol=1e-6)
    q, r = GOLDEN["aq_q"], (GOLDEN["aq_y"] - GOLDEN["aq_mu"]) / GOLDEN["aq_delta"]
    grads = torch.autograd.grad(coded.y_hat.sum(), (y, delta), retain_graph=True)
    np.testing.assert_allclose(grads[0], np.ones_like(q), rtol=1e-6)
    np.testing.assert_allclose(grads[1], q - r, atol=1e-6)
    bits = coded.y_bits[0][1].sum()
    assert all(
        bool(g.abs().sum() > 0)
        for g in torch.autograd.grad(bits, (mu, delta, sigma), allow_unused=not noisy)
        if g is not None
    )


@pytest.mark.parametrize("delta", [1.0, 2.0])
def test_bits_of_steps_are_those_of_divided_numbers(delta: float) -> None:
    """(W21)"""
    torch = pytest.importorskip("torch")
    from hpcmcodec.train.distributions import DISTRIBUTIONS
    from hpcmcodec.train.loss import split_bits, split_bits_of_steps

    family = DISTRIBUTIONS["generalised_gaussian"]
    y, mean, scale, noise = torch.rand((4, 1, 50), generator=torch.Generator().manual_seed(0))
    y, scale, noise = 8 * y, scale + 0.3, noise - 0.5
    symbols, steps = ((y - mean) / delta).round(), torch.full_like(y, delta)
    found = split_bits_of_steps(y, mean, steps, scale, symbols, noise, family)
    torch.testing.assert_close(found, split_bits(y / delta, mean / delta, scale, symbols, noise, family))


# ------------------------------------------------------------------------------------------ what it costs
def test_attention_is_linear_in_the_picture() -> None:
    """Four times the tokens cost four times as much (W22)."""
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    net = FrequencyRefinement(M, 2)
    net.load({name: torch.empty(spec.shape, device="meta") for name, spec in net.specs().items()})
    counts = []
    for rows, columns in ((16, 24), (32, 48)):
        params = [torch.empty(1, 2 * M, rows, columns, device="meta")] * 3
        with FlopCounterMode(display=False) as counter:
            net(params, torch.empty(1, M, rows, columns, device="meta"))
        counts.append(counter.get_total_flops())
    assert counts[1] == pytest.approx(4 * counts[0], rel=0.01)


@pytest.mark.slow
def test_fusion_of_a_4k_picture_takes_little_memory() -> None:
    """(W22)"""
    found = run([sys.executable, "-c", FUSION_AT_4K], capture_output=True, text=True, check=True)
    assert int(found.stdout) * (1 if sys.platform == "darwin" else 1024) < 200 * 2**20
