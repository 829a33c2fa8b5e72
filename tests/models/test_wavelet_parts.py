"""Parts of phases 4 and 5 of the wavelet family, each by itself: recorded numbers, both backends, gradients."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import variant_kit as kit

from hpcmcodec.models.attention import WindowAttention
from hpcmcodec.models.cost import parameters
from hpcmcodec.models.wavelet import checkerboard
from hpcmcodec.models.wavelet.adaptive import StepSizes
from hpcmcodec.models.wavelet.context_nets import BasicContext, EnhancedContext, LightContext
from hpcmcodec.models.wavelet.frequency import ChannelGate, FrequencyRefinement, Fusion
from hpcmcodec.models.wavelet.low_context import LowContext
from hpcmcodec.models.wavelet.pyramid import MultiResolution, masked_mean
from hpcmcodec.nn import operations as ops
from hpcmcodec.nn.labels import mask
from hpcmcodec.nn.module import Module
from tests.levels import every_way

GOLDEN = np.load(Path(__file__).parent.parent / "data/wavelet/wavelet.npz")
M, HEADS = 8, 2
SIZES = [(1, 1), (3, 5), (7, 9), (8, 16), (13, 10)]


def random(channels: int, rows: int, columns: int, seed: int = 0, batch: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 2, (batch, channels, rows, columns)).astype(np.float32)


def half_known(rows: int, columns: int) -> np.ndarray:
    return mask(checkerboard.channel_labels(4, rotate=False), 1, 2, (rows, columns), (rows, columns))[None]


PARTS: dict[str, tuple[Module, Callable[..., Any]]] = {
    "attention": (WindowAttention(M, HEADS), lambda net, x, y: net(x[:, :M], y)),
    "low-context": (LowContext(M, HEADS), lambda net, x, y: net(y)),
    "refinement": (
        FrequencyRefinement(M, HEADS),
        lambda net, x, y: ops.concat(net([x, 2 * x, x * x], y)),
    ),
    "steps": (StepSizes(M), lambda net, x, y: net(x)),
    "pyramid": (MultiResolution(M, light=False), lambda net, x, y: _known_context(net, y)),
    "pyramid-light": (MultiResolution(M, light=True), lambda net, x, y: _known_context(net, y)),
    "enhanced": (EnhancedContext(M), lambda net, x, y: net(ops.concat((x, y)))),
    "light": (LightContext(M), lambda net, x, y: net(ops.concat((x, y)))),
    "basic": (BasicContext(M), lambda net, x, y: net(ops.concat((x, y)))),
}
"""Name -> network, and how it is called with hyper parameters x (N, 2M, h, w) and latents y (N, M, h, w)."""


def _known_context(net: Any, y: Any) -> Any:
    known = ops.label_mask(y, checkerboard.channel_labels(4, rotate=False), 1, 2, y.shape[2:], y.shape[2:])
    return net(y * known, known)


# ------------------------------------------------------------------------------------------ every part
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", PARTS)
def test_backends_agree_at_any_size(name: str, size: tuple[int, int]) -> None:
    """(W15, W16, W17)"""
    torch = pytest.importorskip("torch")
    net, call = PARTS[name]
    arrays = kit.part_weights(net)
    x, y = random(2 * M, *size), random(M, *size, seed=1)
    net.load(arrays)
    native = call(net, x, y)
    net.load({key: torch.from_numpy(array) for key, array in arrays.items()})
    other = call(net, torch.from_numpy(x), torch.from_numpy(y)).numpy()
    if name == "steps":  # near a boundary the two may choose neighbours
        native, other = np.log2(native) * 16, np.log2(other) * 16
        assert np.abs(native - other).max() < 1.01 and np.mean(np.abs(native - other) > 0.5) < 0.01
    else:
        np.testing.assert_allclose(native, other, rtol=0, atol=2e-5 * np.abs(other).max())


@pytest.mark.parametrize("name", PARTS)
def test_parts_are_exact_at_every_level(name: str) -> None:
    net, call = PARTS[name]
    net.load(kit.part_weights(net))
    found = set()
    for _ in every_way(1, 3):
        found.add(call(net, random(2 * M, 11, 9), random(M, 11, 9, seed=1)).tobytes())
    assert len(found) == 1


@pytest.mark.parametrize("name", PARTS)
def test_gradients_reach_every_parameter(name: str) -> None:
    torch = pytest.importorskip("torch")
    net, call = PARTS[name]
    tensors = {key: torch.from_numpy(array).requires_grad_() for key, array in kit.part_weights(net, 0.5).items()}
    net.load(tensors)
    call(
        net, torch.from_numpy(random(2 * M, 9, 6)), torch.from_numpy(random(M, 9, 6, seed=1))
    ).square().sum().backward()
    assert all(t.grad is not None and bool((t.grad != 0).any()) for t in tensors.values())


@pytest.mark.parametrize("name", PARTS)
def test_pictures_do_not_depend_on_their_batch(name: str) -> None:
    """(W22)"""
    torch = pytest.importorskip("torch")
    net, call = PARTS[name]
    net.load({key: torch.from_numpy(array) for key, array in kit.part_weights(net, 0.5).items()})
    x, y = (torch.from_numpy(random(c, 9, 6, c, batch=2)) for c in (2 * M, M))
    together = call(net, x, y)
    for i in range(2):
        torch.testing.assert_close(call(net, x[i : i + 1], y[i : i + 1]), together[i : i + 1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("make", "count"),
    [
        (partial(LowContext, heads=8), 3_383_360),
        (partial(Fusion, heads=8), 1_233_920),
        (ChannelGate, 183_120),
        (StepSizes, 205_120),
        (EnhancedContext, 15_901_601),
        (LightContext, 1_677_761),
        (BasicContext, 11_711_680),
        (partial(MultiResolution, light=False), 6_360_320),
        (partial(MultiResolution, light=True), 626_270),
    ],
)
def test_parameters_are_as_many_as_stated(make: Callable[[int], Module], count: int) -> None:
    """(W16, W18, W25)"""
    assert parameters(make(320)) == count


@pytest.mark.parametrize("name", ["enhanced", "light", "basic"])
def test_corrections_start_at_zero(name: str) -> None:
    net, call = PARTS[name]
    net.load(net.initial())
    assert not call(net, random(2 * M, 5, 6), random(M, 5, 6)).any()


# ------------------------------------------------------------------------------------------ attention, gate
@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_window_attention_is_the_recorded_one(backend: str) -> None:
    """(W22)"""
    make: Any = np.ascontiguousarray if backend == "numpy" else pytest.importorskip("torch").from_numpy
    q, k, v = (make(GOLDEN[f"wattn_{name}"].astype(np.float32)) for name in "qkv")
    found = np.asarray(ops.window_attention(q, k, v, 4, 2))
    np.testing.assert_allclose(found, GOLDEN["wattn_out"], rtol=1e-5, atol=1e-6)


def test_attention_stays_in_its_window() -> None:
    """(W22)"""
    net, call = PARTS["attention"]
    net.load(kit.part_weights(net))
    x, y = random(2 * M, 11, 13), random(M, 11, 13)
    changed = y.copy()
    changed[:, :, 9, 2] += 1
    differs = (call(net, x, y) != call(net, x, changed)).any((0, 1))
    assert differs[8:, :8].all() and not differs[:8].any() and not differs[:, 8:].any()


def test_refinement_starts_as_nothing_and_its_gate_as_one() -> None:
    """(W20)"""
    net, _ = PARTS["refinement"]
    net.load(net.initial())
    params, context = [random(2 * M, 5, 7, seed) for seed in range(3)], random(M, 5, 7)
    assert all(np.array_equal(a, b) for a, b in zip(net(params, context), params, strict=True))
    assert all((gain == 1).all() for gain in net.gate(context))


def test_refinement_is_made_of_parameters_and_the_low_band() -> None:
    """Every high band's own parameters, and the low band, change what comes out (W19)."""
    net, _ = PARTS["refinement"]
    net.load(kit.part_weights(net))
    params, context = [random(2 * M, 5, 7, seed) for seed in range(3)], random(M, 5, 7)
    plain = net(params, context)
    other = net([params[0] + 1, *params[1:]], context)
    assert [np.array_equal(a, b) for a, b in zip(plain, other, strict=True)] == [False, True, True]
    assert not any(np.array_equal(a, b) for a, b in zip(plain, net(params, context + 1), strict=True))


# ------------------------------------------------------------------------------------------ steps of the quantiser
@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_steps_are_the_recorded_ones(backend: str) -> None:
    """(W21)"""
    make: Any = np.ascontiguousarray if backend == "numpy" else pytest.importorskip("torch").from_numpy
    table = GOLDEN["aq_delta_table"]
    found = np.asarray(ops.step_sizes(make(GOLDEN["aq_a"].astype(np.float32)[None])))[0]
    assert np.array_equal(found, table[GOLDEN["aq_k_of_a"].astype(int) + 16])
    assert np.array_equal(ops.step_sizes(make(np.linspace(-1, 1, 33, dtype=np.float32)[None]))[0], table)


def test_steps_start_at_one_and_bound_everything() -> None:
    net, call = PARTS["steps"]
    net.load(net.initial())
    assert (call(net, random(2 * M, 3, 4), random(M, 3, 4)) == 1).all()
    assert ops.step_sizes(np.array([[np.nan, -np.inf, np.inf]], np.float32)).tolist() == [[0.5, 0.5, 2]]


def test_steps_learn_as_without_rounding() -> None:
    """(W21)"""
    torch = pytest.importorskip("torch")
    a = torch.tensor([-0.7, 0.01, 0.4, 1.5], requires_grad=True)
    ops.step_sizes(a).sum().backward()
    expected = np.log(2) * np.exp2([-0.7, 0.01, 0.4])
    np.testing.assert_allclose(a.grad[:3], expected, rtol=1e-5)
    assert a.grad[3] == 0
    assert ops.step_sizes(torch.tensor([float("nan")])).isnan().all()  # a network that diverged says so


# ------------------------------------------------------------------------------------------ groups
@pytest.mark.parametrize("groups", checkerboard.GROUPS)
@pytest.mark.parametrize("size", [(8, 8), (5, 7), (1, 1)], ids=str)
def test_groups_are_the_recorded_ones(groups: int, size: tuple[int, int]) -> None:
    """Together they cover every position once (W24, W27)."""
    name = f"cb{groups}_{size[0]}x{size[1]}"
    found = checkerboard.labels(groups, *size)
    assert np.array_equal(found, GOLDEN[f"{name}_label"])
    assert np.array_equal([found == g for g in range(groups)], GOLDEN[f"{name}_mask"])


@pytest.mark.parametrize("groups", checkerboard.GROUPS)
def test_rotated_groups_are_the_recorded_ones(groups: int) -> None:
    found = checkerboard.channel_labels(groups, rotate=True).spread(8, 8, 8)
    assert np.array_equal(found, GOLDEN[f"cb{groups}_rot_8x8_label"])
    assert (np.bincount(found[:, 3, 5], minlength=groups) == 8 // groups).all()


@pytest.mark.parametrize(("groups", "expected"), [(2, {0: 0, 1: 4}), (4, {0: 0, 1: 2, 2: 6, 3: 8})])
def test_later_groups_have_known_neighbours(groups: int, expected: dict[int, int]) -> None:
    label = checkerboard.labels(groups, 8, 8)
    for group, count in expected.items():
        known = mask(checkerboard.channel_labels(groups, rotate=False), 1, group, (8, 8), (8, 8))[0]
        i, j = np.argwhere(label[1:-1, 1:-1] == group)[0] + 1
        assert known[i - 1 : i + 2, j - 1 : j + 2].sum() == count


# ------------------------------------------------------------------------------------------ several resolutions
@pytest.mark.parametrize("backend", ["numpy", "torch"])
@pytest.mark.parametrize("factor", [4, 2, 1])
def test_means_are_the_recorded_ones(factor: int, backend: str) -> None:
    """(W26)"""
    make: Any = np.ascontiguousarray if backend == "numpy" else pytest.importorskip("torch").from_numpy
    known = GOLDEN["mrc_mask"].astype(np.float32)
    mean, density = masked_mean(make(GOLDEN["mrc_y"].astype(np.float32) * known), make(known), factor)
    np.testing.assert_allclose(mean, GOLDEN[f"mrc_s{factor}_avg"], rtol=1e-6)
    np.testing.assert_allclose(density, GOLDEN[f"mrc_s{factor}_density"], rtol=1e-6)


@pytest.mark.parametrize("size", [(7, 9), (3, 5), (1, 1)], ids=str)
def test_the_mean_of_a_constant_is_that_constant(size: tuple[int, int]) -> None:
    """Wherever anything is known (W26)."""
    known = (np.random.default_rng(0).random((1, M, *size)) < 0.3).astype(np.float32)
    for factor in (4, 2, 1):
        mean, _ = masked_mean(1.5 * known, known, factor)
        rows, columns = (-(-side // factor) for side in size)
        assert mean.shape == (1, M, rows, columns)
        for i, j in itertools.product(range(rows), range(columns)):
            cell = known[0, :, factor * i : factor * (i + 1), factor * j : factor * (j + 1)]
            assert np.array_equal(mean[0, :, i, j], 1.5 * cell.any((1, 2)))


@pytest.mark.parametrize("name", ["pyramid", "pyramid-light"])
def test_a_decoded_zero_is_not_what_is_unknown(name: str) -> None:
    """(W27)"""
    net, _ = PARTS[name]
    net.load(kit.part_weights(net))
    nothing = np.zeros((1, M, 5, 7), np.float32)
    found = [net(nothing, known) for known in (half_known(5, 7), np.zeros((1, 1, 5, 7), np.float32))]
    assert not np.array_equal(*found)
