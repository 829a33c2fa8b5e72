"""Spectral truncation, decorrelation of scales and balancing against recorded numbers and their own promises."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hpcmcodec.models import geometry  # noqa: E402
from hpcmcodec.models.hpcm import Hpcm  # noqa: E402
from hpcmcodec.models.lite import Lite  # noqa: E402
from hpcmcodec.train import spectral  # noqa: E402
from hpcmcodec.train.balance import Balance  # noqa: E402
from hpcmcodec.train.inter_scale import InterScale, correlation, margin  # noqa: E402
from tests.codec.conftest import TINY  # noqa: E402
from tests.codec.test_hpcm_family import ALIGNED  # noqa: E402

GOLDEN = dict(np.load(Path(__file__).parents[1] / "data" / "spectral" / "spectral.npz"))
NETWORKS = {"hpcm": Hpcm(ALIGNED), "lite": Lite(TINY)}


def golden(name: str) -> Any:
    """A recorded array as a tensor, float64 where it is one."""
    return torch.from_numpy(GOLDEN[name])


# ---------------------------------------------------------------------------------------------- spectral truncation
def test_transform_is_orthonormal() -> None:
    for n in (1, 2, 5, 6, 8, 17, 256):
        p = spectral.dct_matrix(n).float()
        torch.testing.assert_close(p @ p.t(), torch.eye(n), rtol=0, atol=2e-6)
    for n in (5, 6, 8):
        torch.testing.assert_close(spectral.dct_matrix(n), golden(f"dct_{n}"), rtol=0, atol=1e-12)


def test_masks_and_truncations_are_the_recorded_ones() -> None:
    taus = GOLDEN["taus"].tolist()
    for i, tau in enumerate(taus):
        mask = spectral.mask(6, 8, tau)
        torch.testing.assert_close(mask, golden("mask_6x8")[i], rtol=0, atol=1e-12)
        torch.testing.assert_close(spectral.truncate(golden("z"), mask), golden("z_trunc")[i], rtol=0, atol=1e-12)
        assert float(spectral.mask(256, 256, tau).mean()) == pytest.approx(GOLDEN["mask256_mean"][i], abs=1e-12)
    odd = spectral.truncate(golden("z_odd"), spectral.mask(5, 5, 0.5))
    torch.testing.assert_close(odd, golden("z_odd_trunc_0p5"), rtol=0, atol=1e-12)


def test_cut_off_rises_without_a_jump() -> None:
    ramp = spectral.Truncation(0.05, 1.0, int(GOLDEN["sched_T"]), "image")
    assert [ramp.tau(int(t)) for t in GOLDEN["sched_steps"]] == pytest.approx(GOLDEN["sched_tau"].tolist(), abs=1e-12)
    before = spectral.mask(64, 64, ramp.tau(0))
    for step in range(1, 1001):
        mask = spectral.mask(64, 64, ramp.tau(step))
        assert (mask >= before - 1e-12).all() and float((mask - before).mean()) < 0.004  # the published cone: 0.74
        before = mask
    assert ramp.mask(torch.zeros(1, 3, 8, 8), 1000) is None and (before == 1).all()


def test_truncation_is_symmetric_and_contracting() -> None:
    torch.manual_seed(0)
    x, y = torch.randn(2, 2, 3, 9, 12, dtype=torch.float64)
    mask = spectral.mask(9, 12, 0.4)
    tx, ty = spectral.truncate(x, mask), spectral.truncate(y, mask)
    assert float((tx * y).sum()) == pytest.approx(float((x * ty).sum()), abs=1e-9)
    assert tx.square().sum() < x.square().sum()
    leaf = x.clone().requires_grad_()
    (spectral.truncate(leaf, mask) * y).sum().backward()
    torch.testing.assert_close(leaf.grad, ty, rtol=0, atol=1e-12)


# ---------------------------------------------------------------------------------------------- nested scales
def three_sample_means(fine: Any, new: Any) -> Any:
    """Means of the newly coded samples of each cell, from a mask of them."""
    n, c, h, w = fine.shape
    kept = (fine * new).reshape(n, c, h // 2, 2, w // 2, 2)
    return kept.sum((3, 5)) / 3


def test_correlation_and_its_gradients_are_the_recorded_ones() -> None:
    u = golden("is_u").requires_grad_()
    fine = golden("is_fine").requires_grad_()
    v = three_sample_means(fine, golden("is_new").double())
    torch.testing.assert_close(v.detach(), golden("is_v"), rtol=0, atol=1e-12)
    applied = torch.einsum("om,nmhw->nohw", golden("is_A"), v)
    found = correlation(u, applied)
    assert float(found.detach()) == pytest.approx(float(GOLDEN["is_P"]), abs=1e-9)
    found.backward()
    torch.testing.assert_close(u.grad, golden("is_grad_u"), rtol=0, atol=1e-7)
    torch.testing.assert_close(fine.grad, golden("is_grad_fine"), rtol=0, atol=1e-7)
    assert float((u.detach() * u.grad).sum()) == pytest.approx(0, abs=1e-6)  # blowing up gains nothing
    assert float(margin(golden("is_u"), golden("is_Av"))) == pytest.approx(float(GOLDEN["is_margin"]), abs=1e-9)


@pytest.mark.parametrize("form", [correlation, margin])
def test_terms_are_bounded(form: Any) -> None:
    torch.manual_seed(1)
    a, b = torch.randn(2, 4, 3, 8, 8)
    for u, v in ((a, b), (a, a), (a, -a), (a * 0, b), (a * 0 + 1, a * 0 + 1)):
        leaf = u.clone().requires_grad_()
        found = form(leaf, v)
        assert 0 <= float(found.detach()) <= 1 + 1e-6
        found.backward()
        assert torch.isfinite(leaf.grad).all()
    assert float(correlation(3 * a + 1, b - 7)) == pytest.approx(float(correlation(a, b)), abs=1e-5)


def test_term_alone_does_not_blow_up_latents() -> None:
    torch.manual_seed(2)
    base = torch.randn(2, 4, 8, 8)
    u, v = base.clone().requires_grad_(), (base + 0.3 * torch.randn(2, 4, 8, 8)).requires_grad_()
    spread = float(u.detach().std())
    optimizer = torch.optim.Adam([u, v], 3e-3)
    for _ in range(400):
        optimizer.zero_grad()
        found = correlation(u, v)
        found.backward()
        optimizer.step()
    assert float(found.detach()) < 1e-3 and float(u.detach().std()) == pytest.approx(spread, rel=0.2)


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_nest_their_scales(name: str) -> None:
    """The fine side knows nothing of the coarse samples, in any channel group, and independent latents score zero."""
    network: Any = NETWORKS[name]
    torch.manual_seed(3)
    y = torch.randn(4, 16, 32, 32)
    (u1, v1), (u2, v2) = network.nested(y)
    assert u1.shape == v1.shape == (4, 16, 8, 8) and u2.shape == v2.shape == (4, 16, 16, 16)
    for (u, _), (size, lattice) in zip(network.nested(y), ((8, 1), (16, 2)), strict=True):
        for group in range(8):
            channels = slice(2 * group, 2 * group + 2)
            coarse = geometry.sample(y, geometry.SCALE2)
            coarse = geometry.sample(coarse, geometry.SCALE1) if lattice == 1 else coarse
            if name == "hpcm":
                assert torch.equal(u[:, channels], coarse[:, channels])
        assert u.shape[2] == size
    leaf = y.clone().requires_grad_()
    for index in (0, 1):
        u, v = network.nested(leaf)[index]
        (used_by_v,) = torch.autograd.grad(v.sum(), leaf, retain_graph=True)
        (used_by_u,) = torch.autograd.grad(u.sum(), leaf)
        assert not ((used_by_v != 0) & (used_by_u != 0)).any()
        assert torch.unique(used_by_v[used_by_v != 0]).tolist() == pytest.approx([1 / 3])
        assert int((used_by_v != 0).sum()) == 3 * u.numel()
    assert float(correlation(u1, v1)) < 5 / u1[:, 0].numel() and float(correlation(u2, v2)) < 5 / u2[:, 0].numel()


def test_predictors_learn_and_stay_apart_from_the_encoder() -> None:
    torch.manual_seed(4)
    mix = torch.randn(4, 4)
    v = torch.randn(4, 4, 8, 8)
    u = torch.einsum("om,nmhw->nohw", mix, v)
    own = InterScale(4, 2, torch.device("cpu"))
    pairs = [(u, v), (u, v)]
    first = own.learn(pairs)
    errors = [own.learn(pairs) for _ in range(200)]
    assert errors[-1] < 0.9 * first
    leaf = u.clone().requires_grad_()
    own.term([(leaf, v), (leaf, v)]).backward()
    before = own.predictors[0].grad.clone()
    assert leaf.grad.abs().sum() > 0 and torch.equal(own.predictors[0].grad, before)
    other = InterScale(4, 2, torch.device("cpu"))
    other.load_state_dict(copy.deepcopy(own.state_dict()))
    assert own.learn(pairs) == other.learn(pairs) and torch.equal(own.predictors[1], other.predictors[1])
    few = [(u[:, :, :1, :1], v[:, :, :1, :1])] * 2
    assert float(own.term(few).detach()) == 0 and own.skipped == 2
    with pytest.raises((RuntimeError, ValueError)):
        own.term([(u[:, :2], v[:, :2])] * 2)


# ---------------------------------------------------------------------------------------------- balancing
@pytest.mark.parametrize(("form", "key"), [("famo", "famo_lit"), ("anchored", "famo_anch")])
def test_balance_is_the_recorded_one(form: str, key: str) -> None:
    balance = Balance(form, largest=1.0)
    for i in range(5):
        before, after = golden("famo_pre")[i], golden("famo_post")[i]
        assert balance.omega(before).tolist() == pytest.approx(GOLDEN[f"{key}_omega"][i].tolist(), abs=1e-12)
        assert float(balance.combine(before).detach()) == pytest.approx(float(GOLDEN[f"{key}_loss"][i]), abs=1e-12)
        balance.update(before, after)
        assert balance.delta == pytest.approx(GOLDEN[f"{key}_delta"][i].tolist(), abs=1e-12)
        assert balance.w.tolist() == pytest.approx(GOLDEN[f"{key}_w"][i].tolist(), abs=1e-12)


def test_lambda_counts_in_the_anchored_form_only() -> None:
    results = {}
    for form in ("famo", "anchored"):
        for factor in (1.0, 1000.0):
            losses = torch.tensor([2.0 * factor, 1.5], dtype=torch.float64, requires_grad=True)
            balance = Balance(form)
            balance.combine(losses).backward()
            balance.update(losses, losses.detach() * torch.tensor([0.9, 0.99]))
            results[form, factor] = (losses.grad * torch.tensor([factor, 1.0]), balance.w.detach().clone())
    for form, ratio in (("famo", 1.0), ("anchored", 1000.0)):
        (plain, w), (scaled, w_scaled) = results[form, 1.0], results[form, 1000.0]
        torch.testing.assert_close(w, w_scaled, rtol=0, atol=1e-6)
        assert float(scaled[0] / scaled[1] / (plain[0] / plain[1])) == pytest.approx(ratio, rel=1e-6)


def test_anchored_weights_are_bounded_and_return() -> None:
    balance = Balance("anchored", rate=0.5)
    for _ in range(50):
        balance.update(torch.tensor([1.0, 1.0]), torch.tensor([0.5, 1.0]))
    assert float(balance.w.detach().abs().max()) == pytest.approx(0.7)
    losses = torch.tensor([1.0, 1.0])
    assert balance.omega(losses, 0.5).tolist() != [0.5, 0.5]
    assert balance.omega(losses, 0.95).tolist() == [0.5, 0.5] and not balance.wanted(0, 0.96)
    assert [balance.fade(d) for d in (0.8, 0.875, 1.0)] == pytest.approx([1, 0.5, 0])


def final_distortion(slope: float, form: str) -> float:
    """Of a one-parameter curve: distortion exp(-2 r), rate r + r^2 / 4, Adam."""
    r = torch.tensor(0.2, dtype=torch.float64, requires_grad=True)
    optimizer, balance = torch.optim.Adam([r], 3e-2), Balance(form)

    def losses() -> Any:
        return torch.stack((slope * torch.exp(-2 * r), r.abs() + r.square() / 4))

    for step in range(500):
        optimizer.zero_grad()
        before = losses()
        balance.combine(before, step / 500).backward()
        optimizer.step()
        if form != "none" and balance.wanted(step, step / 500):
            balance.update(before, losses())
    return float(torch.exp(-2 * r.detach()))


@pytest.mark.parametrize("slope", [1.0, 10.0])
def test_anchored_training_ends_where_lambda_says(slope: float) -> None:
    assert final_distortion(slope, "anchored") == pytest.approx(final_distortion(slope, "none"), rel=0.03)
