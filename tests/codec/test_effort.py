"""Encoder effort: gradients through the synthesis, latents that serve better, and files that any decoder reads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hpcmcodec
from hpcmcodec import errors, kernels
from hpcmcodec.codec import Decoder, Encoder, refine
from hpcmcodec.codec.parallel import normative
from hpcmcodec.codec.target import Target
from hpcmcodec.codec.tiling import TileGrid
from hpcmcodec.formats.container import Limits
from hpcmcodec.formats.pictures import Picture
from hpcmcodec.nn import operations as ops
from hpcmcodec.nn.tape import Taped

from .conftest import picture
from .test_hpcm_family import folder as folder  # the fixed-rate models `legacy` and `aligned`

"""Folder of trained models, some of them without a trellis."""


def cost(encoder: Encoder, pixels: np.ndarray, quality: int, **options: Any) -> float:
    """Bits of the file, and of the errors at the quality's price."""
    data = encoder.encode(Picture(pixels), quality, **options)
    error = np.square((Decoder().decode(data).pixels.astype(float) - pixels) / 255).sum() * 3 / pixels.shape[2]
    return 8 * len(data) + float(refine.bits_per_error(encoder.model.network, quality) * error)


# ------------------------------------------------------------------------------------------------ gradients
@pytest.mark.parametrize("way", ["synthesise", "sketch"])
def test_the_gradient_is_that_of_finite_differences(way: str) -> None:
    network, rng = Encoder("tiny").model.network, np.random.default_rng(5)
    with normative():
        cond = refine.condition_of(network, 60)
        y = rng.standard_normal((1, network.latent_channels, 4, 6)).astype("f4")
        call = lambda y: getattr(network, way)(y, cond)  # noqa: E731
        source = Taped(y)
        made = call(source)
        np.testing.assert_array_equal(made.value, call(y))
        seed = rng.standard_normal(made.value.shape).astype("f4")
        gradient = made.gradient(source, seed)
        for _ in range(5):
            along = rng.standard_normal(y.shape).astype("f4")
            step = np.float32(1e-2)
            change = (call(y + step * along) - call(y - step * along)).astype(float) / (2 * step)
            assert np.sum(gradient * along) == pytest.approx(np.sum(seed * change), rel=2e-2)


def test_dead_zones_are_wide_where_ones_are_dear() -> None:
    zones = refine.dead_zone(np.array([5, 1, 0, -1, -2, -3.2], "f4"))
    assert zones.shape == (6, 1, 1) and zones.dtype == np.float32
    assert zones[0] == pytest.approx(0.5, abs=1e-3) and zones[-1] == pytest.approx(1.4)
    assert np.all(np.diff(zones.ravel()) > 0)


def test_what_has_no_gradient_says_so() -> None:
    with pytest.raises(AttributeError):
        ops.sigmoid(Taped(np.zeros((1, 2, 4, 4), "f4")))
    with pytest.raises(AttributeError, match="stride 2"):
        ops.conv2d(Taped(np.zeros((1, 2, 4, 4), "f4")), np.zeros((2, 2, 2, 2), "f4"), None, 2)
    with pytest.raises(ValueError, match="depend"):
        Taped(np.zeros(1)).gradient(Taped(np.zeros(1)), np.zeros(1))


@pytest.mark.parametrize("linear", [False, True])
def test_blocks_give_the_gradient_of_the_whole(linear: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    network, pixels = Encoder().model.network, picture(250, 330)
    grid = TileGrid.of(network, 250, 330, 0)
    y = np.random.default_rng(1).standard_normal((1, network.latent_channels, *grid.latent)).astype("f4")
    found = []
    for block in (1000, 8):
        monkeypatch.setattr(refine, "BLOCK", block)
        whole = np.full_like(y, np.nan)
        with normative():
            cond = refine.condition_of(network, 50)
            for rows, columns, part in refine._gradients(network, cond, grid, pixels, y, linear):
                whole[:, :, slice(*rows), slice(*columns)] = part
        found.append(whole)
    assert np.linalg.norm(found[1] - found[0]) < 0.02 * np.linalg.norm(found[0])


# ------------------------------------------------------------------------------------------------ files
@pytest.mark.parametrize("quality", [25, 80])
@pytest.mark.parametrize(("model", "most"), [("lite-msssim", 0.99), (None, 0.99)], ids=["rounded", "trellis"])
def test_effort_pays(model: str | None, most: float, quality: int) -> None:
    encoder, pixels = Encoder(model), picture(128, 192)
    none, *costs = (cost(encoder, pixels, quality, effort=level) for level in (0, 1, 2, 3, 5))
    assert max(costs) < most * none


def test_effort_pays_at_odd_sizes_in_tiles() -> None:
    encoder, pixels = Encoder(), picture(130, 150)
    before, after = (cost(encoder, pixels, 50, tile_size=64, effort=level) for level in (0, 3))
    assert after < 0.99 * before


@pytest.mark.parametrize("size", [(1, 1), (9, 70)], ids=str)
@pytest.mark.parametrize("channels", [1, 3])
def test_small_and_grey_pictures(size: tuple[int, int], channels: int) -> None:
    data = Encoder().encode(Picture(picture(*size, channels)), effort=3)
    assert Decoder().decode(data).pixels.shape == (*size, channels)


def test_the_same_file_for_any_number_of_threads() -> None:
    found = set()
    for count in (1, 3):
        kernels.set_threads(count)
        found.add(Encoder("tiny").encode(Picture(picture(70, 140)), 60, tile_size=64, effort=3))
    assert len(found) == 1


def test_models_of_one_rate_have_one_effort(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HPCM_MODELS", str(folder))
    encoder, source = Encoder("legacy"), Picture(picture(40, 50))
    assert encoder.encode(source, effort=9) == encoder.encode(source, effort=0)


@pytest.mark.parametrize("level", [-1, 10])
def test_levels_that_there_are_not(level: int) -> None:
    with pytest.raises(errors.UsageError, match=r"choose 0 .* to 9"):
        hpcmcodec.encode(picture(8, 8), model="tiny", effort=level)


def test_targets_are_met_with_effort() -> None:
    encoder, source = Encoder(), Picture(picture(128, 128))
    size = len(encoder.encode(source, 60))
    data = encoder.encode_to(source, Target(size=size), effort=2).data
    assert 0.98 * size <= len(data) <= size
    errors_ = [
        np.square(Decoder().decode(d).pixels.astype(float) - source.pixels).mean()
        for d in (data, encoder.encode_to(source, Target(size=size)).data)
    ]
    assert errors_[0] < errors_[1]


def test_memory_is_counted() -> None:
    source = Picture(picture(140, 200))
    small, model = Limits(max_memory=120 * 2**20), Encoder("tiny").model
    encoder = Encoder("tiny", limits=small)
    encoder.encode(source, tile_size=64)
    least = refine.memory(model, TileGrid.of(model, 140, 200, 64))
    assert least > refine.BYTES_PER_PIXEL * 140 * 200
    with pytest.raises(errors.LimitExceededError, match="--max-memory"):
        Encoder("tiny", limits=replace(small, max_memory=115 * 2**20)).encode(source, tile_size=64, effort=1)
