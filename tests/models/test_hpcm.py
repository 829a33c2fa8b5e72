"""The HPCM networks' structure and invariants, on small configurations."""

from __future__ import annotations

import math
from dataclasses import replace

import golden
import numpy as np
import pytest

from hpcmcodec.models.config import HpcmConfig
from hpcmcodec.models.hpcm import Hpcm
from hpcmcodec.models.presets import BASE, OFFICIAL

# Parameters by group: g_a, g_s, h_a, h_s, adaptors of the three scales, priors, vectors, attention, context nets, z.
COUNTS = {
    "base": (6716336, 6716019, 3156304, 6116448, 922560, 2767680, 5535360, 11711680, 19109440, 9600, 4922880, 820480),
    "large": (
        11774768,
        11774451,
        3156304,
        6116448,
        922560,
        2767680,
        5535360,
        15410560,
        26507200,
        9600,
        4922880,
        820480,
    ),
    "phi": (6716336, 6716019, 3156304, 6116448, 922560, 2767680, 5535360, 11711680, 19109440, 9600, 0, 820480),
    "1b": (
        *(44029280, 71247075, 36540928, 69845248, 47285760, 141857280, 397200384),
        *(85646336, 104560640, 15360, 0, 2099200),
    ),
}
GROUPS = (
    *("g_a.", "g_s.", "h_a.", "h_s.", "y_spatial_prior_adaptor_list_s1.", "y_spatial_prior_adaptor_list_s2."),
    *("y_spatial_prior_adaptor_list_s3.", "y_spatial_prior_s1_s2.", "y_spatial_prior_s3.", "adaptive_params_list."),
    *("attn_s", "context_net."),
)
TOTALS = {"base": 68505299, "large": 89718803, "phi": 63582419, "1b": 1000328003}

SMALL = HpcmConfig(
    transform=replace(
        BASE.transform, widths=(8, 16, 24, 32), analysis_blocks=(1, 0, 1, 0), synthesis_blocks=(1, 0, 1, 0)
    ),
    hyper=replace(BASE.hyper, channels=8, width=16, analysis_blocks=(1, 1), synthesis_blocks=(1, 1)),
    context=BASE.context,
)
BACKENDS = ("native", "float32")


@pytest.mark.parametrize("preset", OFFICIAL)
def test_parameter_counts(preset: str) -> None:
    specs = Hpcm(OFFICIAL[preset]).specs()
    counts = tuple(sum(math.prod(s.shape) for n, s in specs.items() if n.startswith(group)) for group in GROUPS)
    assert counts == COUNTS[preset]
    assert sum(math.prod(spec.shape) for spec in specs.values()) == TOTALS[preset]


def small(config: HpcmConfig, backend: str, **changed: np.ndarray) -> Hpcm:
    """A network with weights large enough to give varied symbols."""
    model = Hpcm(config)
    rng = np.random.default_rng(5)
    weights = {}
    for name, spec in model.specs().items():
        fan = math.prod(spec.shape[1:]) if len(spec.shape) > 1 else 8
        weights[name] = rng.normal(0, 1.2 / math.sqrt(fan), spec.shape).astype(np.float32)
    for name in (n for n in weights if n.startswith("adaptive_params_list") or n == "scales_hyper"):
        weights[name] = 1 + 0.2 * weights[name]
    weights.update(changed)
    model.load({name: golden.array(value, backend) for name, value in weights.items()})
    return model


def encode(
    model: Hpcm, backend: str, h: int = 256, w: int = 512
) -> tuple[np.ndarray, dict[int, np.ndarray], np.ndarray]:
    """Hyper symbols, symbols of each step, and the encoder's y_hat, of a noisy picture."""
    x = np.random.default_rng(3).uniform(0, 1, (1, 3, h, w)).astype(np.float32)
    y = model.analyse(golden.array(x, backend)) * 20.0
    z = np.round(golden.numpy(model.hyper_analyse(y)))
    pick, symbols = model.pick(y), {}

    def code(step, mean, scale):
        rounded = (pick(step) - mean).round()
        symbols[step.index] = golden.numpy(rounded)
        assert mean.shape == scale.shape == rounded.shape
        return rounded + mean

    return z, symbols, golden.numpy(model.traverse(golden.array(z, backend), None, code))


@pytest.mark.parametrize("placement", ["legacy", "aligned"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_decoder_repeats_the_encoder(backend: str, placement: str) -> None:
    model = small(replace(SMALL, context=replace(SMALL.context, hyper_placement=placement)), backend)
    z, symbols, y_hat = encode(model, backend)
    assert sum(np.count_nonzero(s) for s in symbols.values()) > y_hat.size // 4
    decoded = model.traverse(
        golden.array(z, backend), None, lambda step, mean, scale: golden.array(symbols[step.index], backend) + mean
    )
    assert golden.numpy(decoded).tobytes() == y_hat.tobytes()


@pytest.mark.parametrize("backend", BACKENDS)
def test_placement_matters(backend: str) -> None:
    aligned = replace(SMALL, context=replace(SMALL.context, hyper_placement="aligned"))
    (_, first, _), (_, second, _) = (encode(small(config, backend), backend) for config in (SMALL, aligned))
    assert np.array_equal(first[1], second[1])
    assert not np.array_equal(first[2], second[2])


@pytest.mark.parametrize("backend", BACKENDS)
def test_attention_that_passes_its_query_equals_no_attention(backend: str) -> None:
    d = 2 * SMALL.latent_channels
    passing = {}
    for cell in ("attn_s1", "attn_s2", "attn_s3"):
        passing[f"{cell}.conv_v.weight"] = np.zeros((d, d, 1, 1), np.float32)
        passing[f"{cell}.conv_out.weight"] = np.eye(d, dtype=np.float32).reshape(d, d, 1, 1)
        passing[f"{cell}.conv_v.bias"] = passing[f"{cell}.conv_out.bias"] = np.zeros(d, np.float32)
    with_attention = small(SMALL, backend, **passing)
    without = Hpcm(replace(SMALL, context=replace(SMALL.context, fusion="none")))
    without.load({n: a for n, a in with_attention.arrays().items() if not n.startswith("attn_")})
    (_, _, first), (_, _, second) = encode(with_attention, backend), encode(without, backend)
    np.testing.assert_allclose(first, second, rtol=0, atol=2e-4)


def test_pick_gives_every_latent_once() -> None:
    model = Hpcm(SMALL)
    index = np.arange(32 * 8 * 8).reshape(1, 32, 8, 8)
    pick = model.pick(index)
    found = np.concatenate([pick(step).ravel() for step in model.schedule])
    assert np.array_equal(np.sort(found), index.ravel())


def test_gradients_reach_every_parameter() -> None:
    torch = pytest.importorskip("torch")
    from hpcmcodec.nn.torch_model import TorchModel

    config = replace(SMALL, context=replace(SMALL.context, heads=8))
    model = Hpcm(config)
    holder = TorchModel(model, model.initial(seed=1))
    x = torch.rand(2, 3, 256, 256)
    y = model.analyse(x)
    z = model.hyper_analyse(y)
    pick, scales = model.pick(y), []

    def code(step, mean, scale):
        scales.append(scale.mean())
        return pick(step) - mean + mean

    out = model.synthesise(model.traverse(z, None, code))
    (out.mean() + sum(scales) + model.z_scale().mean()).backward()
    dead = {name for name, p in holder.named_parameters() if p.grad is None}
    assert {name.split("/")[0] for name in dead} <= {"attn_s3"}
