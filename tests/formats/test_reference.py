"""The product against a decoder that was written from FORMAT.md alone: same file, same samples."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import reference_decoder

from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.codec.encoder import encode_exactly
from hpcmcodec.diagnose import pixels_hash
from hpcmcodec.entropy.tables import EntropyTables
from hpcmcodec.entropy.trellis import logistic_trellis_tables
from hpcmcodec.formats.pictures import Picture
from hpcmcodec.models import store
from hpcmcodec.models.config import ContextConfig, HpcmConfig, HyperConfig, PriorConfig, TransformConfig
from hpcmcodec.models.export import export_model
from hpcmcodec.models.lite import LiteConfig
from hpcmcodec.models.registry import build

VARIANTS = Path(__file__).parents[1] / "conformance/variants"
sys.path.insert(0, str(VARIANTS))
from variants import write_model  # noqa: E402

LITE = LiteConfig(
    latent_channels=16,
    hyper_channels=4,
    widths=(8, 12, 16),
    blocks=(1, 2, 1),
    context_widths=(8, 12),
    context_blocks=(1, 2),
)
LITE_G4, LITE_G2 = (replace(LITE, checkerboard_groups=groups) for groups in (4, 2))
WINDOWED = HpcmConfig(
    TransformConfig((4, 8, 12, 16), (1, 1, 1, 0), (1, 2, 1, 0), edge_kernel=4, partial=4, naming="branch"),
    HyperConfig(channels=4, width=8, analysis_blocks=(1, 1), synthesis_blocks=(2, 1)),
    ContextConfig(
        coarse_prior=PriorConfig(1, 1, 0),
        fine_prior=PriorConfig(2, 1, 0),
        adaptor_blocks=(0, 0, 0),
        fusion="window",
        windows=(2, 4, 4),
        heads=4,
        hyper_placement="legacy",
    ),
)
CHAINED = HpcmConfig(
    TransformConfig((4, 8, 8, 16), (1, 1, 1, 1), (1, 1, 2, 1), edge_kernel=2, partial=2, naming="chunks"),
    HyperConfig(channels=4, width=8, analysis_blocks=(1, 1), synthesis_blocks=(1, 2)),
    ContextConfig(
        coarse_prior=PriorConfig(1, 1, 1),
        fine_prior=PriorConfig(1, 2, 1),
        adaptor_blocks=(1, 2, 1),
        fusion="none",
        windows=(4, 8, 8),
        heads=32,
        hyper_placement="aligned",
    ),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


def small_model(folder: Path, name: str, config: Any) -> Path:
    """A network of small random weights, stored as export stores them."""
    path = folder / f"{name}.safetensors"
    if path.exists():
        return path
    rng = np.random.default_rng(11)
    arrays = {}
    for key, spec in build(config).specs().items():
        fan = int(np.prod(spec.shape[1:])) or 1
        arrays[key] = (rng.normal(size=spec.shape) / np.sqrt(fan)).astype(np.float32)
        if key.startswith("adaptive_params_list"):
            arrays[key] += 1
    if name.startswith("lite"):
        noise = np.float32(0.05) * rng.normal(size=(16, 16)).astype(np.float32)
        arrays["linear.post"], arrays["linear.pre"] = np.eye(16, dtype=np.float32) + noise, np.eye(16, dtype=np.float32)
        arrays["log_up.rows"] += 2
        arrays["z_mean.rows"] *= 5
    else:
        last = max(key for key in arrays if key.startswith("g_a") and key.endswith("weight"))
        arrays[last] *= 20
    distribution = "logistic" if name.startswith("lite") else "generalised_gaussian"
    tables = trellis_tables() if name.endswith("trellis") else None
    export_model(path, name, config, arrays, distribution=distribution, tables=tables)
    return path


@cache
def trellis_tables() -> EntropyTables:
    """Fitted to a few random latents: any tables will do."""
    rng = np.random.default_rng(3)
    steps = [(rng.normal(size=500).astype(np.float32), rng.integers(0, 96, 500).astype(np.uint16))]
    return logistic_trellis_tables(lambda tables: [steps], 0.8)


@pytest.mark.parametrize(
    ("name", "config", "height", "width", "channels", "quality"),
    [
        ("lite", LITE, 70, 100, 3, 40),
        ("lite", LITE, 16, 16, 1, 100),
        ("lite-trellis", LITE, 70, 100, 3, 40),
        ("lite-trellis", LITE, 16, 16, 1, 100),
        ("lite-g4", LITE_G4, 70, 100, 3, 40),
        ("lite-g2", LITE_G2, 70, 100, 3, 40),
        ("windowed", WINDOWED, 70, 100, 3, 50),
        ("chained", CHAINED, 17, 40, 1, 50),
    ],
)
def test_same_samples(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    config: Any,
    height: int,
    width: int,
    channels: int,
    quality: int,
) -> None:
    model = small_model(folder, name, config)
    rng = np.random.default_rng(height)
    pixels = rng.integers(0, 256, (height // 5 + 1, width // 5 + 1, channels)).astype(np.uint8)
    pixels = pixels.repeat(5, 0).repeat(5, 1)[:height, :width]
    data = Encoder(model).encode(Picture(np.ascontiguousarray(pixels)), quality, exact_tiles=False)
    monkeypatch.setenv(store.ENVIRONMENT, str(folder))
    decoded = Decoder().decode(data).pixels
    assert len(np.unique(decoded)) > 1
    np.testing.assert_array_equal(reference_decoder.decode(data, model), decoded)


@pytest.mark.parametrize(("channels", "depth", "tile_size"), [(1, 8, 0), (3, 8, 64), (3, 12, 64)])
@pytest.mark.parametrize("alpha", [False, True])
def test_exact_files(channels: int, depth: int, tile_size: int, alpha: bool) -> None:
    rng = np.random.default_rng(depth)
    kind = np.uint8 if depth == 8 else np.uint16
    pixels = (rng.integers(0, 2**depth, (9, 11, channels)).astype(kind)).repeat(8, 0).repeat(7, 1)
    plane = pixels[::-1, :, 0].copy() if alpha else None
    picture = Picture(pixels, plane, depth=depth)
    for near in (0, 1):
        data = encode_exactly(picture, near, tile_size=tile_size)
        decoded = Decoder().decode(data)
        wanted = decoded.pixels if decoded.alpha is None else np.dstack((decoded.pixels, decoded.alpha))
        np.testing.assert_array_equal(reference_decoder.decode(data), wanted)


def test_exact_on_top_of_a_learned_picture(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = small_model(folder, "lite", LITE)
    monkeypatch.setenv(store.ENVIRONMENT, str(folder))
    rng = np.random.default_rng(1)
    picture = Picture(rng.integers(0, 256, (30, 40, 3)).astype(np.uint8), rng.integers(0, 2, (30, 40)).astype(np.uint8))
    near = Decoder().decode(Encoder(model).encode(picture, 40)).pixels // 2 + picture.pixels // 32
    assert picture.alpha is not None
    data = Encoder(model).encode(Picture(near.astype(np.uint8), picture.alpha), 40, near_lossless=0)
    decoded = Decoder().decode(data)
    found = reference_decoder.decode(data, model)
    np.testing.assert_array_equal(found[:, :, :3], decoded.pixels)
    np.testing.assert_array_equal(found[:, :, 3], decoded.alpha)


QUICK = {"lite-multiref-p3", "lite-rwkv-p2-cross", "wavelet-p5-light"}
NAMES = sorted(json.loads((VARIANTS / "models.json").read_text()))


@pytest.mark.parametrize("name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in NAMES])
def test_a_network_of_every_kind(name: str, tmp_path: Path) -> None:
    """The conformance files of what the package does not ship."""
    recorded = json.loads((VARIANTS / "models.json").read_text())
    write_model(tmp_path, name, recorded[name]["config"])
    found = reference_decoder.decode((VARIANTS / f"{name}.hpc").read_bytes(), tmp_path / f"{name}.safetensors")
    assert pixels_hash(Picture(found)) == json.loads((VARIANTS / "pixels.json").read_text())[f"{name}.hpc"]
