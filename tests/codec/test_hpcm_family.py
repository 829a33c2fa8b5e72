"""Pictures through small networks of the HPCM family: what differs from `lite` is padding, rate and traversal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hpcmcodec import kernels
from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.formats import container
from hpcmcodec.formats.pictures import Picture
from hpcmcodec.models.config import HpcmConfig
from hpcmcodec.models.export import exact, export_model
from hpcmcodec.models.hpcm import Hpcm
from hpcmcodec.models.presets import BASE
from tests.levels import every_way

from .conftest import picture

LEGACY = HpcmConfig(
    transform=replace(
        BASE.transform, widths=(8, 8, 16, 16), analysis_blocks=(1, 0, 0, 0), synthesis_blocks=(1, 0, 0, 0)
    ),
    hyper=replace(BASE.hyper, channels=8, width=16, analysis_blocks=(1, 0), synthesis_blocks=(0, 1)),
    context=BASE.context,
)
ALIGNED = replace(
    LEGACY, context=replace(LEGACY.context, hyper_placement="aligned", fusion="none", adaptor_blocks=(1, 1, 1))
)


def weights(config: HpcmConfig) -> dict[str, np.ndarray]:
    """Random weights with latents that spread over several steps."""
    rng = np.random.default_rng(7)
    arrays = {}
    for name, spec in Hpcm(config).specs().items():
        fan = int(np.prod(spec.shape[1:])) if len(spec.shape) > 1 else 25
        arrays[name] = (rng.standard_normal(spec.shape) / np.sqrt(fan)).astype(np.float32)
    last = max(name for name in arrays if name.startswith("g_a.branch.") and name.endswith(".weight"))
    arrays[last] *= 10
    return arrays


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hpcm")
    for name, config in (("legacy", LEGACY), ("aligned", ALIGNED)):
        export_model(
            folder / f"{name}.safetensors",
            name,
            config,
            weights(config),
            distribution="generalised_gaussian",
            storage=exact,
        )
    return folder


@pytest.fixture(autouse=True)
def only_these(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HPCM_MODELS", str(folder))


@pytest.mark.parametrize(
    ("name", "size"), [("legacy", (30, 257)), ("aligned", (130, 70)), ("aligned", (1, 1))], ids=str
)
def test_any_size_survives_at_every_level(name: str, size: tuple[int, int]) -> None:
    source = Picture(picture(*size), None)
    found = set()
    for _ in every_way(kernels.get_threads()):
        data = Encoder(name).encode(source)
        found.add((data, Decoder().decode(data).pixels.tobytes()))
    assert len(found) == 1
    assert len(next(iter(found))[1]) == source.pixels.size


def test_a_model_of_one_rate_writes_no_quality() -> None:
    source = Picture(picture(40, 50), None)
    first, second = (Encoder("legacy").encode(source, quality) for quality in (10, 90))
    assert first == second
    header = container.read(first).header
    assert header.quality is None


def test_padding_is_not_coded() -> None:
    """A picture of one latent position costs little more than its streams' states, though the network sees 256x256."""
    small, large = (Encoder("legacy").encode(Picture(picture(*size), None)) for size in ((16, 16), (256, 256)))
    assert 10 * len(small) < len(large)
