"""Single layers and blocks with formula weights against the official operators' outputs, on every backend."""

from __future__ import annotations

import formula
import golden
import numpy as np
import pytest

from hpcmcodec.models.attention import CrossAttentionCell
from hpcmcodec.models.config import PriorConfig
from hpcmcodec.models.presets import BASE, LARGE, ONE_BILLION
from hpcmcodec.models.spatial_prior import SpatialPrior
from hpcmcodec.models.transforms import down, up
from hpcmcodec.nn.layers import DWConvRB, PConvRB
from hpcmcodec.nn.module import Module

OPS = np.load(golden.DATA / "ops.npz")
TOLERANCE = {"native": 5e-6, "float32": 5e-6, "float64": 1e-6}
LAYERS: dict[str, tuple[Module, tuple[int, int, int, int]]] = {
    "pconvrb_p4": (PConvRB(16, 4), (1, 16, 6, 10)),
    "pconvrb_p2": (PConvRB(16, 2), (1, 16, 6, 10)),
    "dwconvrb": (DWConvRB(12), (1, 12, 6, 10)),
    "conv4x4_down": (down(3, 8, 4), (1, 3, 8, 12)),
    "conv2x2_down": (down(6, 8), (1, 6, 8, 12)),
    "deconv2x2_up": (up(6, 8), (1, 6, 4, 6)),
    "deconv4x4_up": (up(6, 3, 4), (1, 6, 4, 6)),
}


def stimulus(key: str, shape: tuple[int, ...]) -> np.ndarray:
    return (2 * formula.unit(key, int(np.prod(shape)))).reshape(shape).astype(np.float32)


def check(out: object, key: str, backend: str) -> None:
    np.testing.assert_allclose(golden.numpy(out), OPS[key], rtol=0, atol=TOLERANCE[backend])


@pytest.mark.parametrize("backend", golden.BACKENDS)
@pytest.mark.parametrize("name", LAYERS)
def test_layer(name: str, backend: str) -> None:
    layer, shape = LAYERS[name]
    golden.load(layer, backend, f"op.{name}.")
    check(layer(golden.array(stimulus(f"op.{name}.x", shape), backend)), f"op.{name}", backend)


@pytest.mark.parametrize("backend", golden.BACKENDS)
@pytest.mark.parametrize(("window", "shape"), [(4, (1, 64, 8, 12)), (8, (1, 64, 16, 24))])
def test_attention(window: int, shape: tuple[int, ...], backend: str) -> None:
    key = f"op.attn_w{window}"
    cell = CrossAttentionCell(64, window, 32)
    golden.load(cell, backend, f"{key}.")
    x, h = (golden.array(stimulus(f"{key}.{name}", shape), backend) for name in "xh")
    check(cell(x, h), key, backend)


@pytest.mark.parametrize("backend", golden.BACKENDS)
@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("base.y_spatial_prior_s1_s2", BASE.context.coarse_prior),
        ("base.y_spatial_prior_s3", BASE.context.fine_prior),
        ("large.y_spatial_prior_s1_s2", LARGE.context.coarse_prior),
        ("large.y_spatial_prior_s3", LARGE.context.fine_prior),
        ("1b.y_spatial_prior_s1_s2", ONE_BILLION.context.coarse_prior),
        ("1b.y_spatial_prior_s3", ONE_BILLION.context.fine_prior),
    ],
)
def test_spatial_prior(name: str, config: PriorConfig, backend: str) -> None:
    prior = SpatialPrior(config, 8)
    golden.load(prior, backend, f"op.{name}.")
    x = golden.array(stimulus(f"op.{name}.x", (1, 24, 8, 12)), backend)
    gains = (0.5 * formula.unit(f"op.{name}.q", 24)).astype(np.float32).reshape(1, 24, 1, 1) + np.float32(1)
    scale = 3 if name.endswith("s3") else 1
    check(prior(x, golden.array(gains, backend), scale), f"op.{name}", backend)
