"""The hyperprior on the bands: sizes, heads of their own, growth from the phase before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import variant_kit as kit
from wavelet_configs import CONFIGS, M, N, Walk, latents, network

from hpcmcodec.models.presets import PRESETS
from hpcmcodec.models.registry import build
from hpcmcodec.train.initial import Start, fitted


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (7, 3), (12, 12), (20, 20), (17, 16)], ids=str)
@pytest.mark.parametrize("name", ["p1", "p3"])
def test_latents_of_any_size(name: str, size: tuple[int, int]) -> None:
    """A hyper-latent for every 4x4 latents, parameters for every coefficient of a band (W13, W14)."""
    net, (y, z) = network(name), latents(*size)
    assert net.hyper_analyse(y).shape == z.shape == (1, N, -(-size[0] // 4), -(-size[1] // 4))
    found = net.hyper_synthesise(z, size)
    assert [part.shape for part in found] == 4 * [(1, 2 * M, -(-size[0] // 2), -(-size[1] // 2))]


@pytest.mark.parametrize("size", [(5, 6), (12, 9)], ids=str)
def test_backends_agree_on_odd_sizes(size: tuple[int, int]) -> None:
    torch = pytest.importorskip("torch")
    net, (y, z) = network("p3"), latents(*size)
    other = build(CONFIGS["p3"])
    other.load({name: torch.from_numpy(array) for name, array in net.arrays().items()})
    ours = [net.hyper_analyse(y), *net.hyper_synthesise(z, size)]
    theirs = [other.hyper_analyse(torch.from_numpy(y)), *other.hyper_synthesise(torch.from_numpy(z), size)]
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-4 * max(1.0, float(np.abs(a).max())))


def test_heads_are_of_one_band() -> None:
    """A head's weights change the parameters of its band alone (W14)."""
    _, z = latents(9, 6)
    plain = network("p3").hyper_synthesise(z, (9, 6))
    for band in range(4):
        other = build(CONFIGS["p3"])
        arrays = dict(network("p3").arrays())
        arrays[f"h_s_w.heads.{band}.0.bias"] = arrays[f"h_s_w.heads.{band}.0.bias"] + np.float32(1)
        other.load(arrays)
        changed = other.hyper_synthesise(z, (9, 6))
        assert [not np.array_equal(a, b) for a, b in zip(plain, changed, strict=True)] == [i == band for i in range(4)]


def test_phase_3_grows_from_phase_2(monkeypatch: pytest.MonkeyPatch) -> None:
    """Transforms and context networks are those of phase 2, to the bit; only the hyperprior is new, which then has to
    say what the other did."""
    p2 = replace(CONFIGS["p3"], phase=2)
    start = Start(p2, kit.formula_weights(build(p2)), {})
    found = fitted(start, CONFIGS["p3"], 0)
    parts: dict[str, Any] = {kind: {n.partition(".")[0] for n in found.about[kind]} for kind in ("new", "left_out")}
    assert parts == {"new": {"h_a_w", "h_s_w"}, "left_out": {"h_a", "h_s", "band_hyper"}}
    before, after = build(p2), build(CONFIGS["p3"])
    before.load(start.arrays)
    after.load(found.arrays)
    x = np.random.default_rng(0).random((1, 3, 32, 48), dtype=np.float32)
    assert np.array_equal(before.analyse(x), after.analyse(x))
    y, z = latents(9, 10)
    assert np.array_equal(before.synthesise(y), after.synthesise(y))
    params = before.hyper_synthesise(z, (9, 10))
    monkeypatch.setattr(after, "hyper_synthesise", lambda *_: params, raising=False)
    assert all(Walk(before, y, z).same(Walk(after, y, z)))


def test_nothing_of_the_other_hyperprior_is_left() -> None:
    names = {name.partition(".")[0] for name in build(PRESETS["wavelet-p3"]).specs()}
    assert {"h_a_w", "h_s_w", "means_hyper", "refine"} <= names and not names & {"h_a", "h_s", "band_hyper"}
