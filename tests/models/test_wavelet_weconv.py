"""WeConv blocks: recorded values, any size, growth from the network without them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import variant_kit as kit
from wavelet_configs import CONFIGS, GOLDEN, latents

from hpcmcodec.models.presets import PRESETS
from hpcmcodec.models.registry import build
from hpcmcodec.models.wavelet.weconv import FullWeConv, SimpleWeConv, weconv
from hpcmcodec.train.initial import Start, fitted

NAMES = {
    SimpleWeConv: {"low": "ll", "high": "hf"},
    FullWeConv: {
        "low": "l1",
        "low_mix": "l2",
        "high": "h",
        "fuse": "f1",
        "fuse_space": "f2",
        "norm1": "n1",
        "norm2": "n2",
        "expand": "m1",
        "reduce": "m2",
    },
}
"""Our layers -> the recorded ones'."""
BACKENDS = ["numpy", "torch"]
KINDS = pytest.mark.parametrize("simple", [True, False], ids=["simple", "full"])


def recorded(prefix: str, block: Any) -> dict[str, np.ndarray]:
    """A block's parameters as recorded, float64."""
    found = {}
    for name, spec in block.specs().items():
        layer, _, which = name.rpartition(".")
        letter = {"weight": "g", "bias": "b"} if layer.startswith("norm") else {"weight": "w", "bias": "b"}
        key = f"{prefix}_{NAMES[type(block)][layer]}_{letter[which]}" if layer else f"{prefix}_{name}"
        found[name] = GOLDEN[key].reshape(spec.shape)
    return found


def on(backend: str, array: np.ndarray) -> Any:
    """Native arithmetic in float32, torch's in float64."""
    return array.astype(np.float32) if backend == "numpy" else pytest.importorskip("torch").tensor(array)


def loaded(block: Any, arrays: dict[str, np.ndarray], backend: str) -> Any:
    block.load({name: on(backend, array) for name, array in arrays.items()})
    return block


def check(found: Any, key: str, backend: str) -> None:
    tolerance = 1e-5 if backend == "numpy" else 1e-12
    np.testing.assert_allclose(np.asarray(found), GOLDEN[key], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("backend", BACKENDS)
def test_simple_blocks_are_the_recorded_ones(backend: str) -> None:
    block = SimpleWeConv(2)
    loaded(block, recorded("wes", block), backend)
    check(block(on(backend, GOLDEN["wes_x"])), "wes_y", backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_full_blocks_are_the_recorded_ones(backend: str) -> None:
    """(W10, W11)"""
    block, x = FullWeConv(2, expansion=2), on(backend, GOLDEN["wef_x"])
    loaded(block, recorded("wef", block), backend)
    check(block.in_bands(x), "wef_w", backend)
    check(block(x), "wef_y", backend)


@KINDS
@pytest.mark.parametrize("size", [(1, 1), (1, 4), (5, 8), (7, 3), (12, 20)], ids=str)
def test_maps_of_any_size(simple: bool, size: tuple[int, int]) -> None:
    """(W10, W14)"""
    torch = pytest.importorskip("torch")
    block, x = weconv(8, simple), np.random.default_rng(0).standard_normal((1, 8, *size)).astype(np.float32)
    arrays = {n: a + np.float32(0.1) for n, a in block.initial().items()}
    found = loaded(block, arrays, "numpy")(x)
    block.load({name: torch.tensor(array) for name, array in arrays.items()})
    np.testing.assert_allclose(found, block(torch.tensor(x)), rtol=0, atol=2e-5)
    assert not np.array_equal(found, x)


@KINDS
def test_every_parameter_matters(simple: bool) -> None:
    """(W11)"""
    torch = pytest.importorskip("torch")
    block = weconv(4, simple)
    tensors = {n: torch.tensor(a + 0.1, requires_grad=True) for n, a in block.initial().items()}
    block.load(tensors)
    block(torch.randn(2, 4, 6, 7, generator=torch.Generator().manual_seed(0))).square().mean().backward()
    assert [name for name, t in tensors.items() if not t.grad.abs().sum() > 0] == []


@KINDS
def test_blocks_are_identities_in_a_network_that_grows(simple: bool) -> None:
    """(W12, W20)"""
    block = weconv(8, simple)
    block.load(block.initial(grown=True))
    x = np.random.default_rng(0).standard_normal((1, 8, 6, 7)).astype(np.float32)
    assert np.array_equal(block(x), x)
    block.load(block.initial())
    assert not np.array_equal(block(x), x)


@pytest.mark.parametrize("name", ["p2", "p2-full"])
def test_phase_2_grows_from_phase_1(name: str) -> None:
    """The same latents and pictures, to the bit; no layer is replaced (W12)."""
    p2 = CONFIGS[name]
    p1 = replace(p2, phase=1, use_simple_weconv=True)
    before = build(p1)
    start = Start(p1, kit.formula_weights(before), {})
    found = fitted(start, p2, 0)
    assert found.about["left_out"] == [] and all(".weconv." in part for part in found.about["new"])
    after = build(found.config)
    before.load(start.arrays)
    after.load(found.arrays)
    x = np.random.default_rng(0).random((1, 3, 32, 48), dtype=np.float32)
    assert np.array_equal(before.analyse(x), after.analyse(x))
    y = latents(4, 6)[0]
    assert np.array_equal(before.synthesise(y), after.synthesise(y))


def test_blocks_stand_where_stated() -> None:
    """After the second and the fourth residual block at stride 8 in the analysis, before the first and the third in
    the synthesis; all of the base's blocks are there (W12)."""
    net = build(PRESETS["wavelet-p2"])
    kinds = {"Conv2d": "<", "ConvTranspose2d": ">", "PConvRB": "r", "SimpleWeConv": "W"}
    orders = ["".join(kinds[type(layer).__name__] for layer in part._layers()) for part in (net.g_a, net.g_s)]
    assert orders == ["<rr<rr<rrWrrW<", ">WrrWrr>rr>rr>"]
    assert build(PRESETS["wavelet-p1"]).specs().keys() < net.specs().keys()
